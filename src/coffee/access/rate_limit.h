// Token buckets, one a tenant: so many requests a minute, and as many at once. Of this process; several share nothing.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace dalgona::coffee {

// Thread-safe.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(int64_t per_minute) : per_minute_(per_minute) {}

  struct Decision {
    bool allowed = true;
    int64_t remaining = 0;
    // Until a refused tenant may ask again, or until the bucket is full.
    std::chrono::seconds reset{0};
  };
  Decision take(const std::string& tenant, Time now);
  int64_t per_minute() const { return per_minute_; }

 private:
  struct Bucket {
    double tokens;
    Time at;
  };
  int64_t per_minute_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace dalgona::coffee
