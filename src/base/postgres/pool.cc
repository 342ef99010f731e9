#include <deque>
#include <mutex>

#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include "base/postgres/connection.h"

namespace dalgona::postgres {

// `free` permits and idle connections. A permit is the right to hold one connection; whoever has one takes an idle
// connection or makes a new one.
struct Pool::State : std::enable_shared_from_this<Pool::State> {
  struct Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : strand(asio::make_strand(executor)), signal(strand) {}
    asio::strand<asio::any_io_executor> strand;
    asio::steady_timer signal;  // cancelled when the permit has come
    bool permitted = false;     // guarded by State::mutex
  };

  State(asio::any_io_executor e, PoolOptions o)
      : executor(std::move(e)), options(std::move(o)), closer(std::make_shared<asio::thread_pool>(1)) {
    free = options.size;
  }

  // Gives the permit to the first waiter or back to the pool.
  void give_permit() {
    std::shared_ptr<Waiter> next;
    {
      const std::scoped_lock lock(mutex);
      if (waiters.empty()) {
        ++free;
        return;
      }
      next = std::move(waiters.front());
      waiters.pop_front();
      next->permitted = true;
    }
    asio::post(next->strand, [next] { next->signal.cancel(); });
  }

  bool permitted(const Waiter& waiter) {
    const std::scoped_lock lock(mutex);
    return waiter.permitted;
  }

  Task<void> wait_for_permit(std::shared_ptr<Waiter> waiter) {
    waiter->signal.expires_after(options.acquire_timeout);
    // Between queueing and this line the permit may have come already, its signal with it.
    if (permitted(*waiter)) co_return;
    boost::system::error_code ignored;
    co_await waiter->signal.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  Task<void> take_permit() {
    std::shared_ptr<Waiter> waiter;
    {
      const std::scoped_lock lock(mutex);
      if (free > 0) {
        --free;
        co_return;
      }
      waiter = std::make_shared<Waiter>(executor);
      waiters.push_back(waiter);
    }
    bool cancelled = false;
    try {
      co_await asio::co_spawn(waiter->strand, wait_for_permit(waiter), asio::use_awaitable);
    } catch (const boost::system::system_error&) {
      cancelled = true;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    cancelled = cancelled || state.cancelled() != asio::cancellation_type::none;
    {
      const std::scoped_lock lock(mutex);
      if (!waiter->permitted) {
        std::erase(waiters, waiter);
        if (cancelled) throw Cancelled();
        throw Retryable(fmt::format("PostgreSQL: all {} sessions were busy for {} ms", options.size,
                                    options.acquire_timeout.count()));
      }
    }
    if (cancelled) {
      give_permit();
      throw Cancelled();
    }
  }

  std::unique_ptr<Connection> take_idle() {
    std::unique_ptr<Connection> connection;
    for (;;) {
      {
        const std::scoped_lock lock(mutex);
        if (idle.empty()) return nullptr;
        connection = std::move(idle.back());
        idle.pop_back();
      }
      // The server may have gone and come back while it lay here.
      if (connection->reusable()) return connection;
    }
  }

  void put_back(std::unique_ptr<Connection> connection) {
    if (connection && connection->reusable()) {
      const std::scoped_lock lock(mutex);
      if (!closed) idle.push_back(std::move(connection));
    }
    connection.reset();
    give_permit();
  }

  // A connection with its permit; both go back at the end of the scope.
  struct Lease {
    std::shared_ptr<State> state;
    std::unique_ptr<Connection> connection;
    explicit Lease(std::shared_ptr<State> s) : state(std::move(s)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { state->put_back(std::move(connection)); }
  };

  Task<std::unique_ptr<Lease>> acquire() {
    co_await take_permit();
    auto lease = std::make_unique<Lease>(shared_from_this());
    lease->connection = take_idle();
    if (!lease->connection) {
      lease->connection = std::make_unique<Connection>(executor, options, closer);
      co_await lease->connection->connect();
    }
    co_return lease;
  }

  const asio::any_io_executor executor;
  const PoolOptions options;
  const std::shared_ptr<asio::thread_pool> closer;
  std::mutex mutex;
  size_t free = 0;
  bool closed = false;
  std::deque<std::shared_ptr<Waiter>> waiters;
  std::vector<std::unique_ptr<Connection>> idle;
};

Pool::Pool(Runtime& runtime, PoolOptions options) : Pool(runtime.executor(), std::move(options)) {}

Pool::Pool(asio::any_io_executor executor, PoolOptions options) {
  if (options.url.empty()) throw InvalidInput("postgres.url is not set: start the stores with `dalgona up`, or set it");
  if (options.size == 0) throw InvalidInput("a PostgreSQL pool needs at least one session");
  state_ = std::make_shared<State>(std::move(executor), std::move(options));
}

Pool::~Pool() {
  std::vector<std::unique_ptr<Connection>> idle;
  const std::scoped_lock lock(state_->mutex);
  state_->closed = true;
  idle.swap(state_->idle);
}

Task<Result> Pool::query(std::string_view sql, Params params) {
  const auto state = state_;
  const auto lease = co_await state->acquire();
  co_return co_await lease->connection->query(sql, std::move(params));
}

Task<void> Pool::execute(std::string_view sql) {
  const auto state = state_;
  const auto lease = co_await state->acquire();
  co_await lease->connection->execute(sql);
}

Task<void> Pool::with_session(std::function<Task<void>(Session&)> body) {
  const auto state = state_;
  const auto lease = co_await state->acquire();
  co_await body(*lease->connection);
}

Task<void> Pool::transaction(std::function<Task<void>(Session&)> body) {
  const auto state = state_;
  const auto lease = co_await state->acquire();
  co_await lease->connection->execute("BEGIN");
  std::exception_ptr failed;
  try {
    co_await body(*lease->connection);
    co_await lease->connection->execute("COMMIT");
  } catch (...) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  // When even this fails, or we are cancelled, the connection is closed with its transaction open, which is the same.
  try {
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    if (cancelled.cancelled() == asio::cancellation_type::none) co_await lease->connection->execute("ROLLBACK");
  } catch (const std::exception&) {
  }
  std::rethrow_exception(failed);
}

}  // namespace dalgona::postgres
