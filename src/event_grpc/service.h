// The role: all streams of the catalogue and the HTTP port.
#pragma once
#include "base/config.h"

namespace dalgona::event_grpc {

// Runs until SIGTERM; gives the exit code. Stores that are away are waited for.
int run_service(const Config& config);

}  // namespace dalgona::event_grpc
