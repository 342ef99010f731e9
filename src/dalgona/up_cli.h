// `dalgona up`, `down`, `status`, `doctor` and `migrate`.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona {

void register_up(CLI::App& app);
void register_down(CLI::App& app);
void register_status(CLI::App& app);
void register_doctor(CLI::App& app);
void register_migrate(CLI::App& app);

}  // namespace dalgona
