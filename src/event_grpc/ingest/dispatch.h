// Events (header and events, as gRPC has them) to messages for the broker. Pure.
#pragma once
#include <string>
#include <string_view>
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

// Messages with all events of the request, those for one exchange and key in one message. Times that are 0 or in the
// future become `now`. Throws InvalidInput: "Incomplete event" without header or deviceId, or what is wrong with which
// event; nothing is to be published then.
std::vector<amqp::Message> messages_of(const event::Events& events, const DispatchPlan& plan, Time now);

// JSON in the form that protobuf's mapping gives: {"header": {...}, "events": [{"id", "timestamp", "launchEvent":
// {...}}]}. Throws InvalidInput that tells what is wrong: unknown names, wrong types, no JSON.
event::Events events_from_json(std::string_view json);

// "launchReferEvent" -> "LAUNCH_REFER".
std::string type_of_payload(std::string_view field_name);

}  // namespace dalgona::event_grpc
