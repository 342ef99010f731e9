#include "event_grpc/ingest/dispatch.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/ids.h"
#include "base/text.h"
#include "event_grpc/field_tree.h"
#include "event_grpc/ingest/message_json.h"
#include "event_grpc/parser.h"

namespace dalgona::event_grpc {

namespace {

const google::protobuf::OneofDescriptor* payload_of_event() {
  return event::Event::descriptor()->FindOneofByName("payload");
}

int64_t micros_of(int64_t timestamp, int64_t now) {
  const int64_t micros = time_of_number(timestamp);
  return micros == 0 || micros > now ? now : micros;
}

// The sender's id when it is a UUID; else one made from what makes the event itself, so that a retry has the same; a
// new one when there is no id.
Uuid id_of(const event::Header& header, const event::Event& event, std::string_view type, Time now) {
  if (event.id().empty()) return make_uuid7(now);
  if (event.id().size() == 36) try {
      return Uuid::parse(event.id());
    } catch (const InvalidInput&) {
    }
  return uuid_of_bytes(fmt::format("event\n{}\n{}\n{}\n{}\n{}", header.deviceid(), header.sessionid(), event.id(),
                                   event.timestamp(), type));
}

}  // namespace

std::string type_of_payload(std::string_view name) {
  if (name.ends_with("Event")) name.remove_suffix(5);
  std::string type;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') type += '_';
    type += char(std::toupper(static_cast<unsigned char>(c)));
  }
  return type;
}

DispatchPlan::DispatchPlan(const std::vector<events::Stream>& streams) {
  const auto* oneof = payload_of_event();
  std::vector<std::string> known;
  for (int i = 0; i < oneof->field_count(); ++i) {
    const auto* f = oneof->field(i);
    known.push_back(f->name());
    if (payloads_.size() <= size_t(f->number())) payloads_.resize(size_t(f->number()) + 1);
    payloads_[size_t(f->number())].type = type_of_payload(f->name());
  }
  for (const auto& s : streams)
    for (const auto& i : s.ingest) {
      const Goal goal{s.exchange, i.events ? "" : s.routing_key};
      if (!i.payload.empty()) {
        const auto* f = event::Event::descriptor()->FindFieldByName(i.payload);
        if (!f || f->containing_oneof() != oneof)
          throw InvalidInput(fmt::format("{}: no payload '{}'{}", s.file, i.payload, did_you_mean(i.payload, known)));
        payloads_[size_t(f->number())].goals.push_back(goal);
      } else if (i.events) {
        for (auto& p : payloads_) {
          const bool there = std::any_of(p.goals.begin(), p.goals.end(), [&](const Goal& g) {
            return g.exchange == goal.exchange && g.routing_key == goal.routing_key;
          });
          if (!p.type.empty() && !there) p.goals.push_back(goal);
        }
      }
    }
}

const DispatchPlan::Payload* DispatchPlan::payload(int number) const {
  if (number <= 0 || size_t(number) >= payloads_.size() || payloads_[size_t(number)].type.empty()) return nullptr;
  return &payloads_[size_t(number)];
}

amqp::Message& DispatchBatch::open_message(const DispatchPlan::Goal& goal, const std::string& type) {
  const auto& key = goal.routing_key.empty() ? type : goal.routing_key;
  const auto [at, fresh] = open_.try_emplace({goal.exchange, key}, messages_.size());
  if (!fresh && messages_[at->second].body.size() <= kLongBody) return messages_[at->second];
  at->second = messages_.size();
  auto& m = messages_.emplace_back();
  m.exchange = goal.exchange;
  m.routing_key = key;
  m.properties.type = type;
  return m;
}

void DispatchBatch::add(const event::Events& events) {
  if (!events.has_header() || trim(events.header().deviceid()).empty())
    throw InvalidInput(std::string("Incomplete event: ") +
                       (events.has_header() ? "deviceId is missing" : "header is missing"));
  header_.clear();
  append_json(header_, events.header());
  const int64_t now_micros = now_.time_since_epoch().count();
  for (int i = 0; i < events.events_size(); ++i) {
    const auto& e = events.events(i);
    const auto* payload = plan_.payload(int(e.payload_case()));
    if (!payload) throw InvalidInput(fmt::format("Incomplete event: events[{}] has no payload", i));
    if (e.timestamp() < 0) throw InvalidInput(fmt::format("events[{}].timestamp: is before 1970", i));
    const auto id = id_of(events.header(), e, payload->type, now_).text();
    body_.clear();
    fmt::format_to(std::back_inserter(body_), R"({{"eventId":"{}","type":"{}","timestamp":{},"id":)", id, payload->type,
                   micros_of(e.timestamp(), now_micros));
    append_json(body_, std::string_view(e.id()));
    body_ += R"(,"currentURL":)";
    append_json(body_, std::string_view(e.currenturl().empty() ? events.header().currenturl() : e.currenturl()));
    body_ += R"(,"header":)";
    body_ += header_;
    body_ += R"(,"payload":)";
    const auto* r = e.GetReflection();
    append_json(body_, r->GetMessage(e, e.GetDescriptor()->FindFieldByNumber(int(e.payload_case()))));
    body_ += '}';
    bytes_ += body_.size() * payload->goals.size();
    if (bytes_ > kMostBytes)
      throw InvalidInput(fmt::format(
          "events[{}]: with its header on each event the request is longer than {} bytes; send fewer events at once", i,
          kMostBytes));
    for (const auto& goal : payload->goals) {
      auto& m = open_message(goal, payload->type);
      if (m.body.empty()) {
        m.properties.message_id = id;
        m.properties.content_type = "application/json";
      } else {
        m.body += '\n';
        m.properties.message_id.clear();
        m.properties.content_type = "application/x-ndjson";
      }
      m.body += body_;
    }
  }
  events_ += size_t(events.events_size());
}

std::vector<amqp::Message> messages_of(const event::Events& events, const DispatchPlan& plan, Time now) {
  DispatchBatch outgoing(plan, now);
  outgoing.add(events);
  return outgoing.take();
}

uint64_t bytes_of(const std::vector<amqp::Message>& messages) {
  // Strings, header table and bookkeeping of one, rounded up.
  constexpr uint64_t kBesideBody = 1024;
  uint64_t bytes = 0;
  for (const auto& m : messages) bytes += m.body.size() + kBesideBody;
  return bytes;
}

event::Events events_from_json(std::string_view json) {
  event::Events events;
  try {
    parse_json(json, events);
  } catch (const InvalidInput& e) {
    throw InvalidInput(std::string("not Events: ") + e.what());
  }
  return events;
}

}  // namespace dalgona::event_grpc
