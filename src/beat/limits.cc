#include "beat/limits.h"

#include <algorithm>

#include "base/errors.h"

namespace dalgona::beat {

RateWindow::RateWindow(Rate rate) : rate_(rate) {
  if (rate.amount <= 0 || rate.per.count() <= 0) throw InvalidInput("a rate limit needs an amount and a time above 0");
}

RateWindow::Moment RateWindow::free_at(Moment now) const {
  if (int64_t(ring_.size()) < rate_.amount) return now;
  return std::max(now, ring_[next_] + rate_.per);
}

void RateWindow::take(Moment now) {
  if (int64_t(ring_.size()) < rate_.amount) {
    ring_.push_back(now);
    return;
  }
  ring_[next_] = now;
  next_ = (next_ + 1) % ring_.size();
}

std::optional<StackedLimits::Moment> StackedLimits::take(const std::vector<Level>& levels, Moment now) {
  const std::scoped_lock lock(mutex_);
  Moment when = now;
  std::vector<RateWindow*> windows;
  for (const Level& level : levels) {
    RateWindow& window = windows_.try_emplace(level.key, level.rate).first->second;
    when = std::max(when, window.free_at(now));
    windows.push_back(&window);
  }
  if (when > now) return when;
  for (RateWindow* window : windows) window->take(now);
  return {};
}

}  // namespace dalgona::beat
