// Benches of what the warehouse keeps: `growth`, a series out of many logs, and `storage`, bytes a log.
#pragma once
#include "base/bench.h"

namespace dalgona {

void register_warehouse_benches(bench::Registry& registry);

}  // namespace dalgona
