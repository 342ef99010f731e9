// Events (header and events, as gRPC has them) to messages for the broker. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eventservice.pb.h>

#include "base/amqp/amqp.h"
#include "base/clock.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

// Where events go, as the catalogue says.
class DispatchPlan {
 public:
  // Throws InvalidInput when a stream names a payload that eventservice.proto lacks, with the nearest one.
  explicit DispatchPlan(const std::vector<events::Stream>& streams);

  struct Goal {
    std::string exchange, routing_key;  // empty key: the event's type
  };
  // One entry for each payload: its type ("LAUNCH_REFER"), and where it goes.
  struct Payload {
    std::string type;
    std::vector<Goal> goals;
  };
  // Of the field number of Event's payload; null when there is none of that number.
  const Payload* payload(int field_number) const;

 private:
  std::vector<Payload> payloads_;  // by field number
};

// Requests to messages: all events for one exchange and key go into one message, as long as it stays short enough to be
// handled well. Used by one thread.
class DispatchBatch {
 public:
  // A message's body is closed when it is longer than this.
  static constexpr size_t kLongBody = 1 << 20;
  // Bytes of bodies that one request may become: each event carries the whole header, so that a request of many small
  // events behind a long header would become a multiple of what was sent.
  static constexpr size_t kMostBytes = 64 << 20;

  // `plan` outlives it. Times that are 0 or in the future become `now`.
  DispatchBatch(const DispatchPlan& plan, Time now) : plan_(plan), now_(now) {}
  // Throws InvalidInput: "Incomplete event" without header or deviceId, or what is wrong with which event; nothing is
  // to be published then.
  void add(const event::Events& events);
  std::vector<amqp::Message> take() { return std::move(messages_); }
  size_t events() const { return events_; }

 private:
  amqp::Message& open_message(const DispatchPlan::Goal& goal, const std::string& type);

  const DispatchPlan& plan_;
  const Time now_;
  std::vector<amqp::Message> messages_;
  // Where the message that is being filled stands, by exchange and key.
  std::map<std::pair<std::string, std::string>, size_t> open_;
  size_t events_ = 0, bytes_ = 0;
  std::string header_, body_;  // scratch
};

// Of one request.
std::vector<amqp::Message> messages_of(const event::Events& events, const DispatchPlan& plan, Time now);

// What messages hold in memory until they are confirmed, about.
uint64_t bytes_of(const std::vector<amqp::Message>& messages);

// JSON in the form that protobuf's mapping gives: {"header": {...}, "events": [{"id", "timestamp", "launchEvent":
// {...}}]}. Throws InvalidInput that tells what is wrong: unknown names, wrong types, no JSON.
event::Events events_from_json(std::string_view json);

// "launchReferEvent" -> "LAUNCH_REFER".
std::string type_of_payload(std::string_view field_name);

}  // namespace dalgona::event_grpc
