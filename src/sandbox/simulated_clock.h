// The sandbox's time: it stands where it was put, or runs from there at a multiple of real time.
#pragma once
#include <mutex>

#include "base/clock.h"

namespace dalgona::sandbox {

// Thread-safe. `real` must outlive it.
class SimulatedClock : public Clock {
 public:
  // `speed` 0: stands still; 1: as fast as real time; 86400: a day a second.
  SimulatedClock(const Clock& real, Time start, double speed) : real_(real), base_(start), speed_(speed) {
    set_at_ = real.now();
  }
  Time now() const override;
  double speed() const;
  void set(Time now);
  // Goes on from the present simulated time. Throws InvalidInput below 0 or above 10 million.
  void set_speed(double speed);

 private:
  Time now_locked() const;
  const Clock& real_;
  mutable std::mutex mutex_;
  Time base_, set_at_;
  double speed_;
};

}  // namespace dalgona::sandbox
