// `dalgona event-grpc streams|ddl|docs|topology`: the catalogue, for people, programs and database administrators.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::event_grpc {

void register_catalogue(CLI::App& event_grpc);

}  // namespace dalgona::event_grpc
