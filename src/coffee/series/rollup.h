// The statements that read a rollup's rows by key, for points_of().
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "events/series_key.h"

namespace dalgona::coffee {

// "date, given, observed_at, metric..." of events.`table`, rows as they lie there, in no order; for
// warehouse::point_query_options(). The metrics are the first ones of the rollup, in its order.
std::string rollup_rows(std::string_view table, const events::SeriesRange& range,
                        std::span<const std::string_view> metrics);

}  // namespace dalgona::coffee
