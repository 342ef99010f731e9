#include "sandbox/service.h"

#include <boost/json.hpp>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::sandbox {
namespace {

constexpr const char* kContentType = "application/json; charset=UTF-8";

http::Response json_reply(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", kContentType);
  response.body = std::move(body);
  return response;
}

http::Response admin_reply(const boost::json::value& value) {
  return http::Response::json(200, boost::json::serialize(value));
}

boost::json::object body_object(const http::Request& request) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(request.body, error);
  if (error || !value.is_object()) throw InvalidInput("the body must be a JSON object");
  return value.as_object();
}

std::string date_text(int32_t day) {
  return to_date(midnight(day));
}

}  // namespace

bool etag_matches(std::string_view field, std::string_view etag) {
  for (std::string_view one : split(field, ',')) {
    one = trim(one);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one.size() >= 2 && one.front() == '"' && one.back() == '"') one = one.substr(1, one.size() - 2);
    if (one == etag) return true;
  }
  return false;
}

Service::Service(Population population, LoadReport report, const Clock& real, ServiceOptions options)
    : population_(std::move(population)),
      report_(std::move(report)),
      real_(real),
      options_(std::move(options)),
      clock_(real, options_.now, options_.speed),
      api_(population_, options_.region) {
  for (const std::string& key : options_.keys) quota_.add(key, options_.limits);
  faults_.set(options_.faults);
}

http::Router Service::router() {
  http::Router router;
  for (const std::string& endpoint : YoutubeApi::endpoints())
    router.get("/youtube/v3/" + endpoint,
               [this, endpoint](http::Request& request) { return serve_api(endpoint, request); });
  router.get("/youtube/v3/{rest...}", [](http::Request&) -> Task<http::Response> {
    co_return json_reply(404, ApiError(404, "notFound", "global", "Not Found").json());
  });

  const auto plain = [](auto f) {
    return [f](http::Request& request) -> Task<http::Response> { co_return f(request); };
  };
  router.get("/sandbox/v1/time", plain([this](http::Request&) { return time_reply(); }));
  router.add("PUT", "/sandbox/v1/time", plain([this](http::Request& request) { return put_time(request); }));
  router.get("/sandbox/v1/faults",
             plain([this](http::Request&) { return http::Response::json(200, faults_.plan().json()); }));
  router.add("PUT", "/sandbox/v1/faults", plain([this](http::Request& request) { return put_faults(request); }));
  router.add("DELETE", "/sandbox/v1/faults", plain([this](http::Request&) {
               faults_.set({});
               return http::Response::json(200, faults_.plan().json());
             }));
  router.get("/sandbox/v1/stats", plain([this](http::Request&) { return stats_reply(); }));
  router.get("/sandbox/v1/keys", plain([this](http::Request&) { return keys_reply(); }));
  router.post("/sandbox/v1/keys", plain([this](http::Request& request) { return post_key(request); }));
  router.add("DELETE", "/sandbox/v1/keys/{id}", plain([this](http::Request& request) {
               if (quota_.remove(request.param("id"))) return keys_reply();
               return http::Response::problem(404, "Not Found", "no key has this id");
             }));
  router.get("/sandbox/v1/population", plain([this](http::Request&) { return population_reply(); }));
  return router;
}

Task<http::Response> Service::serve_api(const std::string& endpoint, http::Request& request) {
  const Fault fault = faults_.next(endpoint);
  if (fault.latency.count() > 0) co_await sleep_for(std::chrono::ceil<std::chrono::milliseconds>(fault.latency));
  if (fault.kind == Fault::kReset) {
    count(endpoint, 0);
    throw Cancelled();  // the server closes the connection without a word
  }
  const Time now = clock_.now();
  http::Response response;
  try {
    if (fault.kind == Fault::kError) throw injected_error(fault.status);
    response = answer(endpoint, request, now);
  } catch (const ApiError& e) {
    response = json_reply(e.status, e.json());
  }
  // The platform's clock is the simulated one.
  response.headers.set("Date", to_http_date(now));
  response.headers.set("Cache-Control", "private");
  response.headers.set("Vary", "Origin, X-Origin, Referer, Accept-Encoding");
  count(endpoint, response.status);
  if (options_.on_reply) options_.on_reply(endpoint, request, response.status);
  std::string* body = std::get_if<std::string>(&response.body);
  if (fault.kind == Fault::kTruncate && body && body->size() > 1) {
    response.headers.set("Content-Length", std::to_string(body->size()));
    response.compressible = false;
    const size_t cut = std::max<size_t>(1, size_t(double(body->size()) * fault.position));
    response.body = [part = body->substr(0, cut)](http::BodyWriter& writer) -> Task<void> {
      co_await writer.write(part);
      throw Cancelled();
    };
  }
  co_return response;
}

http::Response Service::answer(const std::string& endpoint, const http::Request& request, Time now) {
  std::string key = request.query.get_or("key", "");
  if (key.empty()) key = request.headers.get_or("X-Goog-Api-Key", "");
  if (key.empty()) throw key_missing();
  if (!quota_.known(key)) throw key_invalid();
  check_rate(key);
  // A call costs what it costs, be it right or wrong.
  if (!quota_.take(key, YoutubeApi::units(endpoint), YoutubeApi::is_search(endpoint), now)) throw quota_exceeded();
  ApiReply reply = api_.call(endpoint, request.query, now);
  const auto seen = request.headers.get("If-None-Match");
  const bool unchanged = seen && etag_matches(*seen, reply.etag);
  http::Response response = json_reply(unchanged ? 304 : 200, unchanged ? std::string() : std::move(reply.body));
  response.headers.set("ETag", "\"" + reply.etag + "\"");
  return response;
}

void Service::check_rate(const std::string& key) {
  if (options_.requests_per_minute <= 0) return;
  const int64_t minute = std::chrono::floor<std::chrono::minutes>(real_.now()).time_since_epoch().count();
  const std::scoped_lock lock(mutex_);
  Minute& used = minutes_[key];
  if (used.minute != minute) used = {minute, 0};
  if (++used.calls > options_.requests_per_minute) throw rate_limit_exceeded();
}

void Service::count(const std::string& endpoint, int status) {
  const std::scoped_lock lock(mutex_);
  ++answered_[{endpoint, status}];
}

http::Response Service::time_reply() const {
  const Time now = clock_.now();
  return admin_reply({{"now", to_iso(now)}, {"speed", clock_.speed()}, {"quota_day", date_text(pacific_day(now))}});
}

http::Response Service::put_time(const http::Request& request) {
  const boost::json::object body = body_object(request);
  std::optional<Time> now;
  std::optional<double> speed;
  for (const auto& [key, value] : body) {
    if (key == "now" && value.is_string()) {
      now = parse_time(std::string_view(value.as_string()));
    } else if (key == "speed" && value.is_number()) {
      speed = value.to_number<double>();
    } else {
      throw InvalidInput("time has 'now' (text) and 'speed' (number), not '" + std::string(key) + "'");
    }
  }
  if (!now && !speed) throw InvalidInput("give 'now' or 'speed'");
  if (speed) clock_.set_speed(*speed);
  if (now) clock_.set(*now);
  if (!options_.clock_file.empty())
    write_file(options_.clock_file,
               boost::json::serialize(boost::json::object{{"now", to_iso(clock_.now())}, {"speed", clock_.speed()}}));
  return time_reply();
}

std::optional<Service::SavedTime> Service::saved_time(const std::filesystem::path& clock_file) {
  if (!std::filesystem::exists(clock_file)) return {};
  try {
    const boost::json::value saved = boost::json::parse(read_file(clock_file));
    return SavedTime{parse_time(std::string_view(saved.at("now").as_string())), saved.at("speed").to_number<double>()};
  } catch (const std::exception&) {
    return {};
  }
}

http::Response Service::put_faults(const http::Request& request) {
  faults_.set(FaultPlan::parse(request.body));
  return http::Response::json(200, faults_.plan().json());
}

http::Response Service::stats_reply() const {
  boost::json::object endpoints;
  uint64_t total = 0;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [what, number] : answered_) {
      auto& statuses = endpoints[what.first];
      if (!statuses.is_object()) statuses = boost::json::object();
      statuses.as_object()[what.second == 0 ? "reset" : std::to_string(what.second)] = number;
      total += number;
    }
  }
  boost::json::array keys;
  for (const KeyUsage& usage : quota_.usage(clock_.now()))
    keys.push_back({{"id", usage.id},
                    {"day", date_text(usage.day)},
                    {"units", usage.units},
                    {"searches", usage.searches},
                    {"refused", usage.refused}});
  return admin_reply({{"requests", total}, {"endpoints", std::move(endpoints)}, {"keys", std::move(keys)}});
}

http::Response Service::keys_reply() const {
  boost::json::array keys;
  for (const KeyUsage& usage : quota_.usage(clock_.now()))
    keys.push_back({{"id", usage.id},
                    {"quota_per_day", usage.limits.units_per_day},
                    {"searches_per_day", usage.limits.searches_per_day}});
  return admin_reply({{"keys", std::move(keys)}});
}

http::Response Service::post_key(const http::Request& request) {
  const boost::json::object body = body_object(request);
  std::string key;
  KeyLimits limits = options_.limits;
  for (const auto& [name, value] : body) {
    if (name == "key" && value.is_string()) {
      key = std::string(value.as_string());
    } else if ((name == "quota_per_day" || name == "searches_per_day") && value.is_int64() && value.as_int64() >= 0) {
      (name == "quota_per_day" ? limits.units_per_day : limits.searches_per_day) = value.as_int64();
    } else {
      throw InvalidInput("a key has 'key' (text), 'quota_per_day' and 'searches_per_day' (numbers), not '" +
                         std::string(name) + "'");
    }
  }
  if (key.empty() || key.size() > 200) throw InvalidInput("'key' must have 1 to 200 characters");
  quota_.add(key, limits);
  return admin_reply({{"id", Quota::id_of(key)}});
}

http::Response Service::population_reply() const {
  boost::json::array days, damages;
  for (const Day day : population_.days()) days.push_back(boost::json::string(date_text(day)));
  for (const auto& damage : report_.damages) damages.push_back({{"line", damage.line}, {"reason", damage.reason}});
  return admin_reply({{"channels", population_.channels().size()},
                      {"videos", population_.videos().size()},
                      {"snapshots", report_.snapshots},
                      {"rows", report_.rows},
                      {"doubled", report_.doubled},
                      {"damaged", report_.damaged},
                      {"damages", std::move(damages)},
                      {"first_day", date_text(population_.first_day())},
                      {"last_day", date_text(population_.last_day())},
                      {"days", std::move(days)}});
}

}  // namespace dalgona::sandbox
