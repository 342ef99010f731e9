#include "coffee/series/rollup.h"

#include <fmt/format.h>

namespace dalgona::coffee {

std::string rollup_rows(std::string_view table, std::string_view name, events::SeriesRange range,
                        std::span<const std::string_view> metrics) {
  std::string sql = fmt::format("SELECT series, {}, given, observed_at", name);
  for (const auto metric : metrics) sql += fmt::format(", {}", metric);
  sql += fmt::format(" FROM events.{} PREWHERE series >= {} AND series <= {}", table, range.first, range.last);
  return sql;
}

}  // namespace dalgona::coffee
