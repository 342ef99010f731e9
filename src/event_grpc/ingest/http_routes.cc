#include "event_grpc/ingest/http_routes.h"

#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/metrics.h"
#include "base/text.h"
#include "event_grpc/delivery.h"
#include "event_grpc/ingest/webhook.h"
#include "event_grpc/parser.h"

namespace dalgona::event_grpc {

namespace {

using http::Request;
using http::Response;

// Of a batch that is wrong, so many faults are told.
constexpr size_t kFaultsTold = 20;

struct HttpMeters {
  prometheus::Counter& events =
      metrics::counter("dalgona_event_grpc_ingested_total", "Events taken in and confirmed", {{"way", "http"}});
  prometheus::Counter& refused =
      metrics::counter("dalgona_event_grpc_pushed_back_total", "Requests answered 'come again'", {{"way", "http"}});
  prometheus::Histogram& seconds = metrics::histogram("dalgona_event_grpc_ingest_seconds",
                                                      "From a request to the broker's confirm", {{"way", "http"}});
};
HttpMeters& meters() {
  static HttpMeters all;
  return all;
}

bool has_key(const ApiKeys& keys, const Request& request) {
  return keys.open() || keys.allows_authorization(request.headers.get_or("Authorization", "")) ||
         keys.allows(request.headers.get_or("X-Api-Key", ""));
}

Response no_key() {
  auto response = Response::problem(401, "Unauthorized", "an API key is needed: Authorization: Bearer KEY");
  response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

Response full() {
  meters().refused.Increment();
  auto response = Response::problem(429, "Too Many Requests", "the buffer is full, come again");
  response.headers.set("Retry-After", "1");
  return response;
}

// The gate of every route: the body is counted while it comes, so that what is on its way is bounded, too.
std::optional<Response> let_in(Intake& intake, Request& request, uint64_t body) {
  if (body == 0) {
    if (intake.full()) return full();
    request.held = std::make_shared<Intake::Share>(intake);
    return std::nullopt;
  }
  auto& share = *static_cast<Intake::Share*>(request.held.get());
  share.set(body, 0);
  if (share.crowded_out()) return full();
  return std::nullopt;
}

// From here on only the messages are held.
Task<Response> publish(const HttpIngest& ingest, Request& request, std::vector<amqp::Message> messages, size_t events) {
  const auto began = std::chrono::steady_clock::now();
  std::string().swap(request.body);
  static_cast<Intake::Share*>(request.held.get())->set(bytes_of(messages), messages.size());
  co_await ingest.publisher.publish(std::move(messages));
  meters().seconds.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  meters().events.Increment(double(events));
  co_return Response::json(200, fmt::format(R"({{"status":"SUCCESS","accepted":{}}})", events));
}

// A body of Events: one object, an array of them, or one a line.
void read_events(const Request& request, DispatchBatch& outgoing) {
  size_t number = 0;
  const auto one = [&](std::string_view text, const char* what) {
    ++number;
    try {
      outgoing.add(events_from_json(text));
    } catch (const InvalidInput& e) {
      if (!what) throw;
      throw InvalidInput(fmt::format("{} {}: {}", what, number, e.what()));
    }
  };
  if (is_ndjson(request.headers.get_or("Content-Type", ""))) {
    for_each_event(request.body, true, [&](std::string_view line) { one(line, "line"); });
  } else if (trim(request.body).starts_with('[')) {
    boost::system::error_code error;
    const auto value = boost::json::parse(request.body, error);
    if (error) throw InvalidInput("not Events: " + error.message());
    for (const auto& element : value.as_array()) one(boost::json::serialize(element), "element");
  } else {
    one(request.body, nullptr);
  }
}

Task<Response> take_events(const HttpIngest& ingest, Request& request) {
  DispatchBatch outgoing(ingest.plan, system_clock().now());
  read_events(request, outgoing);
  co_return co_await publish(ingest, request, outgoing.take(), outgoing.events());
}

// Events in a stream's own form are checked as its sink will check them: all are taken, or none.
Task<Response> take_stream_events(const HttpIngest& ingest, Request& request) {
  const auto name = request.param("stream");
  std::vector<std::string> known;
  const events::Stream* stream = nullptr;
  for (const auto& s : ingest.streams) {
    known.push_back(s.name);
    if (s.name == name) stream = &s;
  }
  if (!stream)
    co_return Response::problem(404, "Not Found", fmt::format("no stream '{}'{}", name, did_you_mean(name, known)));
  amqp::Message message;
  message.exchange = stream->exchange;
  message.routing_key = stream->routing_key;
  message.properties.content_type =
      is_ndjson(request.headers.get_or("Content-Type", "")) ? "application/x-ndjson" : "application/json";
  message.body = std::move(request.body);
  const size_t size = message.body.size();
  message.body.append(Parser::kPadding, '\0');
  Parser parser(*stream);
  auto block = parser.new_block();
  std::vector<Rejected> rejected;
  parser.parse(
      {std::string_view(message.body).substr(0, size), message.properties.content_type, "", message.routing_key}, block,
      rejected);
  message.body.resize(size);
  if (!rejected.empty()) {
    boost::json::array faults;
    for (const auto& r : rejected)
      if (faults.size() < kFaultsTold) faults.push_back({{"field", r.field}, {"reason", r.reason}});
    auto response = Response::problem(400, "Bad Request", "");
    response.body = boost::json::serialize(boost::json::object{
        {"type", "about:blank"},
        {"title", "Bad Request"},
        {"status", 400},
        {"detail",
         fmt::format("{} of {} events are wrong; none was taken", rejected.size(), rejected.size() + block.rows())},
        {"faults", faults}});
    co_return response;
  }
  const size_t events = block.rows();
  std::vector<amqp::Message> messages;
  messages.push_back(std::move(message));
  co_return co_await publish(ingest, request, std::move(messages), events);
}

std::string secret_of(const HttpIngest& ingest, const events::Ingest& way) {
  const auto at = ingest.secrets.find(way.secret);
  return at == ingest.secrets.end() ? "" : at->second;
}

// What can be told of a webhook before its body is there; a signature is over the body.
std::optional<Response> refuse_webhook(const HttpIngest& ingest, const events::Ingest& way, const Request& request) {
  if (!way.signature_header.empty()) {
    if (!secret_of(ingest, way).empty()) return std::nullopt;
    return Response::problem(401, "Unauthorized",
                             fmt::format("{} is not set, so no signature can be checked", way.secret));
  }
  // Many senders can be given nothing but a URL.
  if (has_key(ingest.keys, request) || ingest.keys.allows(request.query.get_or("key", ""))) return std::nullopt;
  return no_key();
}

Task<Response> take_webhook(const HttpIngest& ingest, const std::vector<WebhookTarget>& targets, Request& request) {
  const auto& way = *targets.front().ingest;
  if (!way.signature_header.empty()) {
    if (!signature_matches(way.signature, secret_of(ingest, way), request.body,
                           request.headers.get_or(way.signature_header, "")))
      co_return Response::problem(401, "Unauthorized",
                                  fmt::format("the signature in {} does not fit", way.signature_header));
  }
  const auto header = [&](const std::string& name) { return request.headers.get(name); };
  auto messages = webhook_messages(targets, request.body, header);
  const size_t events = messages.size();
  co_return co_await publish(ingest, request, std::move(messages), events);
}

}  // namespace

std::vector<std::string> secret_keys(const std::vector<events::Stream>& streams) {
  std::vector<std::string> keys;
  for (const auto& s : streams)
    for (const auto& i : s.ingest)
      if (!i.secret.empty()) keys.push_back(i.secret);
  return keys;
}

void add_ingest_routes(http::Router& router, const HttpIngest& ingest) {
  http::RouteOptions options;
  options.max_body = ingest.max_body;
  auto with_key = options;
  with_key.gate = [&ingest](Request& request, uint64_t body) -> std::optional<Response> {
    if (body == 0 && !has_key(ingest.keys, request)) return no_key();
    return let_in(ingest.intake, request, body);
  };
  std::map<std::string, std::vector<WebhookTarget>> webhooks;
  std::set<std::string> paths;
  for (const auto& s : ingest.streams)
    for (const auto& i : s.ingest) {
      if (i.path.empty()) continue;
      if (i.events) {
        if (paths.insert(i.path).second)
          router.post(
              i.path, [&ingest](Request& request) { return take_events(ingest, request); }, with_key);
      } else {
        auto& targets = webhooks[i.path];
        if (!targets.empty() && targets.front().ingest->signature_header != i.signature_header)
          throw InvalidInput(fmt::format("{}: path {} is signed in one stream and not in another", s.file, i.path));
        targets.push_back({&s, &i});
      }
    }
  for (const auto& [path, targets] : webhooks) {
    auto raw = options;
    // A signature is over the bytes as they were sent.
    raw.decode_body = targets.front().ingest->signature_header.empty();
    raw.gate = [&ingest, way = targets.front().ingest](Request& request, uint64_t body) -> std::optional<Response> {
      if (body == 0)
        if (auto refusal = refuse_webhook(ingest, *way, request)) return refusal;
      return let_in(ingest.intake, request, body);
    };
    router.post(
        path, [&ingest, targets = targets](Request& request) { return take_webhook(ingest, targets, request); }, raw);
  }
  router.post(
      "/events/{stream}", [&ingest](Request& request) { return take_stream_events(ingest, request); }, with_key);
}

}  // namespace dalgona::event_grpc
