#include "sandbox/simulated_clock.h"

#include "base/errors.h"

namespace dalgona::sandbox {

Time SimulatedClock::now_locked() const {
  const double elapsed = double((real_.now() - set_at_).count()) * speed_;
  // Year 9999 is as far as anything here can print.
  const Time limit = Time(std::chrono::sys_days(std::chrono::year{9999} / 12 / 31));
  if (elapsed > double((limit - base_).count())) return limit;
  return base_ + std::chrono::microseconds{int64_t(elapsed)};
}

Time SimulatedClock::now() const {
  const std::scoped_lock lock(mutex_);
  return now_locked();
}

double SimulatedClock::speed() const {
  const std::scoped_lock lock(mutex_);
  return speed_;
}

void SimulatedClock::set(Time now) {
  const std::scoped_lock lock(mutex_);
  base_ = now;
  set_at_ = real_.now();
}

void SimulatedClock::set_speed(double speed) {
  if (!(speed >= 0 && speed <= 1e7)) throw InvalidInput("speed must be between 0 and 10000000");
  const std::scoped_lock lock(mutex_);
  base_ = now_locked();
  set_at_ = real_.now();
  speed_ = speed;
}

}  // namespace dalgona::sandbox
