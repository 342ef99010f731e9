// `dalgona stir`: the scheduler's role, and its tools.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::stir {

void register_stir(CLI::App& app);

}  // namespace dalgona::stir
