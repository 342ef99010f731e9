// `dalgona event-grpc`: the sink and the ingest of events.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::event_grpc {

void register_event_grpc(CLI::App& app);

}  // namespace dalgona::event_grpc
