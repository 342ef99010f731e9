// `dalgona insights`: keywords of texts, from files or standard input.
#pragma once
#include <CLI/CLI.hpp>

#include "base/bench.h"

namespace dalgona::insights {

void register_insights(CLI::App& app);
void register_benches(bench::Registry& registry);

}  // namespace dalgona::insights
