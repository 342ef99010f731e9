// `dalgona fake-follower`: scores of followers, the learned score's training, and a creator's report.
#pragma once
#include <CLI/CLI.hpp>

#include "base/bench.h"

namespace dalgona::fake_follower {

void register_fake_follower(CLI::App& app);
void register_benches(bench::Registry& registry);

}  // namespace dalgona::fake_follower
