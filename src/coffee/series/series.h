// Day-by-day series and what is derived from them; pure but for the reading of request bodies.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "coffee/api/body.h"

namespace dalgona::coffee {

using Day = std::chrono::sys_days;

// Of ClickHouse's Date.
inline constexpr Day kFirstDay{}, kLastDay = std::chrono::year{2149} / 6 / 6;

// A hole longer than that is left open, as in models/ (longest_gap_days).
inline constexpr int kLongestGapDays = 366;
// A series is that long at most; of a longer one the newest days are given.
inline constexpr int kMaxSeriesDays = 3660;

Day day_of(Time time);
std::string day_text(Day day);
// "YYYY-MM-DD" as the stores print it. Throws Permanent for anything else.
Day day_from_store(std::string_view text);

// Inclusive at both ends.
struct DayRange {
  Day first, last;
};
// Reads `startDate` and `endDate` of a body, cut to the days that ClickHouse's Date has (1970-01-01 to 2149-06-06).
// What is not given does not cut: a platform's clock may be ahead of ours, a simulated one by years. Throws
// InvalidInput when the start is after the end.
DayRange read_range(const Body& body);
// The range in which the observations lie that a gap at either end of `range` may be between.
DayRange with_neighbours(DayRange range);

// One observed or, when `gap`, carried-on day: the values of the metrics asked for, in their order.
struct Point {
  Day day{};
  std::vector<std::optional<int64_t>> values;
  bool gap = false;
};

// `observed` ascends by day, one point a day, and reaches beyond the range as with_neighbours() has it: the point
// before it is what a gap at the beginning carries on, the point after it ends one at the end. Nothing comes after the
// last observation.
std::vector<Point> fill_gaps(std::span<const Point> observed, DayRange range);

// From a rollup's rows "date, given, observed_at, metric, metric...", in any order and as many of a day as there are
// (what merges have not put together yet): of each metric a day's newest value. The metrics are the first ones of the
// rollup, in its order: bit i of `given` says whether row has the i-th. Ascending by day.
std::vector<Point> points_of(const std::vector<boost::json::array>& rows);
// [{"date", metrics..., "gap"}].
boost::json::array series_json(std::span<const Point> points, std::span<const std::string_view> metrics);

// Last value minus that of the last observation at least `days` before the last day; nothing when there is none. A
// metric that either lacks is nothing, too.
struct Growth {
  Day start{}, end{};
  std::vector<std::optional<int64_t>> change;
};
std::optional<Growth> growth_over(std::span<const Point> observed, int days);

}  // namespace dalgona::coffee
