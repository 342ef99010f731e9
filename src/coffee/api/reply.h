// The envelope of every success: {"data", "count", "totalCount", "status": {"status", "message", "nextCursor",
// "totalCountExact"}}.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/http/server.h"
#include "base/postgres/postgres.h"

namespace dalgona::coffee {

namespace json = boost::json;

struct Page {
  json::array rows;
  int64_t total = 0;
  bool total_exact = true;
  std::optional<std::string> next_cursor;
};

// One object: count and totalCount are 1.
http::Response success(json::object data);
http::Response success(Page page);

// Columns of a result as JSON; NULL is null.
json::value text_or_null(const postgres::Result& result, size_t row, std::string_view column);
json::value integer_or_null(const postgres::Result& result, size_t row, std::string_view column);
// NaN and infinity are null.
json::value number_or_null(const postgres::Result& result, size_t row, std::string_view column);

}  // namespace dalgona::coffee
