// PostgreSQL over libpq, non-blocking, on coroutines. The only room that includes libpq-fe.h. Parameters are always
// bound, never pasted into SQL.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"

namespace dalgona::postgres {

// Text-format parameters; nullopt is NULL. Give types in the SQL ($1::jsonb). In a coroutine put them into a variable
// first: g++ 12 does not compile an initializer list inside a co_await expression ("array used as initializer").
using Param = std::optional<std::string>;
using Params = std::vector<Param>;
// PostgreSQL array literals for `= any($1::text[])` and `unnest($1::text[])`, with all quoting.
std::string array(const std::vector<std::string>& items);
std::string array(const std::vector<std::optional<std::string>>& items);
std::string array(const std::vector<int64_t>& items);
// "name" with quotes doubled.
std::string identifier(std::string_view name);

class Result {
 public:
  size_t rows() const;
  size_t columns() const;
  std::string_view column_name(size_t column) const;
  bool is_null(size_t row, size_t column) const;
  // Text form; "" for NULL. The view lives as long as the result.
  std::string_view text(size_t row, size_t column) const;
  std::string_view text(size_t row, std::string_view column) const;  // throws Permanent for an unknown column
  std::optional<std::string> optional(size_t row, std::string_view column) const;
  int64_t integer(size_t row, std::string_view column) const;
  double number(size_t row, std::string_view column) const;
  bool flag(size_t row, std::string_view column) const;
  uint64_t affected() const;

  struct Data;
  Result() = default;  // no rows
  explicit Result(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

 private:
  std::shared_ptr<const Data> data_;
};

// An error the server reported. Connection failures (08xxx), serialisation failures (40001), deadlocks (40P01), locks
// not to be had (55P03), statements that ran out of time (57014), shutdowns (57P0x) and lack of resources (53xxx) are
// thrown as TransientSqlError instead.
class SqlError : public Permanent {
 public:
  SqlError(const std::string& what, std::string state) : Permanent(what), sqlstate(std::move(state)) {}
  std::string sqlstate;  // five characters
};

// What the server reported and may not report the next time.
class TransientSqlError : public Retryable {
 public:
  TransientSqlError(const std::string& what, std::string state) : Retryable(what), sqlstate(std::move(state)) {}
  std::string sqlstate;  // five characters
};

// One session, taken from a pool; used by one coroutine at a time.
class Session {
 public:
  virtual ~Session() = default;
  // Prepared on first use and reused. One statement.
  virtual Task<Result> query(std::string_view sql, Params params = {}) = 0;
  // Any number of statements, no parameters, no results: DDL, SET.
  virtual Task<void> execute(std::string_view sql) = 0;
  // COPY ... FROM STDIN: `next` gives pieces, empty at the end. Gives the number of rows.
  virtual Task<uint64_t> copy_in(std::string_view sql, std::function<Task<std::string>()> next) = 0;
  // COPY ... TO STDOUT.
  virtual Task<void> copy_out(std::string_view sql, std::function<Task<void>(std::string_view)> piece) = 0;
  // LISTEN channel; calls back for each payload until cancelled. The session is not usable for anything else meanwhile.
  virtual Task<void> listen(std::string channel, std::function<void(std::string payload)> on_notify) = 0;
};

struct PoolOptions {
  std::string url;
  std::string application_name;
  size_t size = 8;
  std::chrono::milliseconds acquire_timeout{10'000};
  std::chrono::milliseconds statement_timeout{60'000};  // 0: none
  std::chrono::milliseconds connect_timeout{5'000};
};

// Connects on demand, replaces broken sessions, takes waiters first come first served. Thread-safe.
class Pool {
 public:
  Pool(Runtime& runtime, PoolOptions options);
  Pool(asio::any_io_executor executor, PoolOptions options);
  ~Pool();
  // A single statement on any session. As with every coroutine that takes a view: await it at once, or keep the text.
  Task<Result> query(std::string_view sql, Params params = {});
  Task<void> execute(std::string_view sql);
  // `body` on one session, no transaction.
  Task<void> with_session(std::function<Task<void>(Session&)> body);
  // BEGIN, body, COMMIT; ROLLBACK and rethrow when the body throws. Not retried: the caller decides.
  Task<void> transaction(std::function<Task<void>(Session&)> body);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Applies migrations/*.sql in the order of their numbers, each in a transaction, once, under an advisory lock; records
// them with a checksum in schema_migrations. A file changed after it was applied is refused by name. Gives the names
// that were applied.
Task<std::vector<std::string>> migrate(Pool& pool, std::string folder);

}  // namespace dalgona::postgres
