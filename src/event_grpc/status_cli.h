// `dalgona event-grpc status`: what each stream does, as a live table.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace dalgona::event_grpc {

// Samples of Prometheus' text format by name and the value of their label `label`; those without it are left out, and
// so are lines that are none.
std::map<std::string, std::map<std::string, double>> samples_by(std::string_view text, std::string_view label);

void register_status_of_streams(CLI::App& event_grpc);

}  // namespace dalgona::event_grpc
