// API keys and what each has used: units a day and searches a day, counted from midnight to midnight Pacific time.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace dalgona::sandbox {

// The date in California, as days since 1970-01-01, with the daylight saving time of the year (the United States' rules
// since 1987).
int32_t pacific_day(Time t);
// When the Pacific day that holds `t` ends.
Time next_pacific_midnight(Time t);

struct KeyLimits {
  int64_t units_per_day = 10'000;
  int64_t searches_per_day = 100;
};

struct KeyUsage {
  std::string id;  // first 12 hex digits of the key's SHA-256; the key itself is never shown
  KeyLimits limits;
  int32_t day = 0;
  int64_t units = 0, searches = 0;  // of that day
  int64_t refused = 0;              // calls refused for want of quota, ever
};

// Thread-safe.
class Quota {
 public:
  void add(const std::string& key, KeyLimits limits);
  // False when there is no key of that id.
  bool remove(std::string_view id);
  bool known(std::string_view key) const;
  // Takes `units` (or one search) or nothing. Gives false when the day's rest is too small. A day that was counted
  // before, after the clock was turned back, is counted on.
  bool take(std::string_view key, int64_t units, bool search, Time now);
  std::vector<KeyUsage> usage(Time now) const;
  static std::string id_of(std::string_view key);

 private:
  struct Key {
    KeyLimits limits;
    std::map<int32_t, std::pair<int64_t, int64_t>> used;  // day -> units, searches
    int64_t refused = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Key, std::less<>> keys_;
};

}  // namespace dalgona::sandbox
