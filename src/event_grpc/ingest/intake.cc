#include "event_grpc/ingest/intake.h"

namespace dalgona::event_grpc {

void Intake::Share::set(uint64_t bytes, uint64_t messages) {
  // Up before down, so that the sum never is below what is held.
  intake_.bytes_ += bytes;
  intake_.messages_ += messages;
  intake_.bytes_ -= bytes_;
  intake_.messages_ -= messages_;
  const bool gave_back = bytes < bytes_ || messages < messages_;
  bytes_ = bytes;
  messages_ = messages;
  if (!gave_back || intake_.full()) return;
  std::vector<std::function<void()>> waiting;
  {
    const std::scoped_lock lock(intake_.mutex_);
    waiting.swap(intake_.waiting_);
  }
  for (auto& f : waiting) f();
}

bool Intake::Share::crowded_out() const {
  return intake_.bytes_ - bytes_ >= intake_.limits_.bytes || intake_.messages_ - messages_ >= intake_.limits_.messages;
}

void Intake::when_room(std::function<void()> f) {
  {
    const std::scoped_lock lock(mutex_);
    // Asked under the lock that whoever gives back takes after giving: one of the two sees the other.
    if (full()) {
      waiting_.push_back(std::move(f));
      return;
    }
  }
  f();
}

}  // namespace dalgona::event_grpc
