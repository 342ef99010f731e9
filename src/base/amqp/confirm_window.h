// Which of the published sequence numbers are settled. Pure; used by one thread.
#pragma once
#include <cstdint>
#include <deque>

namespace dalgona::amqp {

// Numbers count from 1 and are opened in order; the broker settles them in any order, singly or all up to one.
class ConfirmWindow {
 public:
  uint64_t open() {
    settled_.push_back(false);
    return base_ + settled_.size() - 1;
  }
  // Settles `sequence`, or with `multiple` all up to it. Calls `f` with each number that this settles; those that are
  // settled or unknown already are passed over.
  template <typename F>
  void settle(uint64_t sequence, bool multiple, F f) {
    const uint64_t end = base_ + settled_.size();
    // A broker says 0 with `multiple` for "all so far".
    if (multiple && sequence == 0) sequence = end - 1;
    for (uint64_t n = multiple ? base_ : sequence; n <= sequence && n < end; ++n) {
      if (n < base_ || settled_[n - base_]) continue;
      settled_[n - base_] = true;
      f(n);
    }
    while (!settled_.empty() && settled_.front()) {
      settled_.pop_front();
      ++base_;
    }
  }
  // All numbers up to here are settled.
  uint64_t up_to() const { return base_ - 1; }
  uint64_t open_count() const {
    uint64_t count = 0;
    for (const bool s : settled_) count += !s;
    return count;
  }

 private:
  uint64_t base_ = 1;
  std::deque<bool> settled_;
};

}  // namespace dalgona::amqp
