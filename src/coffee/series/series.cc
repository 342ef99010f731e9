#include "coffee/series/series.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/errors.h"

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

std::vector<Point> points_of(const std::vector<boost::json::array>& rows) {
  struct Latest {
    std::vector<std::optional<int64_t>> values;
    std::vector<std::string_view> seen;  // when each was observed; the rows' own text
  };
  std::map<Day, Latest> by_day;
  for (const auto& row : rows) {
    if (row.size() < 3 || !row[0].is_string() || !row[2].is_string())
      throw Permanent("a series row does not begin with date, given and time");
    const auto text = [&](size_t i) { return std::string_view(row[i].get_string()); };
    const auto given = row[1].to_number<uint64_t>();
    auto& day = by_day[day_from_store(text(0))];
    day.values.resize(row.size() - 3);
    day.seen.resize(row.size() - 3);
    for (size_t i = 0; i < day.values.size(); ++i) {
      // Times of one form compare as text.
      if ((given >> i & 1) == 0 || (day.values[i] && text(2) < day.seen[i])) continue;
      day.values[i] = row[i + 3].to_number<int64_t>();
      day.seen[i] = text(2);
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
