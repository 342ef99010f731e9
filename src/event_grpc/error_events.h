// The original's error stream: what can not be taken in is published to the stream's error exchange, beside being
// parked.
#pragma once
#include <string>

#include "base/amqp/amqp.h"
#include "base/clock.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

// The message for stream.error_exchange, in the form that config/streams/error_event.yaml reads. The same parked event
// gives the same id.
amqp::Message error_event(const events::Stream& stream, const ParkedEvent& parked, Time now);

}  // namespace dalgona::event_grpc
