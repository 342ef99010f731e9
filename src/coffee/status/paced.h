// A figure that costs more the more there is: computed anew when asked for, but never more than one tenth of the
// time. While the data are small every request sees the present, or nearly; when one computation takes a second, the
// figure is up to ten seconds old.
#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

#include "base/async.h"

namespace dalgona::coffee::status {

// Thread-safe; one computation at a time once there is a value. `T` is copied out.
template <typename T>
class Paced {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kShare = 10;
  static constexpr std::chrono::seconds kOldest{60};

  explicit Paced(std::function<Task<T>()> compute) : compute_(std::move(compute)) {}

  Task<T> get() {
    {
      const std::scoped_lock lock(mutex_);
      if (value_ && (busy_ || Clock::now() < fresh_until_)) co_return *value_;
      busy_ = true;
    }
    const auto started = Clock::now();
    try {
      T value = co_await compute_();
      const auto now = Clock::now();
      const std::scoped_lock lock(mutex_);
      busy_ = false;
      fresh_until_ = now + std::min<Clock::duration>((now - started) * (kShare - 1), kOldest);
      value_ = value;
      co_return value;
    } catch (...) {
      // What is known is not handed out for what is not: the caller hears that the store is away.
      const std::scoped_lock lock(mutex_);
      busy_ = false;
      throw;
    }
  }

 private:
  std::function<Task<T>()> compute_;
  std::mutex mutex_;
  std::optional<T> value_;
  bool busy_ = false;
  Clock::time_point fresh_until_{};
};

}  // namespace dalgona::coffee::status
