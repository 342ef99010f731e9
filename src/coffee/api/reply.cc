#include "coffee/api/reply.h"

#include <cmath>

namespace dalgona::coffee {
namespace {

http::Response envelope(json::value data, int64_t count, int64_t total, bool exact,
                        const std::optional<std::string>& cursor) {
  json::object status{{"status", "SUCCESS"}, {"message", ""}, {"nextCursor", nullptr}, {"totalCountExact", exact}};
  if (cursor) status["nextCursor"] = *cursor;
  const json::object body{
      {"data", std::move(data)}, {"count", count}, {"totalCount", total}, {"status", std::move(status)}};
  http::Response response = http::Response::json(200, json::serialize(body));
  // Answers depend on the key and on the moment.
  response.headers.set("Cache-Control", "no-store");
  return response;
}

}  // namespace

http::Response success(json::object data) {
  return envelope(std::move(data), 1, 1, true, {});
}

http::Response success(Page page) {
  const auto count = int64_t(page.rows.size());
  return envelope(std::move(page.rows), count, std::max(count, page.total), page.total_exact, page.next_cursor);
}

json::value text_or_null(const postgres::Result& result, size_t row, std::string_view column) {
  const auto value = result.optional(row, column);
  if (!value) return nullptr;
  return json::value(*value);
}

json::value integer_or_null(const postgres::Result& result, size_t row, std::string_view column) {
  if (!result.optional(row, column)) return nullptr;
  return result.integer(row, column);
}

json::value number_or_null(const postgres::Result& result, size_t row, std::string_view column) {
  if (!result.optional(row, column)) return nullptr;
  const double value = result.number(row, column);
  if (!std::isfinite(value)) return nullptr;
  return value;
}

}  // namespace dalgona::coffee
