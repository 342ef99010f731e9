#include "coffee/series/series.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/errors.h"
#include "events/series_key.h"

namespace dalgona::coffee {

using std::chrono::days;

Day day_of(Time time) {
  return std::chrono::floor<days>(time);
}

std::string day_text(Day day) {
  return to_date(Time{day});
}

Day day_from_store(std::string_view text) {
  try {
    return day_of(parse_date(text, "date"));
  } catch (const InvalidInput& e) {
    throw Permanent(fmt::format("a store's date: {}", e.what()));
  }
}

DayRange read_range(const Body& body) {
  const auto start = body.date("startDate");
  const auto end = body.date("endDate");
  if (start && end && *start > *end) throw InvalidInput("startDate is after endDate");
  return {std::clamp(start ? day_of(*start) : kFirstDay, kFirstDay, kLastDay),
          std::clamp(end ? day_of(*end) : kLastDay, kFirstDay, kLastDay)};
}

DayRange with_neighbours(DayRange range) {
  return {std::max(kFirstDay, range.first - days{kLongestGapDays}),
          std::min(kLastDay, range.last + days{kLongestGapDays})};
}

std::vector<Point> fill_gaps(std::span<const Point> observed, DayRange range) {
  std::vector<Point> filled;
  for (size_t i = 0; i < observed.size(); ++i) {
    const Point& point = observed[i];
    if (point.day > range.last) break;
    if (point.day >= range.first) filled.push_back(point);
    if (i + 1 == observed.size()) break;
    const Day next = observed[i + 1].day;
    if ((next - point.day).count() > kLongestGapDays) continue;
    const Day until = std::min(next, range.last + days{1});
    for (Day day = std::max(point.day + days{1}, range.first); day < until; day += days{1})
      filled.push_back({day, point.values, true});
  }
  if (filled.size() > size_t{kMaxSeriesDays}) filled.erase(filled.begin(), filled.end() - kMaxSeriesDays);
  return filled;
}

std::vector<Point> points_of(const std::vector<boost::json::array>& rows, std::string_view name) {
  constexpr size_t kMetricsAt = 4;
  struct Latest {
    std::vector<std::optional<int64_t>> values;
    std::vector<std::string_view> seen;  // when each was observed; the rows' own text
  };
  std::map<Day, Latest> by_day;
  for (const auto& row : rows) {
    if (row.size() < kMetricsAt || !row[0].is_number() || !row[1].is_string() || !row[3].is_string())
      throw Permanent("a series row does not begin with series, name, given and time");
    if (std::string_view(row[1].get_string()) != name) continue;
    const auto given = row[2].to_number<uint64_t>();
    const std::string_view seen = row[3].get_string();
    auto& day = by_day[events::day_of_series(row[0].to_number<uint64_t>())];
    day.values.resize(row.size() - kMetricsAt);
    day.seen.resize(row.size() - kMetricsAt);
    for (size_t i = 0; i < day.values.size(); ++i) {
      // Times of one form compare as text.
      if ((given >> i & 1) == 0 || (day.values[i] && seen < day.seen[i])) continue;
      day.values[i] = row[i + kMetricsAt].to_number<int64_t>();
      day.seen[i] = seen;
    }
  }
  std::vector<Point> points;
  points.reserve(by_day.size());
  for (auto& [day, latest] : by_day) points.push_back({day, std::move(latest.values), false});
  return points;
}

boost::json::array series_json(std::span<const Point> points, std::span<const std::string_view> metrics) {
  boost::json::array all;
  all.reserve(points.size());
  for (const Point& point : points) {
    boost::json::object day{{"date", day_text(point.day)}};
    for (size_t i = 0; i < metrics.size(); ++i) {
      const auto value = i < point.values.size() ? point.values[i] : std::nullopt;
      day[metrics[i]] = value ? boost::json::value(*value) : boost::json::value(nullptr);
    }
    day["gap"] = point.gap;
    all.push_back(std::move(day));
  }
  return all;
}

std::optional<Growth> growth_over(std::span<const Point> observed, int days_back) {
  if (observed.empty()) return {};
  const Point& last = observed.back();
  const Day latest_start = last.day - days{days_back};
  const Point* start = nullptr;
  for (const Point& point : observed)
    if (point.day <= latest_start) start = &point;
  if (!start) return {};
  Growth growth{start->day, last.day, {}};
  for (size_t i = 0; i < last.values.size(); ++i) {
    const bool both = last.values[i] && i < start->values.size() && start->values[i];
    growth.change.push_back(both ? std::optional(*last.values[i] - *start->values[i]) : std::nullopt);
  }
  return growth;
}

}  // namespace dalgona::coffee
