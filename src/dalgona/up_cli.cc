#include "dalgona/up_cli.h"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/async.h"
#include "base/cli.h"
#include "base/errors.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "dalgona/home_lock.h"
#include "dalgona/home_status.h"
#include "dalgona/process.h"
#include "dalgona/supervisor.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

fs::path absolute_home(const cli::Common& common) {
  fs::path home = fs::absolute(common.home).lexically_normal();
  if (!home.has_filename()) home = home.parent_path();  // "var/"
  return home;
}

std::string absolute_config(const cli::Common& common) {
  return common.config.empty() ? "" : fs::absolute(common.config).lexically_normal().string();
}

struct UpOptions {
  std::shared_ptr<cli::Common> common;
  std::vector<std::string> with, without;
  bool detach = false;
  const CLI::App* app = nullptr;
};

int run_up(const UpOptions& up) {
  Supervisor supervisor({.home = absolute_home(*up.common),
                         .config_file = absolute_config(*up.common),
                         .with = up.with,
                         .without = up.without,
                         .has_command =
                             [&up](const std::string& name) {
                               return std::ranges::any_of(up.app->get_subcommands({}), [&](const CLI::App* command) {
                                 return command->get_name() == name;
                               });
                             },
                         .print = [](const std::string& line) { std::cout << line << std::endl; }});
  return supervisor.run();
}

// The same program in the foreground, with its output in a log; returns when all answers.
int run_detached(const UpOptions& up) {
  const fs::path home = absolute_home(*up.common);
  if (const auto pid = HomeLock::holder(home))
    throw InvalidInput(fmt::format("{} is already up: pid {}", home.string(), *pid));
  Command command;
  command.argv = {self_path().string(), "up", "--home", home.string()};
  if (!up.common->config.empty()) command.argv.insert(command.argv.end(), {"--config", absolute_config(*up.common)});
  for (const auto& role : up.with) command.argv.insert(command.argv.end(), {"--with", role});
  for (const auto& role : up.without) command.argv.insert(command.argv.end(), {"--without", role});
  command.environment = Config::process_environment();
  command.log = home / "logs" / "up.log";
  command.death_signal = 0;
  private_folder(command.log.parent_path());
  std::error_code error;
  const auto before = fs::file_size(command.log, error);
  const size_t said_before = error ? 0 : size_t(before);
  Process supervisor(command);
  // It gives up by itself after up.start_limit.
  while (!supervisor.wait(milliseconds{50})) {
    const auto state = read_home_state(home);
    if (state && state->pid == supervisor.pid() && state->phase == "up") {
      std::cout << fmt::format("{} is up: pid {}\n", home.string(), supervisor.pid());
      for (const auto& part : state->parts)
        std::cout << fmt::format("{:<12} 127.0.0.1:{:<6} pid {}\n", part.name, part.port, part.pid);
      supervisor.release();
      return 0;
    }
  }
  const std::string said = read_file(command.log);
  std::cerr << said.substr(std::min(said.size(), said_before));
  return 1;
}

// True when nobody holds the lock before the time is over.
bool wait_unlocked(const fs::path& home, milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  while (HomeLock::holder(home)) {
    if (SteadyClock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds{20});  // a stranger's process: nothing to wait on
  }
  return true;
}

int run_down(const fs::path& home, milliseconds limit) {
  const auto pid = HomeLock::holder(home);
  if (pid) {
    ::kill(*pid, SIGTERM);
    if (!wait_unlocked(home, limit)) {
      std::cout << fmt::format("pid {} has not stopped within {} s and is killed\n", *pid, limit.count() / 1000);
      ::kill(*pid, SIGKILL);
      wait_unlocked(home, seconds{5});
    }
  }
  const size_t strays = end_processes_of_home(home, seconds{15});
  fs::remove(home / "run" / "stores.yaml");
  fs::remove(home / "run" / "up.json");
  if (strays) std::cout << fmt::format("ended {} processes that a killed run had left behind\n", strays);
  std::cout << fmt::format("{} {}\n", home.string(), pid || strays ? "is down" : "was not up");
  return 0;
}

}  // namespace

void register_up(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("up", "Start the private stores and the roles of one home, and keep them running");
  auto up = std::make_shared<UpOptions>();
  up->common = cli::common_options(*command);
  up->app = &app;
  command->add_option("--with", up->with, "Another role beside those of up.roles, e.g. sandbox; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--without", up->without, "Leave a role out; may be repeated")->allow_extra_args(false);
  command->add_flag("--detach", up->detach, "Return when everything answers, and leave it running");
  command->callback([up] { cli::set_exit_code(up->detach ? run_detached(*up) : run_up(*up)); });
}

void register_down(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("down", "Stop everything of one home, also what a killed `up` has left behind");
  auto common = cli::common_options(*command);
  command->callback([common] { cli::set_exit_code(run_down(absolute_home(*common), seconds{120})); });
}

void register_status(CLI::App& app) {
  CLI::App* command = app.add_subcommand("status", "Show each part of a home: address, pid, uptime, memory, health");
  auto common = cli::common_options(*command, true);
  command->callback([common] {
    const HomeStatus status = home_status(absolute_home(*common));
    std::cout << (common->json ? status_json(status) : status_text(status));
    cli::set_exit_code(status.healthy ? 0 : 1);
  });
}

void register_migrate(CLI::App& app) {
  CLI::App* command = app.add_subcommand("migrate", "Apply the migrations of PostgreSQL that are missing");
  auto common = cli::common_options(*command);
  command->callback([common] {
    const Config config = common->load();
    const std::string url = config.text("postgres.url");
    if (url.empty()) throw InvalidInput("postgres.url is empty: is `dalgona up` running on this home?");
    const auto applied = run_alone<std::vector<std::string>>([url](asio::io_context& context) {
      return [](asio::io_context& ctx, std::string address) -> Task<std::vector<std::string>> {
        postgres::Pool pool(ctx.get_executor(), {.url = address, .application_name = "dalgona migrate"});
        co_return co_await postgres::migrate(pool, resource("migrations").string());
      }(context, url);
    });
    for (const auto& name : applied) std::cout << name << "\n";
    std::cout << fmt::format("{} migrations applied\n", applied.size());
  });
}

}  // namespace dalgona
