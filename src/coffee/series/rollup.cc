#include "coffee/series/rollup.h"

#include <fmt/format.h>

#include "warehouse/client.h"

namespace dalgona::coffee {

std::string rollup_rows(std::string_view table, const events::SeriesRange& range,
                        std::span<const std::string_view> metrics) {
  std::string sql = "SELECT date, given, observed_at";
  for (const auto metric : metrics) sql += fmt::format(", {}", metric);
  sql += fmt::format(" FROM events.{} PREWHERE series >= {} AND series <= {}", table, warehouse::literal(range.first),
                     warehouse::literal(range.last));
  return sql;
}

}  // namespace dalgona::coffee
