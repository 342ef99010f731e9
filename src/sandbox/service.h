// The sandbox as an HTTP service: the simulated API behind keys, quota, ETags and faults, and the admin API that turns
// its clock and breaks it.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/server.h"
#include "sandbox/dataset.h"
#include "sandbox/faults.h"
#include "sandbox/population.h"
#include "sandbox/quota.h"
#include "sandbox/simulated_clock.h"
#include "sandbox/youtube_api.h"

namespace dalgona::sandbox {

struct ServiceOptions {
  std::vector<std::string> keys;
  KeyLimits limits;
  // Calls a key may make in a minute of real time; more are answered 429. 0: no limit.
  int64_t requests_per_minute = 0;
  FaultPlan faults;
  // Where simulated time begins, and how fast it runs.
  Time now{};
  double speed = 0;
  // Every PUT of the time is written there, so that a sandbox that is started again goes on from it; empty: nowhere.
  std::filesystem::path clock_file;
  std::string region = "US";
  // Called on a runtime thread with every reply of the API just before it is sent; for whoever measures.
  std::function<void(const std::string& endpoint, const http::Request& request, int status)> on_reply;
};

// Thread-safe. `real` must outlive it.
class Service {
 public:
  Service(Population population, LoadReport report, const Clock& real, ServiceOptions options);

  http::Router router();
  const Population& population() const { return population_; }
  SimulatedClock& clock() { return clock_; }
  // What a clock_file holds; nothing when there is none or it cannot be read.
  struct SavedTime {
    Time now{};
    double speed = 0;
  };
  static std::optional<SavedTime> saved_time(const std::filesystem::path& clock_file);

 private:
  Task<http::Response> serve_api(const std::string& endpoint, http::Request& request);
  http::Response answer(const std::string& endpoint, const http::Request& request, Time now);
  void check_rate(const std::string& key);
  void count(const std::string& endpoint, int status);

  http::Response time_reply() const;
  http::Response put_time(const http::Request& request);
  http::Response put_faults(const http::Request& request);
  http::Response stats_reply() const;
  http::Response keys_reply() const;
  http::Response post_key(const http::Request& request);
  http::Response population_reply() const;

  const Population population_;
  const LoadReport report_;
  const Clock& real_;
  const ServiceOptions options_;
  SimulatedClock clock_;
  Quota quota_;
  Faults faults_;
  const YoutubeApi api_;

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> answered_;
  struct Minute {
    int64_t minute = 0, calls = 0;
  };
  std::map<std::string, Minute> minutes_;
};

// Whether `etag` (without quotes) is named by an If-None-Match field.
bool etag_matches(std::string_view field, std::string_view etag);

}  // namespace dalgona::sandbox
