// The one client of the warehouse: the ClickHouse HTTP interface and nothing else, so that our embedded engine, a
// server and a cluster are the same to every role.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/async.h"
#include "base/http/client.h"

namespace dalgona::warehouse {

// An exception the server reported; `code` is ClickHouse's (X-ClickHouse-Exception-Code). Codes that a retry may cure
// (memory, too many parts, time-out, network, table is read-only, too many queries) are thrown as Retryable instead.
class QueryError : public Permanent {
 public:
  QueryError(const std::string& what, int exception_code) : Permanent(what), code(exception_code) {}
  int code;
};

struct QueryOptions {
  // Declared, so that this is no aggregate: g++ 12 frees the members of an aggregate twice when it is a default
  // argument of a coroutine.
  QueryOptions() = default;
  std::string database;
  std::map<std::string, std::string> settings;
  std::map<std::string, std::string> params;  // {name:Type} in the query
  std::string query_id;
  std::chrono::milliseconds timeout{60'000};
};
static_assert(!std::is_aggregate_v<QueryOptions>);

struct Summary {
  uint64_t read_rows = 0, read_bytes = 0, written_rows = 0, written_bytes = 0, result_rows = 0;
  std::chrono::nanoseconds elapsed{0};
};

// Thread-safe.
class Client {
 public:
  // http(s)://user:password@host:port. Credentials are sent as headers, never in the URL.
  Client(http::Client& http, const std::string& url);

  // For DDL and everything without a result.
  Task<Summary> execute(std::string sql, QueryOptions options = {});
  // The whole result in `format` (JSONEachRow, TabSeparated, Native...).
  Task<std::string> query(std::string sql, std::string format, QueryOptions options = {});
  // The result in pieces, in order, memory bounded; `piece` runs on the caller's executor.
  Task<Summary> query_stream(std::string sql, std::string format, std::function<Task<void>(std::string_view)> piece,
                             QueryOptions options = {});
  // INSERT INTO `table_and_columns` ("db.table (a, b)") FORMAT `format` with `data`. `token`:
  // insert_deduplication_token, empty for none. Durable when it returns: insert settings of the warehouse make parts
  // fsynced before the answer.
  Task<Summary> insert(std::string table_and_columns, std::string format, std::string data, std::string token = {},
                       QueryOptions options = {});
  // The same for threads that may block.
  Summary insert_blocking(std::string table_and_columns, std::string format, std::string data, std::string token = {},
                          QueryOptions options = {});
  // `data` may be changed and given again when it returns: the same memory serves for many inserts.
  Summary insert_blocking(std::string table_and_columns, std::string format, std::shared_ptr<const std::string> data,
                          std::string token = {}, QueryOptions options = {});
  std::string query_blocking(std::string sql, std::string format, QueryOptions options = {});
  // GET /ping.
  Task<bool> ping();

 private:
  http::ClientRequest request(std::string_view sql, const std::string& format, const QueryOptions& options) const;
  http::Client& http_;
  std::string base_url_, user_, password_;
};

// 'text' with every quote and backslash escaped, for SQL literals where a parameter can't stand.
std::string literal(std::string_view text);
// `name` with backticks doubled.
std::string identifier(std::string_view name);

}  // namespace dalgona::warehouse
