// `dalgona coffee`: serve the REST API and the pages; `dalgona coffee keys`: API keys of tenants.
#pragma once
#include <CLI/CLI.hpp>

#include "base/bench.h"

namespace dalgona::coffee {

void register_coffee(CLI::App& app);
// `coffee`: requests a second and p99 over keep-alive connections, against a running `dalgona up`.
void register_benches(bench::Registry& registry);

}  // namespace dalgona::coffee
