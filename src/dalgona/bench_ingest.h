// The bench of the ways in, from a client's request to the broker's confirm: gRPC, HTTP and a webhook.
#pragma once
#include "base/bench.h"

namespace dalgona {

void register_ingest_bench(bench::Registry& registry);

}  // namespace dalgona
