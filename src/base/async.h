// The ground of everything asynchronous: C++20 coroutines on Asio. A role owns one Runtime; its coroutines run on the
// runtime's threads; blocking clients live on threads of their own and come back through asio::post.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "base/errors.h"

namespace dalgona {

namespace asio = boost::asio;

template <typename T>
using Task = asio::awaitable<T>;

// Threads that run coroutines until stopped. SIGTERM and SIGINT ask it to stop, in order of `on_stop`; a second signal,
// or `grace`, ends it at once.
class Runtime {
 public:
  explicit Runtime(int threads = 2, std::chrono::milliseconds grace = std::chrono::seconds{20});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  asio::io_context& context() { return context_; }
  asio::any_io_executor executor() { return context_.get_executor(); }

  // Starts a coroutine nobody waits for. An exception that leaves it, Cancelled aside, is a bug: it is logged and stops
  // the runtime with exit code 1.
  void spawn(std::string name, Task<void> task);
  // Called once, newest first, on a runtime thread, when the runtime is asked to stop: close listeners, stop polling,
  // flush.
  void on_stop(std::function<void()> f);
  // Thread-safe, idempotent.
  void stop(int exit_code = 0);
  bool stopping() const { return stopping_.load(); }

  // Runs until stopped and all spawned coroutines have ended, or the grace is over; gives the exit code. With
  // `handle_signals`, takes SIGTERM and SIGINT.
  int run(bool handle_signals = true);

 private:
  void begin_stop(int exit_code);

  asio::io_context context_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  int threads_;
  std::chrono::milliseconds grace_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> stoppers_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  int running_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> exit_code_{0};
};

// Waits; throws Cancelled when the waiting coroutine is cancelled.
Task<void> sleep_for(std::chrono::milliseconds time);

// Runs blocking `f` on `pool` and comes back to the caller's executor with its value or exception.
template <typename F>
auto on_thread(asio::thread_pool& pool, F f) -> Task<std::invoke_result_t<F>> {
  co_return co_await asio::co_spawn(
      pool, [](F g) -> Task<std::invoke_result_t<F>> { co_return g(); }(std::move(f)), asio::use_awaitable);
}

// Runs a coroutine to its end from a thread that is not one of the runtime's: tests and command-line tools. Needs a
// running runtime or context.
template <typename T>
T wait(asio::any_io_executor executor, Task<T> task) {
  return asio::co_spawn(executor, std::move(task), asio::use_future).get();
}

// A coroutine, its context and nothing else: for command-line tools and tests. Runs on the calling thread.
template <typename T>
T run_alone(std::function<Task<T>(asio::io_context&)> f) {
  asio::io_context context;
  auto future = asio::co_spawn(context, f(context), asio::use_future);
  context.run();
  return future.get();
}

// Exponential backoff with full jitter: a random time between 0 and min(cap, first * 2^attempt). `attempt` counts from
// 0. `random` is in [0, 1).
std::chrono::milliseconds backoff(int attempt, std::chrono::milliseconds first, std::chrono::milliseconds cap,
                                  double random);
// The same with the thread's own randomness.
std::chrono::milliseconds backoff(int attempt, std::chrono::milliseconds first, std::chrono::milliseconds cap);

}  // namespace dalgona
