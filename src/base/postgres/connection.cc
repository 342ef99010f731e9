#include "base/postgres/connection.h"

#include <cerrno>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/text.h"

namespace dalgona::postgres {
namespace {

// Statements kept prepared in one session; the least recently used gives way.
constexpr size_t kMaxPrepared = 256;
// The server ends a statement at statement_timeout; when nothing comes even this much later, the connection is dead.
constexpr std::chrono::seconds kDeadlineMargin{5};

bool has_prefix(std::string_view state, std::string_view prefix) {
  return state.starts_with(prefix);
}

bool may_succeed_later(std::string_view state) {
  return has_prefix(state, "08") || state == "40001" || state == "40P01" || has_prefix(state, "57P0") ||
         has_prefix(state, "53") || state == "57014" || state == "55P03";
}

[[noreturn]] void throw_reported(const PGresult* result) {
  const char* state_field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = state_field ? state_field : "";
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
  std::string text(trim(primary ? primary : PQresultErrorMessage(result)));
  if (detail) text += fmt::format(" ({})", detail);
  // Without a state the error is libpq's own: the connection broke.
  if (state.empty()) throw Retryable(fmt::format("PostgreSQL: {}", text));
  text = fmt::format("PostgreSQL: {} [{}]", text, state);
  if (may_succeed_later(state)) throw TransientSqlError(text, state);
  throw SqlError(text, state);
}

// libpq 15 gives no SQLSTATE for a refused connection; these texts are the server's for reasons that waiting won't
// cure.
bool is_refusal(std::string_view message) {
  for (std::string_view part :
       {"authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied", "permission denied",
        "not permitted to log in", "certificate verify failed", "invalid URI", "invalid connection option"})
    if (message.find(part) != std::string_view::npos) return true;
  return false;
}

void log_notice(void*, const char* message) {
  log::debug("msg=\"postgres notice\" notice={}", log::quoted(trim(message)));
}

struct ConnInfo {
  PQconninfoOption* options = nullptr;
  ~ConnInfo() { PQconninfoFree(options); }
};

// The URL's options by name, hosts resolved without blocking: libpq itself would call getaddrinfo in the middle of
// connecting.
Task<std::map<std::string, std::string>> connection_parameters(const PoolOptions& options) {
  char* error = nullptr;
  ConnInfo info{PQconninfoParse(options.url.c_str(), &error)};
  if (!info.options) {
    const std::string reason(error ? trim(error) : "out of memory");
    PQfreemem(error);
    throw InvalidInput(fmt::format("not a PostgreSQL URL: {}", reason));
  }
  std::map<std::string, std::string> all;
  for (const PQconninfoOption* option = info.options; option->keyword; ++option)
    if (option->val) all[option->keyword] = option->val;
  const std::string host = all["host"];
  const bool plain = !host.empty() && host[0] != '/' && host[0] != '@' && host.find(',') == std::string::npos;
  if (plain && all["hostaddr"].empty()) {
    asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
    boost::system::error_code failed;
    const auto found = co_await resolver.async_resolve(host, "", asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted) throw Cancelled();
    if (failed) throw Retryable(fmt::format("PostgreSQL: {}: {}", host, failed.message()));
    std::string hosts, addresses;
    for (const auto& entry : found) {
      hosts += (hosts.empty() ? "" : ",") + host;
      addresses += (addresses.empty() ? "" : ",") + entry.endpoint().address().to_string();
    }
    all["host"] = hosts;
    all["hostaddr"] = addresses;
  }
  if (!options.application_name.empty()) all["application_name"] = options.application_name;
  all["client_encoding"] = "UTF8";
  all["keepalives_idle"] = "30";
  all["keepalives_interval"] = "10";
  all["keepalives_count"] = "3";
  std::erase_if(all, [](const auto& item) { return item.second.empty(); });
  co_return all;
}

}  // namespace

class Connection::Deadline {
 public:
  Deadline(std::shared_ptr<Io> io, std::chrono::milliseconds limit) : io_(std::move(io)), limit_(limit) {
    ++io_->operation;
    io_->timed_out = false;
    renew();
  }
  ~Deadline() {
    ++io_->operation;
    io_->timer.cancel();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // The limit counts anew: something has moved.
  void renew() {
    if (limit_.count() <= 0) return;
    io_->timer.expires_after(limit_);
    io_->timer.async_wait([io = io_, mine = io_->operation](const boost::system::error_code& error) {
      if (error || io->operation != mine) return;
      // A renewed timer that fired before the renewal is still ahead of time.
      if (io->timer.expiry() > std::chrono::steady_clock::now()) return;
      io->timed_out = true;
      io->socket.cancel();
    });
  }

 private:
  std::shared_ptr<Io> io_;
  std::chrono::milliseconds limit_;
};

Connection::Connection(asio::any_io_executor executor, const PoolOptions& options,
                       std::shared_ptr<asio::thread_pool> closer)
    : strand_(asio::make_strand(executor)),
      options_(options),
      closer_(std::move(closer)),
      io_(std::make_shared<Io>(strand_)) {}

Connection::~Connection() {
  close();
}

void Connection::close() {
  if (!connection_) return;
  // Before libpq closes the descriptor: Asio must forget it first, or its number may already belong to another socket.
  if (io_->socket.is_open()) io_->socket.release();
  PGconn* connection = std::exchange(connection_, nullptr);
  if (PQtransactionStatus(connection) != PQTRANS_ACTIVE) {
    PQfinish(connection);
    return;
  }
  // The server is still at work on what nobody waits for any more. PQcancel blocks, so it has a thread.
  asio::post(*closer_, [connection] {
    if (PGcancel* cancel = PQgetCancel(connection)) {
      char reason[256];
      if (!PQcancel(cancel, reason, sizeof reason))
        log::debug("msg=\"cancel request failed\" reason={}", log::quoted(trim(reason)));
      PQfreeCancel(cancel);
    }
    PQfinish(connection);
  });
}

template <typename T>
Task<T> Connection::on_strand(Task<T> task) {
  try {
    co_return co_await asio::co_spawn(strand_, std::move(task), asio::use_awaitable);
  } catch (const boost::system::system_error& e) {
    broken_ = true;
    if (e.code() == asio::error::operation_aborted) throw Cancelled();
    throw Retryable(fmt::format("PostgreSQL: {}", e.what()));
  }
}

void Connection::lost(std::string_view what) {
  broken_ = true;
  const std::string_view reason = trim(PQerrorMessage(connection_));
  throw Retryable(fmt::format("PostgreSQL: {}: {}", what, reason.empty() ? "connection lost" : reason));
}

Task<void> Connection::wait(asio::posix::stream_descriptor::wait_type type) {
  boost::system::error_code failed;
  co_await io_->socket.async_wait(type, asio::redirect_error(asio::use_awaitable, failed));
  if (!failed) co_return;
  broken_ = true;
  if (io_->timed_out) throw Retryable("PostgreSQL: no answer within the time limit");
  if (failed == asio::error::operation_aborted) throw Cancelled();
  throw Retryable(fmt::format("PostgreSQL: {}", failed.message()));
}

Task<void> Connection::connect() {
  return on_strand(run_connect());
}

Task<void> Connection::run_connect() {
  const Deadline deadline(io_, options_.connect_timeout);
  const auto parameters = co_await connection_parameters(options_);
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = PQconnectStartParams(names.data(), values.data(), 0);
  if (!connection_) throw Retryable("PostgreSQL: out of memory");
  PQsetNoticeProcessor(connection_, log_notice, nullptr);
  auto step = PQstatus(connection_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (step != PGRES_POLLING_OK) {
    if (step == PGRES_POLLING_FAILED) {
      broken_ = true;
      const std::string reason = fmt::format("PostgreSQL: {}", trim(PQerrorMessage(connection_)));
      if (is_refusal(reason)) throw Permanent(reason);
      throw Retryable(reason);
    }
    // libpq may close this socket and open another (next address, TLS refused), often with the same number; so Asio
    // holds it only while we wait.
    io_->socket.assign(PQsocket(connection_));
    std::exception_ptr failed;
    try {
      co_await wait(step == PGRES_POLLING_READING ? asio::posix::stream_descriptor::wait_read
                                                  : asio::posix::stream_descriptor::wait_write);
    } catch (...) {
      failed = std::current_exception();
    }
    io_->socket.release();
    if (failed) {
      if (io_->timed_out)
        throw Retryable(fmt::format("PostgreSQL: no connection within {} ms", options_.connect_timeout.count()));
      std::rethrow_exception(failed);
    }
    step = PQconnectPoll(connection_);
  }
  io_->socket.assign(PQsocket(connection_));
  if (PQsetnonblocking(connection_, 1) != 0) lost("connect");
  const std::string settings = fmt::format(
      "SET statement_timeout = {}; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET client_min_messages = warning",
      options_.statement_timeout.count());
  co_await run_execute(settings);
}

bool Connection::in_transaction() const {
  return connection_ && PQtransactionStatus(connection_) != PQTRANS_IDLE;
}

bool Connection::reusable() {
  if (broken_ || !connection_ || PQstatus(connection_) != CONNECTION_OK || in_transaction()) return false;
  char byte;
  const ssize_t got = ::recv(PQsocket(connection_), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // Bytes nobody asked for are nearly always a farewell, its FATAL before the end of the stream; a change of a server
  // setting would be harmless, and costs one connection.
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Task<void> Connection::flush() {
  using namespace asio::experimental::awaitable_operators;
  using Descriptor = asio::posix::stream_descriptor;
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) co_return;
    if (left < 0) lost("send");
    // Both ways: the server may be waiting for us to read before it reads on.
    co_await (wait(Descriptor::wait_read) || wait(Descriptor::wait_write));
    if (PQconsumeInput(connection_) == 0) lost("receive");
  }
}

Task<Connection::ResultPtr> Connection::next_result() {
  while (PQisBusy(connection_)) {
    co_await wait(asio::posix::stream_descriptor::wait_read);
    if (PQconsumeInput(connection_) == 0) lost("receive");
  }
  PGresult* result = PQgetResult(connection_);
  co_return result ? std::make_shared<const Result::Data>(result) : ResultPtr();
}

Task<Connection::ResultPtr> Connection::finish() {
  ResultPtr last, failed;
  for (;;) {
    ResultPtr result = co_await next_result();
    if (!result) break;
    switch (PQresultStatus(result->handle)) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        last = std::move(result);
        break;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH:
        broken_ = true;
        throw Permanent("PostgreSQL: COPY goes through copy_in and copy_out");
      default:
        if (!failed) failed = std::move(result);
        if (PQstatus(connection_) != CONNECTION_OK) {
          broken_ = true;
          throw_reported(failed->handle);
        }
    }
  }
  if (failed) throw_reported(failed->handle);
  if (!last) lost("no result");
  co_return last;
}

Task<void> Connection::forget(std::string_view sql) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) co_return;
  const auto entry = found->second;
  const std::string name = entry->name;
  by_sql_.erase(found);
  prepared_.erase(entry);
  co_await run_execute("DEALLOCATE " + name);
}

Task<std::string> Connection::prepare(std::string_view sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found->second);
    co_return prepared_.front().name;
  }
  if (prepared_.size() >= kMaxPrepared) {
    const std::string oldest = prepared_.back().sql;
    co_await forget(oldest);
  }
  Prepared entry{std::string(sql), fmt::format("s{}", next_name_++)};
  if (!PQsendPrepare(connection_, entry.name.c_str(), entry.sql.c_str(), 0, nullptr)) lost("prepare");
  co_await flush();
  co_await finish();
  prepared_.push_front(std::move(entry));
  by_sql_[prepared_.front().sql] = prepared_.begin();
  co_return prepared_.front().name;
}

Task<Result> Connection::run_prepared(const std::string& name, const Params& params) {
  std::vector<const char*> values;
  values.reserve(params.size());
  for (const Param& param : params) values.push_back(param ? param->c_str() : nullptr);
  if (!PQsendQueryPrepared(connection_, name.c_str(), int(params.size()), values.data(), nullptr, nullptr, 0))
    lost("query");
  co_await flush();
  ResultPtr result = co_await finish();
  co_return Result(std::move(result));
}

Task<Result> Connection::run_query(std::string_view sql, Params params) {
  for (const Param& param : params)
    if (param && param->find('\0') != std::string::npos)
      throw InvalidInput("PostgreSQL takes no NUL character in a text");
  const Deadline deadline(
      io_, options_.statement_timeout.count() ? options_.statement_timeout + kDeadlineMargin : std::chrono::seconds{0});
  const bool alone = !in_transaction();
  for (bool again = false;; again = true) {
    const std::string name = co_await prepare(sql);
    std::exception_ptr stale;
    try {
      co_return co_await run_prepared(name, params);
    } catch (const SqlError& e) {
      // A table was swapped or altered under the statement (0A000), or somebody discarded it (26000). Nothing was done,
      // so outside a transaction it is prepared anew.
      const bool outdated =
          e.sqlstate == "26000" ||
          (e.sqlstate == "0A000" && std::string_view(e.what()).find("cached plan") != std::string_view::npos);
      if (!outdated || !alone || again) throw;
      stale = std::current_exception();
    }
    try {
      co_await forget(sql);
    } catch (const SqlError& e) {
      if (e.sqlstate != "26000") throw;
    }
  }
}

Task<Result> Connection::query(std::string_view sql, Params params) {
  return on_strand(run_query(sql, std::move(params)));
}

Task<void> Connection::run_execute(std::string_view sql) {
  const std::string text(sql);
  if (!PQsendQuery(connection_, text.c_str())) lost("query");
  co_await flush();
  co_await finish();
}

Task<void> Connection::execute(std::string_view sql) {
  const auto run = [](Connection& self, std::string_view text) -> Task<void> {
    const Deadline deadline(self.io_, self.options_.statement_timeout.count()
                                          ? self.options_.statement_timeout + kDeadlineMargin
                                          : std::chrono::seconds{0});
    co_await self.run_execute(text);
  };
  return on_strand(run(*this, sql));
}

Task<void> Connection::begin_copy(std::string_view sql, ExecStatusType expected) {
  const std::string text(sql);
  if (!PQsendQuery(connection_, text.c_str())) lost("copy");
  co_await flush();
  const ResultPtr first = co_await next_result();
  if (first && PQresultStatus(first->handle) == expected) co_return;
  if (first && PQresultStatus(first->handle) == PGRES_FATAL_ERROR) {
    while (co_await next_result()) {
    }
    throw_reported(first->handle);
  }
  broken_ = true;
  throw Permanent("PostgreSQL: not a COPY statement of that direction");
}

Task<uint64_t> Connection::run_copy_in(std::string_view sql, std::function<Task<std::string>()> next) {
  Deadline deadline(
      io_, options_.statement_timeout.count() ? options_.statement_timeout + kDeadlineMargin : std::chrono::seconds{0});
  co_await begin_copy(sql, PGRES_COPY_IN);
  std::exception_ptr failed;
  for (;;) {
    std::string piece;
    try {
      piece = co_await next();
    } catch (...) {
      failed = std::current_exception();
    }
    if (failed || piece.empty()) break;
    deadline.renew();
    int put;
    while ((put = PQputCopyData(connection_, piece.data(), int(piece.size()))) == 0)
      co_await wait(asio::posix::stream_descriptor::wait_write);
    if (put < 0) lost("copy");
    co_await flush();
  }
  int ended;
  while ((ended = PQputCopyEnd(connection_, failed ? "the source of the rows failed" : nullptr)) == 0)
    co_await wait(asio::posix::stream_descriptor::wait_write);
  if (ended < 0) lost("copy");
  co_await flush();
  ResultPtr last;
  try {
    last = co_await finish();
  } catch (const Error&) {  // 57014, the server's echo of our own giving up
    if (!failed || broken_) throw;
  }
  if (failed) std::rethrow_exception(failed);
  co_return Result(std::move(last)).affected();
}

Task<uint64_t> Connection::copy_in(std::string_view sql, std::function<Task<std::string>()> next) {
  return on_strand(run_copy_in(sql, std::move(next)));
}

Task<void> Connection::run_copy_out(std::string_view sql, std::function<Task<void>(std::string_view)> piece) {
  Deadline deadline(
      io_, options_.statement_timeout.count() ? options_.statement_timeout + kDeadlineMargin : std::chrono::seconds{0});
  co_await begin_copy(sql, PGRES_COPY_OUT);
  for (;;) {
    char* raw = nullptr;
    const int size = PQgetCopyData(connection_, &raw, 1);
    if (size == 0) {
      co_await wait(asio::posix::stream_descriptor::wait_read);
      if (PQconsumeInput(connection_) == 0) lost("receive");
      continue;
    }
    if (size == -1) break;
    if (size == -2) lost("copy");
    const std::unique_ptr<char, void (*)(void*)> row(raw, PQfreemem);
    deadline.renew();
    try {
      co_await piece(std::string_view(row.get(), size_t(size)));
    } catch (...) {
      broken_ = true;  // the rest of the rows is still on its way
      throw;
    }
  }
  co_await finish();
}

Task<void> Connection::copy_out(std::string_view sql, std::function<Task<void>(std::string_view)> piece) {
  return on_strand(run_copy_out(sql, std::move(piece)));
}

Task<void> Connection::run_listen(std::string channel, std::function<void(std::string payload)> on_notify) {
  co_await run_execute("LISTEN " + identifier(channel));
  broken_ = true;  // from here on it is a listener and nothing else
  const Deadline none(io_, std::chrono::milliseconds{0});
  for (;;) {
    while (PGnotify* raw = PQnotifies(connection_)) {
      const std::unique_ptr<PGnotify, void (*)(void*)> notification(raw, PQfreemem);
      if (notification->relname == channel) on_notify(notification->extra);
    }
    co_await wait(asio::posix::stream_descriptor::wait_read);
    if (PQconsumeInput(connection_) == 0 || PQstatus(connection_) != CONNECTION_OK) lost("listen");
  }
}

Task<void> Connection::listen(std::string channel, std::function<void(std::string payload)> on_notify) {
  return on_strand(run_listen(std::move(channel), std::move(on_notify)));
}

}  // namespace dalgona::postgres
