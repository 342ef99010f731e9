#include "coffee/access/gate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "coffee/access/loopback.h"
#include "coffee/api/refusal.h"

namespace dalgona::coffee {
namespace {

constexpr size_t kMaxKnown = 10'000;
constexpr std::string_view kAnonymous = "anonymous";

Refusal unauthorized(const std::string& detail, std::string_view challenge) {
  return {401, "Unauthorized", detail, {{"WWW-Authenticate", std::string(challenge)}}};
}

Refusal bad_key(const std::string& detail) {
  return unauthorized(detail, R"(Bearer realm="dalgona", error="invalid_token")");
}

http::Response response_of(const Refusal& refusal) {
  http::Response response = http::Response::problem(refusal.status, refusal.title, refusal.what());
  for (const auto& [name, value] : refusal.headers) response.headers.set(name, value);
  return response;
}

}  // namespace

Gate::Gate(Stores& stores, const Clock& clock, GateOptions options)
    : stores_(stores), clock_(clock), options_(options), limit_(options.requests_per_minute) {}

Task<http::Response> Gate::pass(http::Request& request, const http::Handler& next) {
  const auto started = std::chrono::steady_clock::now();
  std::optional<http::Response> response;
  try {
    response = co_await guarded(request, next);
  } catch (const Refusal& refusal) {
    response = response_of(refusal);
  }
  response->headers.set("X-Content-Type-Options", "nosniff");
  if (spdlog::should_log(spdlog::level::debug))
    log::debug("msg=request method={} path={} status={} client={} request={} ms={:.2f}", request.method,
               log::quoted(request.path), response->status, request.remote_address, log::quoted(request.id),
               std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count());
  co_return std::move(*response);
}

Task<http::Response> Gate::guarded(http::Request& request, const http::Handler& next) {
  const std::string tenant = co_await tenant_of(request);
  const RateLimit::Decision decision = limit_.take(tenant, clock_.now());
  if (!decision.allowed) {
    http::Headers headers{{"Retry-After", std::to_string(decision.reset.count())}};
    throw Refusal(429, "Too Many Requests", fmt::format("at most {} requests a minute", limit_.per_minute()),
                  std::move(headers));
  }
  http::Response response = co_await next(request);
  if (limit_.per_minute() > 0) {
    // draft-ietf-httpapi-ratelimit-headers-10
    response.headers.set("RateLimit-Policy", fmt::format("\"tenant\";q={};w=60", limit_.per_minute()));
    response.headers.set("RateLimit", fmt::format("\"tenant\";r={};t={}", decision.remaining, decision.reset.count()));
  }
  co_return response;
}

Task<std::string> Gate::tenant_of(const http::Request& request) {
  const auto authorization = request.headers.get("Authorization");
  if (!authorization) {
    if (options_.anonymous_read && options_.listener_is_loopback && is_local_request(request))
      co_return std::string(kAnonymous);
    throw unauthorized("an API key is needed: Authorization: Bearer KEY (dalgona coffee keys create makes one)",
                       R"(Bearer realm="dalgona")");
  }
  const std::string_view text = trim(*authorization);
  const size_t blank = text.find(' ');
  if (to_lower_ascii(text.substr(0, blank)) != "bearer" || blank == std::string_view::npos)
    throw bad_key("Authorization must be Bearer KEY");
  const std::string key(trim(text.substr(blank + 1)));
  const auto prefix = prefix_of(key);
  if (!prefix) throw bad_key("not a key of this API");
  const ApiKey found = co_await find_key(key, *prefix);
  const std::string state = found.state(clock_.now());
  if (state != "active") throw bad_key("the key is " + state);
  if (std::find(found.scopes.begin(), found.scopes.end(), kScopeRead) == found.scopes.end())
    throw Refusal(403, "Forbidden", "the key lacks the scope 'read'",
                  {{"WWW-Authenticate", R"(Bearer realm="dalgona", error="insufficient_scope", scope="read")"}});
  // The name of a tenant can't be taken for that of nobody.
  co_return "tenant:" + found.tenant;
}

Task<ApiKey> Gate::find_key(std::string key, std::string prefix) {
  const std::string hash = key_hash(key);
  {
    const std::scoped_lock lock(mutex_);
    const auto known = known_.find(prefix);
    if (known != known_.end() && clock_.now() < known->second.until && same_hash(known->second.hash, hash))
      co_return known->second.key;
  }
  const NamedQuery query{"api_key", kFindKey};
  postgres::Params params{prefix};
  const auto rows = co_await stores_.ask(query, std::move(params));
  if (rows.rows() == 0 || !same_hash(rows.text(0, "hash"), hash)) throw bad_key("not a key of this API");
  ApiKey found = key_from_row(rows, 0);
  const std::scoped_lock lock(mutex_);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[prefix] = {found, hash, clock_.now() + options_.key_cache};
  co_return found;
}

}  // namespace dalgona::coffee
