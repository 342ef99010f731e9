// How old a point of the REST time series is when it can first be read: from the platform's reply to it.
#pragma once
#include "base/bench.h"

namespace dalgona {

// `freshness`: everything up in a temporary home, crawled as the demo does; p99 in seconds.
void register_freshness_bench(bench::Registry& registry);

}  // namespace dalgona
