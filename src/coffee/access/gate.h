// The gate before every handler of the API: who asks (the key decides, never another header), may they, how often. Also
// where refusals that handlers throw become problems, and where requests are logged.
#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/server.h"
#include "coffee/access/keys.h"
#include "coffee/access/rate_limit.h"
#include "coffee/stores.h"

namespace dalgona::coffee {

struct GateOptions {
  // Whether requests without a key may read when everything about them is loopback.
  bool anonymous_read = true;
  bool listener_is_loopback = false;
  // How long a key that was found good is not looked up again; a revoked key works that long at most.
  std::chrono::milliseconds key_cache{5000};
  // Of one tenant; 0: no limit.
  int64_t requests_per_minute = 0;
};

// Thread-safe. Lives as long as the server.
class Gate {
 public:
  Gate(Stores& stores, const Clock& clock, GateOptions options);

  // A middleware: every request of the API goes through it; pages do not.
  Task<http::Response> pass(http::Request& request, const http::Handler& next);

 private:
  Task<http::Response> guarded(http::Request& request, const http::Handler& next);
  // The tenant; throws Refusal 401 or 403.
  Task<std::string> tenant_of(const http::Request& request);
  Task<ApiKey> find_key(std::string key, std::string prefix);

  Stores& stores_;
  const Clock& clock_;
  GateOptions options_;
  RateLimit limit_;
  struct Known {
    ApiKey key;
    std::string hash;
    Time until;
  };
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by prefix
};

}  // namespace dalgona::coffee
