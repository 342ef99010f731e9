#include "base/async.h"

#include <cmath>
#include <csignal>
#include <random>

#include <boost/asio/signal_set.hpp>

#include "base/log.h"

namespace dalgona {

Runtime::Runtime(int threads, std::chrono::milliseconds grace)
    : context_(threads), work_(context_.get_executor()), threads_(threads), grace_(grace) {}

Runtime::~Runtime() {
  work_.reset();
  context_.stop();
}

void Runtime::spawn(std::string name, Task<void> task) {
  asio::co_spawn(context_, std::move(task), [this, name = std::move(name)](const std::exception_ptr& failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const Cancelled&) {
    } catch (const boost::system::system_error& e) {
      if (e.code() == asio::error::operation_aborted) return;
      log::error("msg=\"task ended\" task={} error={}", name, log::quoted(e.what()));
      stop(1);
    } catch (const std::exception& e) {
      log::error("msg=\"task ended\" task={} error={}", name, log::quoted(e.what()));
      stop(1);
    }
  });
}

void Runtime::on_stop(std::function<void()> f) {
  const std::scoped_lock lock(mutex_);
  stoppers_.push_back(std::move(f));
}

void Runtime::stop(int exit_code) {
  asio::post(context_, [this, exit_code] { begin_stop(exit_code); });
}

void Runtime::begin_stop(int exit_code) {
  if (stopping_.exchange(true)) return;
  exit_code_ = exit_code;
  std::vector<std::function<void()>> stoppers;
  {
    const std::scoped_lock lock(mutex_);
    stoppers.swap(stoppers_);
  }
  for (auto f = stoppers.rbegin(); f != stoppers.rend(); ++f) (*f)();
  work_.reset();
  {
    const std::scoped_lock lock(mutex_);
    deadline_ = std::chrono::steady_clock::now() + grace_;
  }
  changed_.notify_all();
}

int Runtime::run(bool handle_signals) {
  std::optional<asio::signal_set> signals;
  if (handle_signals) {
    signals.emplace(context_, SIGTERM, SIGINT);
    signals->async_wait([this](const boost::system::error_code& error, int) {
      if (!error) begin_stop(0);
    });
    // With the set gone a second signal has its default effect: the process ends at once.
    on_stop([&signals] { signals.reset(); });
  }
  running_ = threads_;
  std::vector<std::thread> threads;
  for (int i = 0; i < threads_; ++i)
    threads.emplace_back([this] {
      context_.run();
      const std::scoped_lock lock(mutex_);
      --running_;
      changed_.notify_all();
    });
  {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      if (!deadline_) {
        changed_.wait(lock);
      } else if (changed_.wait_until(lock, *deadline_) == std::cv_status::timeout && running_ > 0) {
        log::warn("msg=\"grace is over, unfinished work is dropped\"");
        context_.stop();
        changed_.wait(lock, [this] { return running_ == 0; });
      }
    }
  }
  for (auto& thread : threads) thread.join();
  return exit_code_;
}

Task<void> sleep_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  try {
    co_await timer.async_wait(asio::use_awaitable);
  } catch (const boost::system::system_error& e) {
    if (e.code() == asio::error::operation_aborted) throw Cancelled();
    throw;
  }
}

std::chrono::milliseconds backoff(int attempt, std::chrono::milliseconds first, std::chrono::milliseconds cap,
                                  double random) {
  const double ceiling = std::min(double(cap.count()), double(first.count()) * std::pow(2.0, std::min(attempt, 40)));
  return std::chrono::milliseconds{int64_t(ceiling * random)};
}

std::chrono::milliseconds backoff(int attempt, std::chrono::milliseconds first, std::chrono::milliseconds cap) {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return backoff(attempt, first, cap, std::uniform_real_distribution<double>(0, 1)(engine));
}

}  // namespace dalgona
