#include <charconv>
#include <cstdlib>

#include <fmt/format.h>

#include "base/postgres/connection.h"

namespace dalgona::postgres {
namespace {

void append_quoted(std::string& out, std::string_view item) {
  out += '"';
  for (char c : item) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// libpq answers for a null result as for an empty one.
const PGresult* handle_of(const std::shared_ptr<const Result::Data>& data) {
  return data ? data->handle : nullptr;
}

int find_column(const PGresult* result, std::string_view column) {
  for (int i = 0; i < PQnfields(result); ++i)
    if (column == PQfname(result, i)) return i;
  throw Permanent(fmt::format("the result has no column '{}'", column));
}

}  // namespace

std::string array(const std::vector<std::string>& items) {
  std::string out = "{";
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) out += ',';
    append_quoted(out, items[i]);
  }
  return out + "}";
}

std::string array(const std::vector<std::optional<std::string>>& items) {
  std::string out = "{";
  for (size_t i = 0; i < items.size(); ++i) {
    if (i) out += ',';
    if (items[i])
      append_quoted(out, *items[i]);
    else
      out += "NULL";
  }
  return out + "}";
}

std::string array(const std::vector<int64_t>& items) {
  return fmt::format("{{{}}}", fmt::join(items, ","));
}

std::string identifier(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

size_t Result::rows() const {
  return size_t(PQntuples(handle_of(data_)));
}

size_t Result::columns() const {
  return size_t(PQnfields(handle_of(data_)));
}

std::string_view Result::column_name(size_t column) const {
  const char* name = PQfname(handle_of(data_), int(column));
  return name ? name : "";
}

bool Result::is_null(size_t row, size_t column) const {
  return PQgetisnull(handle_of(data_), int(row), int(column)) != 0;
}

std::string_view Result::text(size_t row, size_t column) const {
  if (row >= rows() || column >= columns()) throw Permanent("no such field in the result");
  return {PQgetvalue(handle_of(data_), int(row), int(column)),
          size_t(PQgetlength(handle_of(data_), int(row), int(column)))};
}

std::string_view Result::text(size_t row, std::string_view column) const {
  return text(row, size_t(find_column(handle_of(data_), column)));
}

std::optional<std::string> Result::optional(size_t row, std::string_view column) const {
  const auto at = size_t(find_column(handle_of(data_), column));
  if (is_null(row, at)) return {};
  return std::string(text(row, at));
}

int64_t Result::integer(size_t row, std::string_view column) const {
  const std::string_view value = text(row, column);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size())
    throw Permanent(fmt::format("column '{}' is no integer: '{}'", column, value));
  return number;
}

double Result::number(size_t row, std::string_view column) const {
  const std::string value(text(row, column));
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end) throw Permanent(fmt::format("column '{}' is no number: '{}'", column, value));
  return number;
}

bool Result::flag(size_t row, std::string_view column) const {
  const std::string_view value = text(row, column);
  if (value != "t" && value != "f") throw Permanent(fmt::format("column '{}' is no boolean: '{}'", column, value));
  return value == "t";
}

uint64_t Result::affected() const {
  if (!data_) return 0;
  // libpq takes it non-const and changes nothing.
  return std::strtoull(PQcmdTuples(const_cast<PGresult*>(handle_of(data_))), nullptr, 10);
}

}  // namespace dalgona::postgres
