#include "coffee/access/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace dalgona::coffee {

RateLimit::Decision RateLimit::take(const std::string& tenant, Time now) {
  if (per_minute_ <= 0) return {};
  const double full = double(per_minute_), per_second = full / 60;
  const std::scoped_lock lock(mutex_);
  Bucket& bucket = buckets_.try_emplace(tenant, Bucket{full, now}).first->second;
  const double passed = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(full, bucket.tokens + std::max(0.0, passed) * per_second);
  bucket.at = std::max(now, bucket.at);
  const auto seconds = [&](double tokens) { return std::chrono::seconds{int64_t(std::ceil(tokens / per_second))}; };
  if (bucket.tokens < 1) return {false, 0, std::max(std::chrono::seconds{1}, seconds(1 - bucket.tokens))};
  bucket.tokens -= 1;
  return {true, int64_t(bucket.tokens), seconds(full - bucket.tokens)};
}

}  // namespace dalgona::coffee
