#include "beat/fetch.h"

#include <charconv>

#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/time_zone.h"

namespace dalgona::beat {
namespace {

using namespace std::chrono_literals;

// Seen when a source has no credential at all, not even one that will come back.
constexpr std::chrono::milliseconds kNoCredentialWait = 60s;
// Credentials tried for one call before the task gives way to others.
constexpr int kCredentialsPerCall = 8;

void count_call(const Source& source, std::string_view outcome) {
  metrics::counter("dalgona_beat_calls_total", "Calls to a source by what came of them",
                   {{"source", source.name}, {"outcome", std::string(outcome)}})
      .Increment();
}

}  // namespace

std::optional<std::chrono::milliseconds> retry_after(const http::Headers& headers, Time now) {
  const auto value = headers.get("Retry-After");
  if (!value) return {};
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (error == std::errc{} && end == value->data() + value->size() && seconds >= 0)
    return std::chrono::seconds{std::min<int64_t>(seconds, 7 * 86'400)};
  try {
    return std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(parse_http_date(*value) - now));
  } catch (const InvalidInput&) {
    return {};
  }
}

Task<void> Fetcher::pass_limits(const Source& source, int64_t credential) {
  std::vector<StackedLimits::Level> levels;
  for (size_t i = 0; i < source.limits.size(); ++i) {
    const Source::Limit& limit = source.limits[i];
    levels.push_back({limit.each_credential ? fmt::format("{}/{}/{}", source.name, i, credential)
                                            : fmt::format("{}/{}", source.name, i),
                      limit.rate});
  }
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    const auto later = limits_.take(levels, now);
    if (!later) co_return;
    co_await sleep_for(std::chrono::ceil<std::chrono::milliseconds>(*later - now));
  }
}

Task<Credential> Fetcher::credential(const Source& source) {
  Credentials::Pick pick;
  try {
    pick = co_await credentials_.pick(source.credential_source);
  } catch (const Retryable& e) {
    throw StoreAway(e.what(), e.retry_after);
  }
  if (pick.credential) co_return std::move(*pick.credential);
  if (pick.free_in)
    throw SourceExhausted(fmt::format("all credentials of {} are disabled for now{}", source.name,
                                      pick.reason.empty() ? "" : "; the next to come back: " + pick.reason),
                          *pick.free_in, source.credential_source);
  throw SourceExhausted(fmt::format("{} has no credential: add one with `dalgona beat credential add`", source.name),
                        kNoCredentialWait, source.credential_source);
}

Task<Reply> Fetcher::fetch(const Source& source, youtube::Call call) {
  using Kind = youtube::Verdict::Kind;
  std::string last_reason;
  for (int tried = 0; tried < kCredentialsPerCall; ++tried) {
    const Credential used = co_await credential(source);
    co_await pass_limits(source, used.id);
    http::ClientRequest request;
    request.url = fmt::format("{}{}?{}", source.base_url, call.path, call.query.text());
    request.headers.add("X-Goog-Api-Key", used.key);  // never in the URL: URLs end up in logs
    request.headers.add("Accept", "application/json");
    request.timeout = source.timeout;
    http::ClientResponse response;
    try {
      response = co_await http_.send(std::move(request));
    } catch (const Retryable&) {
      count_call(source, "no_reply");
      throw;
    }
    metrics::histogram("dalgona_beat_call_seconds", "Time of a call to a source", {{"source", source.name}})
        .Observe(double(response.time.count()) / 1e6);
    Time observed = clock_.now();
    if (source.trust_date) {
      if (const auto date = response.headers.get("Date")) {
        try {
          observed = parse_http_date(*date);
        } catch (const InvalidInput&) {  // then the clock's
        }
      }
    }
    const youtube::Verdict verdict = youtube::judge(response.status, response.body);
    last_reason = verdict.reason;
    switch (verdict.kind) {
      case Kind::kGood:
        count_call(source, "good");
        co_return Reply{std::move(response.body), observed};
      case Kind::kQuotaGone: {
        count_call(source, "quota_gone");
        auto wait = source.quota_recheck;
        if (!source.quota_reset_zone.empty())
          wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(
                                    next_midnight(source.quota_reset_zone, observed) - observed));
        log::warn("msg=\"credential without quota\" source={} credential={} for_ms={}", source.name, used.id,
                  wait.count());
        co_await credentials_.disable_for(used.id, wait, verdict.reason);
        break;
      }
      case Kind::kThrottled: {
        count_call(source, "throttled");
        const auto wait = retry_after(response.headers, observed).value_or(source.throttled_for);
        log::warn("msg=\"credential throttled\" source={} credential={} for_ms={}", source.name, used.id, wait.count());
        co_await credentials_.disable_for(used.id, wait, verdict.reason);
        break;
      }
      case Kind::kKeyInvalid:
        count_call(source, "key_invalid");
        log::warn("msg=\"credential refused\" source={} credential={} reason={}", source.name, used.id,
                  log::quoted(verdict.reason));
        co_await credentials_.disable(used.id, verdict.reason);
        break;
      case Kind::kTransient:
        count_call(source, "transient");
        throw Retryable(fmt::format("{}: {}", source.name, verdict.reason), retry_after(response.headers, observed));
      case Kind::kNotFound:
        count_call(source, "not_found");
        throw NotFound(fmt::format("{}: {}", source.name, verdict.reason));
      case Kind::kRefused:
        count_call(source, "refused");
        throw Permanent(fmt::format("{}: {}", source.name, verdict.reason));
    }
  }
  throw SourceExhausted(
      fmt::format("{}: {} credentials refused in a row; the last: {}", source.name, kCredentialsPerCall, last_reason),
      1s, source.credential_source);
}

}  // namespace dalgona::beat
