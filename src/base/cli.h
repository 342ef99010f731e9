// What the subcommands share: --home, --config, --json, and the exit code.
#pragma once
#include <functional>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/config.h"

namespace dalgona::cli {

struct Common {
  std::string home;    // --home, else $DALGONA_HOME, else "var"
  std::string config;  // --config
  bool json = false;   // --json, where offered

  // Loads the configuration that these options name.
  Config load() const;
};

// Adds --home and --config to a subcommand; the result lives as long as the callbacks that hold it.
std::shared_ptr<Common> common_options(CLI::App& command, bool with_json = false);

// Exit codes: 0 done, 1 failed, 2 wrong input or usage, 3 a check found differences.
void set_exit_code(int code);
int exit_code();

// `dalgona config`: every key, its value and where it comes from.
void register_config(CLI::App& app);

}  // namespace dalgona::cli
