// `dalgona event-grpc parked list|show|replay|drop`.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::event_grpc {

void register_parked(CLI::App& event_grpc);

}  // namespace dalgona::event_grpc
