// The statements that read a rollup's rows by key, for points_of().
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffee/series/series.h"

namespace dalgona::coffee {

// Column and value, beginning with the first column of the rollup's order.
using RollupKey = std::vector<std::pair<std::string_view, std::string>>;

// "date, given, observed_at, metric..." of events.`table`, rows as they lie there, in no order; for
// warehouse::point_query_options(). The metrics are the first ones of the rollup, in its order. Without a range all
// days.
std::string rollup_rows(std::string_view table, const RollupKey& key, std::span<const std::string_view> metrics,
                        std::optional<DayRange> range = {});

}  // namespace dalgona::coffee
