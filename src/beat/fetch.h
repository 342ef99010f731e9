// Retrieve: one call to a source under its limits with one of its credentials.
#pragma once
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/http/client.h"
#include "beat/catalogue.h"
#include "beat/credentials.h"
#include "beat/failures.h"
#include "beat/limits.h"
#include "beat/sources/youtube/youtube.h"

namespace dalgona::beat {

struct Reply {
  std::string body;
  Time observed_at{};  // when the platform said it
};

// Thread-safe.
class Fetcher {
 public:
  Fetcher(http::Client& http, Credentials& credentials, const Clock& clock)
      : http_(http), credentials_(credentials), clock_(clock) {}
  // A credential that is refused is taken out of use and the next one is tried. Throws SourceExhausted when none is
  // left, NotFound, Retryable for what a later attempt may cure, Permanent for a request that is refused as such.
  Task<Reply> fetch(const Source& source, youtube::Call call);

 private:
  Task<void> pass_limits(const Source& source, int64_t credential);
  Task<Credential> credential(const Source& source);

  http::Client& http_;
  Credentials& credentials_;
  const Clock& clock_;
  StackedLimits limits_;
};

// Retry-After: seconds, or a date seen from `now`; nothing when it is neither.
std::optional<std::chrono::milliseconds> retry_after(const http::Headers& headers, Time now);

}  // namespace dalgona::beat
