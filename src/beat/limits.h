// Stacked rate limits: a request passes several levels (the whole source, one credential, ...) and takes one token from
// each at once or from none. Pure: time is a parameter.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace dalgona::beat {

// At most `amount` in any window of length `per`.
struct Rate {
  int64_t amount = 0;
  std::chrono::microseconds per{0};
};

// One level: a sliding window kept exactly with a ring of the last `amount` moments. Memory is 8 bytes a token.
class RateWindow {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  explicit RateWindow(Rate rate);
  // The earliest moment, not before `now`, at which one more is allowed.
  Moment free_at(Moment now) const;
  // Call only when free_at(now) == now.
  void take(Moment now);

 private:
  Rate rate_;
  std::vector<Moment> ring_;
  size_t next_ = 0;
};

// Windows by key ("source:youtube_data_api:0", "credential:17:1"), made on first use. Thread-safe.
class StackedLimits {
 public:
  using Moment = RateWindow::Moment;
  struct Level {
    std::string key;
    Rate rate;
  };
  // Takes one token of each level and gives nothing, or takes none and gives the moment when all of them will have one
  // (somebody else may be faster).
  std::optional<Moment> take(const std::vector<Level>& levels, Moment now);

 private:
  std::mutex mutex_;
  std::map<std::string, RateWindow> windows_;
};

}  // namespace dalgona::beat
