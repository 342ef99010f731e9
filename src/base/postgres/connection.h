// One libpq connection as a Session; only the files of this folder see it.
#pragma once
#include <list>
#include <string>
#include <unordered_map>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/strand.hpp>
#include <libpq-fe.h>

#include "base/postgres/postgres.h"

namespace dalgona::postgres {

struct Result::Data {
  explicit Data(PGresult* result) : handle(result) {}
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data() { PQclear(handle); }
  PGresult* handle;
};

// Everything libpq touches runs on the connection's own strand, so that a deadline's handler and the coroutine that
// waits never meet.
class Connection : public Session {
 public:
  Connection(asio::any_io_executor executor, const PoolOptions& options, std::shared_ptr<asio::thread_pool> closer);
  ~Connection() override;

  // Throws Retryable when the server is away, Permanent when it refuses us.
  Task<void> connect();
  // False when the connection is lost, was given up in the middle of something, or stands inside a transaction: then it
  // must not go back to the pool. One system call.
  bool reusable();
  bool in_transaction() const;

  Task<Result> query(std::string_view sql, Params params) override;
  Task<void> execute(std::string_view sql) override;
  Task<uint64_t> copy_in(std::string_view sql, std::function<Task<std::string>()> next) override;
  Task<void> copy_out(std::string_view sql, std::function<Task<void>(std::string_view)> piece) override;
  Task<void> listen(std::string channel, std::function<void(std::string payload)> on_notify) override;

 private:
  using ResultPtr = std::shared_ptr<const Result::Data>;
  // The deadline of one operation: its handler ends the wait that is running.
  struct Io {
    explicit Io(const asio::strand<asio::any_io_executor>& strand) : socket(strand), timer(strand) {}
    asio::posix::stream_descriptor socket;
    asio::steady_timer timer;
    uint64_t operation = 0;
    bool timed_out = false;
  };
  class Deadline;

  template <typename T>
  Task<T> on_strand(Task<T> task);
  Task<void> run_connect();
  Task<Result> run_query(std::string_view sql, Params params);
  Task<Result> run_prepared(const std::string& name, const Params& params);
  Task<std::string> prepare(std::string_view sql);
  Task<void> forget(std::string_view sql);
  Task<void> run_execute(std::string_view sql);
  Task<uint64_t> run_copy_in(std::string_view sql, std::function<Task<std::string>()> next);
  Task<void> run_copy_out(std::string_view sql, std::function<Task<void>(std::string_view)> piece);
  Task<void> run_listen(std::string channel, std::function<void(std::string payload)> on_notify);

  Task<void> wait(asio::posix::stream_descriptor::wait_type type);
  Task<void> flush();
  // The next result of the running statement; null at its end.
  Task<ResultPtr> next_result();
  // Reads to the end of the statement; the last result. Throws what the server reported.
  Task<ResultPtr> finish();
  // Starts a statement of the simple protocol and gives its first result, which must have the status `expected`.
  Task<void> begin_copy(std::string_view sql, ExecStatusType expected);
  [[noreturn]] void lost(std::string_view what);
  void close();

  asio::strand<asio::any_io_executor> strand_;
  PoolOptions options_;
  std::shared_ptr<asio::thread_pool> closer_;
  std::shared_ptr<Io> io_;
  PGconn* connection_ = nullptr;
  bool broken_ = false;

  // Prepared statements of this session by their text, the most recently used first.
  struct Prepared {
    std::string sql, name;
  };
  std::list<Prepared> prepared_;
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_sql_;
  uint64_t next_name_ = 0;
};

}  // namespace dalgona::postgres
