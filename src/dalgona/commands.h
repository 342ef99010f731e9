// The list of subcommands.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona {

// Every role has `void register_ROLE(CLI::App& app)` in src/ROLE/cli.h; it adds one subcommand whose callback runs the
// role and calls set_exit_code().
void register_commands(CLI::App& app);

// What main() returns after a callback: 0 unless set.
int exit_code();

}  // namespace dalgona
