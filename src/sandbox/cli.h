// `dalgona sandbox`.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::sandbox {

void register_sandbox(CLI::App& app);

}  // namespace dalgona::sandbox
