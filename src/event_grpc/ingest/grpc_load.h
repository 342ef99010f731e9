// Both ends of a measurement of EventService: clients that send as fast as they are answered, and the server that
// somebody would write who had only RabbitMQ's own way in mind. For benches.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/amqp/amqp.h"
#include "base/async.h"
#include "event_grpc/ingest/dispatch.h"

namespace dalgona::event_grpc {

// A request of so many events: page openings with the header and the fields that an app fills, each with an id of its
// own.
event::Events page_openings(int count);

struct GrpcLoad {
  uint16_t port = 0;
  int clients = 16;  // threads; each has one call in work
  int calls_a_client = 100;
  int events_a_call = 100;  // in one request
  bool streaming = false;   // each client's requests go through one dispatchStream
};

// Runs until all calls are answered. Gives the seconds of each call; of streams those of the whole stream. Throws
// Permanent at the first call that is not answered OK with all its events.
std::vector<double> run(const GrpcLoad& load);

// EventService as it is written with nothing but the broker's manual: each event a message of its own, the answer when
// all of the call's messages are confirmed. The same callback server, JSON and publisher as ours.
class PlainIngest {
 public:
  PlainIngest(Runtime& runtime, amqp::Publisher& publisher, const DispatchPlan& plan);
  ~PlainIngest();
  uint16_t port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::event_grpc
