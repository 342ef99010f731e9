#include "coffee/series/rollup.h"

#include <fmt/format.h>

#include "warehouse/client.h"

namespace dalgona::coffee {

std::string rollup_rows(std::string_view table, const RollupKey& key, std::span<const std::string_view> metrics,
                        std::optional<DayRange> range) {
  std::string sql = "SELECT date, given, observed_at";
  for (const auto metric : metrics) sql += fmt::format(", {}", metric);
  sql += fmt::format(" FROM events.{} PREWHERE ", table);
  const char* and_then = "";
  for (const auto& [column, value] : key) {
    sql += fmt::format("{}{} = {}", and_then, column, warehouse::literal(value));
    and_then = " AND ";
  }
  if (!range) return sql;
  // A bound that bounds nothing is a condition to plan all the same, a fifth of a millisecond.
  if (range->first > kFirstDay) sql += fmt::format(" AND date >= '{}'", day_text(range->first));
  if (range->last < kLastDay) sql += fmt::format(" AND date <= '{}'", day_text(range->last));
  return sql;
}

}  // namespace dalgona::coffee
