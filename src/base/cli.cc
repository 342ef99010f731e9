#include "base/cli.h"

#include <cstdlib>
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace dalgona::cli {
namespace {

int the_exit_code = 0;

}  // namespace

Config Common::load() const {
  return Config::load({.home = home,
                       .file = config.empty() ? std::nullopt : std::optional<std::filesystem::path>(config),
                       .environment = Config::process_environment()});
}

std::shared_ptr<Common> common_options(CLI::App& command, bool with_json) {
  auto common = std::make_shared<Common>();
  const char* home = std::getenv("DALGONA_HOME");
  common->home = home ? home : "var";
  command.add_option("--home", common->home, "Folder that holds all state")->capture_default_str();
  command.add_option("--config", common->config, "YAML file laid over the defaults");
  if (with_json) command.add_flag("--json", common->json, "Print JSON for programs");
  return common;
}

void set_exit_code(int code) {
  the_exit_code = code;
}

int exit_code() {
  return the_exit_code;
}

void register_config(CLI::App& app) {
  CLI::App* command = app.add_subcommand("config", "Show every setting, its value and where it comes from");
  auto common = common_options(*command, true);
  command->callback([common] {
    const Config config = common->load();
    if (common->json) {
      boost::json::array all;
      for (const auto& entry : config.entries())
        all.push_back({{"key", entry.key}, {"value", entry.value}, {"origin", entry.origin}});
      std::cout << boost::json::serialize(all) << "\n";
      return;
    }
    for (const auto& entry : config.entries())
      std::cout << fmt::format("{:<44} {:<36} {}\n", entry.key, entry.value, entry.origin);
  });
}

}  // namespace dalgona::cli
