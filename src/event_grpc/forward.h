// RabbitMQ -> an Outlet, one stream.
//
//   delivery --parse--> events --deliver--> done      --> acknowledge
//                         |                 again     --> the stream's retry queue (x-retry-count + 1), acknowledge
//                         |                 refused, or tried too often --> parked, acknowledge
//                         +--not readable--> parked
//
// Acknowledged only after each event of a delivery has gone one of these ways for good, so a crash anywhere delivers
// again; event ids make that harmless.
#pragma once
#include <memory>
#include <string>

#include "base/amqp/amqp.h"
#include "event_grpc/outlet.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

inline constexpr const char* kRetryCountHeader = "x-retry-count";
class Forwarder {
 public:
  struct Options {
    std::string rabbitmq_url;
    amqp::Topology topology;  // declared on each connect
    std::function<void(const events::Stream&, const std::vector<ParkedEvent>&)> on_parked;
  };
  // `publisher` fills the retry queues. All references outlive the forwarder.
  Forwarder(const events::Stream& stream, Outlet& outlet, Store& store, amqp::Publisher& publisher, StopFlag& stop,
            Options options);
  ~Forwarder();  // after stop: joins its threads
  void start();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::event_grpc
