// Time is injected: code takes a Clock, tests turn a ManualClock. All times are UTC with microsecond resolution.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace dalgona {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock : public Clock {
 public:
  Time now() const override;
};

// Thread-safe; stands still until told.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Time start) : micros_(start.time_since_epoch().count()) {}
  Time now() const override { return Time{std::chrono::microseconds{micros_.load()}}; }
  void set(Time t) { micros_.store(t.time_since_epoch().count()); }
  void advance(std::chrono::microseconds by) { micros_.fetch_add(by.count()); }

 private:
  std::atomic<int64_t> micros_;
};

// The process's real clock.
const Clock& system_clock();

// "2017-09-13T00:00:00.000000Z"; fraction in microseconds.
std::string to_iso(Time t);
// "2017-09-13 00:00:00.000000", the form ClickHouse and PostgreSQL take and the original's events carried.
std::string to_sql(Time t);
// "2017-09-13".
std::string to_date(Time t);
// RFC 9110 IMF-fixdate, as in the Date header.
std::string to_http_date(Time t);
// Accepts ISO 8601 ("T" or a space between, optional fraction, "Z" or an offset or nothing for UTC), or a date alone.
// Years 1 to 9999. Throws InvalidInput.
Time parse_time(std::string_view text);
// RFC 9110 IMF-fixdate. Throws InvalidInput.
Time parse_http_date(std::string_view text);

}  // namespace dalgona
