// The broker's side of the catalogue.
#pragma once
#include "base/amqp/amqp.h"
#include "events/catalogue.h"

namespace dalgona::events {

// Exchanges, quorum queues and bindings of these streams; declaring it again changes nothing. Streams that share an
// exchange or an error exchange share its declaration. The error exchange gets a queue of its own, EXCHANGE.KEY.
// A stream that ends in HTTP has a retry queue for each attempt but the last.
amqp::Topology topology(const std::vector<Stream>& streams);

// Where an event waits after its `attempt`th failure (from 1), and for how long.
std::string retry_queue(const Stream& stream, int attempt);
std::chrono::milliseconds retry_wait(const Stream& stream, int attempt);

}  // namespace dalgona::events
