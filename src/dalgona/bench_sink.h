// Benches of the way from RabbitMQ to durable rows: `sink`, many events a message, and `sink-single`, one.
#pragma once
#include "base/bench.h"

namespace dalgona {

void register_sink_benches(bench::Registry& registry);

}  // namespace dalgona
