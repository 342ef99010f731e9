// `dalgona bench [NAME]`: every figure that this project claims can be measured again by one command.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona {

void register_bench(CLI::App& app);

}  // namespace dalgona
