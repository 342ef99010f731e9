// The broker's side of the catalogue.
#pragma once
#include "base/amqp/amqp.h"
#include "events/catalogue.h"

namespace dalgona::events {

// Exchanges, quorum queues and bindings of these streams; declaring it again changes nothing. Streams that share an
// exchange or an error exchange share its declaration. The error exchange gets a queue of its own, EXCHANGE.KEY.
amqp::Topology topology(const std::vector<Stream>& streams);

}  // namespace dalgona::events
