#include "beat/routes.h"

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/text.h"

namespace dalgona::beat {
namespace {

namespace json = boost::json;

// Requests in one call; a longer list is cut by whoever sends it.
constexpr size_t kMaxRequests = 10'000;

json::value parse_body(std::string_view body) {
  boost::system::error_code failed;
  json::value value = json::parse({body.data(), body.size()}, failed);
  if (failed) throw InvalidInput(fmt::format("the body is no JSON: {}", failed.message()));
  return value;
}

std::string text_of(const json::value& value, std::string_view key) {
  if (!value.is_string()) throw InvalidInput(fmt::format("{} must be a text", key));
  return std::string(value.get_string());
}

int int_of(const json::value& value, std::string_view key, int64_t low, int64_t high) {
  if (!value.is_int64() || value.get_int64() < low || value.get_int64() > high)
    throw InvalidInput(fmt::format("{} must be a whole number from {} to {}", key, low, high));
  return int(value.get_int64());
}

json::object answer(const Enqueued& enqueued) {
  return {{"id", enqueued.id}, {"created", enqueued.created}};
}

}  // namespace

NewTask read_task(const Catalogue& catalogue, const json::value& request, int default_max_attempts) {
  if (!request.is_object()) throw InvalidInput("a scrape request is a JSON object");
  static const std::vector<std::string> known{"idempotency_key", "platform",  "flow",     "params",      "priority",
                                              "account_id",      "run_after", "deadline", "max_attempts"};
  NewTask task;
  task.max_attempts = default_max_attempts;
  json::value params = json::object();
  for (const auto& [raw_key, value] : request.get_object()) {
    const std::string key(raw_key);
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw InvalidInput(fmt::format("unknown key '{}'{}", key, did_you_mean(key, known)));
    if (value.is_null()) continue;
    if (key == "idempotency_key") task.idempotency_key = text_of(value, key);
    if (key == "platform") task.platform = text_of(value, key);
    if (key == "flow") task.flow = text_of(value, key);
    if (key == "params") params = value;
    if (key == "priority") task.priority = int_of(value, key, -1'000'000, 1'000'000);
    if (key == "account_id") task.account_id = text_of(value, key);
    if (key == "run_after") task.run_after = parse_time(text_of(value, key));
    if (key == "deadline") task.deadline = parse_time(text_of(value, key));
    if (key == "max_attempts") task.max_attempts = int_of(value, key, 1, 1000);
  }
  if (task.flow.empty()) throw InvalidInput("flow is missing");
  const Flow& flow = catalogue.flow(task.flow);
  if (task.platform.empty()) task.platform = flow.platform;
  if (task.platform != flow.platform)
    throw InvalidInput(fmt::format("flow {} is of platform {}, not {}", flow.name, flow.platform, task.platform));
  for (const auto& text : {task.idempotency_key, task.account_id})
    if (text && text->find('\0') != std::string::npos) throw InvalidInput("a text with a NUL character");
  task.params = json::serialize(check_params(flow, json::serialize(params)));
  return task;
}

http::Router routes(Queue& queue, const Catalogue& catalogue, Worker& worker, int default_max_attempts) {
  http::Router router;
  http::RouteOptions large;
  large.max_body = 64ull << 20;
  router.post(
      "/scrape_requests",
      [&queue, &catalogue, default_max_attempts](http::Request& request) -> Task<http::Response> {
        const json::value body = parse_body(request.body);
        std::vector<NewTask> tasks;
        if (body.is_array()) {
          if (body.get_array().size() > kMaxRequests)
            throw InvalidInput(fmt::format("at most {} requests at once", kMaxRequests));
          for (size_t i = 0; i < body.get_array().size(); ++i) {
            try {
              tasks.push_back(read_task(catalogue, body.get_array()[i], default_max_attempts));
            } catch (const InvalidInput& e) {
              throw InvalidInput(fmt::format("request {}: {}", i, e.what()));
            }
          }
        } else {
          tasks.push_back(read_task(catalogue, body, default_max_attempts));
        }
        const std::vector<Enqueued> enqueued = co_await queue.enqueue(std::move(tasks));
        if (!body.is_array())
          co_return http::Response::json(enqueued[0].created ? 201 : 200, json::serialize(answer(enqueued[0])));
        json::array all;
        for (const Enqueued& one : enqueued) all.push_back(answer(one));
        co_return http::Response::json(
            201, json::serialize(json::object{{"data", std::move(all)}, {"count", enqueued.size()}}));
      },
      large);
  router.get("/scrape_requests/{id}", [&queue](http::Request& request) -> Task<http::Response> {
    const std::string text = request.param("id");
    int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size()) throw InvalidInput("id must be a whole number");
    const auto found = co_await queue.get(id);
    if (!found) co_return http::Response::problem(404, "Not Found", fmt::format("no scrape request {}", id));
    co_return http::Response::json(200, *found);
  });
  router.get("/queue", [&queue](http::Request&) -> Task<http::Response> {
    json::object flows;
    for (const Queue::Count& count : co_await queue.counts()) {
      json::value& flow = flows[count.flow];
      if (!flow.is_object()) flow = json::object();
      flow.get_object()[count.status] = count.tasks;
    }
    co_return http::Response::json(200, json::serialize(json::object{{"flows", std::move(flows)}}));
  });
  router.get("/heartbeat", [&worker](http::Request&) -> Task<http::Response> {
    co_return worker.draining() ? http::Response::text(410, "draining\n") : http::Response::text(200, "ok\n");
  });
  router.add("PUT", "/heartbeat", [&worker](http::Request& request) -> Task<http::Response> {
    const json::value body = parse_body(request.body);
    const json::value* beat = body.is_object() ? body.get_object().if_contains("beat") : nullptr;
    if (!beat || !beat->is_bool())
      throw InvalidInput(R"(the body is {"beat": false} to drain or {"beat": true} to work)");
    worker.drain(!beat->get_bool());
    co_return http::Response::json(200, json::serialize(json::object{{"beat", beat->get_bool()}}));
  });
  return router;
}

}  // namespace dalgona::beat
