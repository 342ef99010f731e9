// The role's wiring, and nothing else.
#pragma once
#include "base/config.h"

namespace dalgona::coffee {

// Serves until stopped; gives the exit code. Throws InvalidInput for a configuration that can't work.
int run_service(const Config& config);

}  // namespace dalgona::coffee
