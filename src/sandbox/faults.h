// What goes wrong on demand: latency, resets, truncated bodies, error replies; by endpoint, by probability, and the
// same again for the same seed.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::sandbox {

struct FaultRule {
  std::string endpoint = "*";  // "videos", "channels", "playlistItems", "search", "videoCategories", or all
  // Latency: `fixed`, `uniform` between 0 and twice the mean, or `exponential` with the mean.
  std::string distribution = "fixed";
  double latency_ms = 0;
  // Probabilities, tried in this order; at most one happens to a request.
  double reset = 0;     // the connection is cut before any answer
  double truncate = 0;  // the body is cut in the middle
  double error_500 = 0, error_503 = 0, error_429 = 0, error_403 = 0;
  // Applies to the endpoint's requests number `skip` + 1 to `skip` + `times`, counted since the faults were set; 0: no
  // end.
  uint64_t skip = 0, times = 0;
};

struct FaultPlan {
  uint64_t seed = 1;
  std::vector<FaultRule> rules;
  // {"seed": 1, "rules": [{"endpoint": "videos", "reset": 0.1, ...}]}. Throws InvalidInput naming the field.
  static FaultPlan parse(std::string_view json);
  std::string json() const;
};

struct Fault {
  std::chrono::microseconds latency{0};
  enum Kind { kNone, kReset, kTruncate, kError } kind = kNone;
  int status = 0;       // of kError
  double position = 0;  // of kTruncate: in (0, 1)
};

// Thread-safe. What the n-th request of an endpoint meets depends on the plan and n alone.
class Faults {
 public:
  void set(FaultPlan plan);
  FaultPlan plan() const;
  Fault next(std::string_view endpoint);

 private:
  mutable std::mutex mutex_;
  FaultPlan plan_;
  std::map<std::string, uint64_t, std::less<>> counts_;
};

}  // namespace dalgona::sandbox
