// Any bytes as the body of any webhook, and as Events in JSON and protobuf: taken as messages that are JSON, or refused
// with a reason.
#include <cstdlib>

#include <simdjson.h>

#include "base/errors.h"
#include "base/resources.h"
#include "event_grpc/delivery.h"
#include "event_grpc/ingest/dispatch.h"
#include "event_grpc/ingest/webhook.h"
#include "events/catalogue.h"

using namespace dalgona;
using namespace dalgona::event_grpc;

namespace {

void check(const std::vector<amqp::Message>& messages) {
  simdjson::dom::parser parser;
  for (const auto& m : messages) {
    if (m.exchange.empty() || m.routing_key.empty() || m.routing_key.size() > 255) std::abort();
    for_each_event(m.body, is_ndjson(m.properties.content_type), [&](std::string_view text) {
      simdjson::dom::object object;
      if (parser.parse(text.data(), text.size()).get_object().get(object)) std::abort();
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto catalogue = events::Catalogue::load(resource("config/streams"));
  static const DispatchPlan plan(catalogue.streams());
  static const auto paths = [] {
    std::map<std::string, std::vector<WebhookTarget>> all;
    for (const auto& s : catalogue.streams())
      for (const auto& i : s.ingest)
        if (!i.path.empty() && !i.events) all[i.path].push_back({&s, &i});
    return all;
  }();
  if (size < 1) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const Time now = parse_time("2026-11-24T00:00:00Z");
  try {
    if (data[0] % 4 == 0) {
      check(messages_of(events_from_json(body), plan, now));
    } else if (data[0] % 4 == 1) {
      event::Events events;
      if (events.ParseFromArray(body.data(), int(body.size()))) check(messages_of(events, plan, now));
    } else {
      auto at = paths.begin();
      std::advance(at, (data[0] / 4) % paths.size());
      check(webhook_messages(at->second, body, [&](const std::string&) {
        return std::optional<std::string>(std::string(body.substr(0, body.size() % 17)));
      }));
    }
  } catch (const InvalidInput& e) {
    if (std::string_view(e.what()).empty()) std::abort();
  }
  return 0;
}
