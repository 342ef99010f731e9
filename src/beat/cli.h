// `dalgona beat`: the collector and its tools.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::beat {

void register_beat(CLI::App& app);

}  // namespace dalgona::beat
