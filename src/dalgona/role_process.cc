#include "dalgona/role_process.h"

#include <fmt/format.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/resources.h"
#include "dalgona/probe.h"

namespace dalgona {

RoleProcess::RoleProcess(Options options) : options_(std::move(options)) {}

void RoleProcess::start(std::chrono::milliseconds limit) {
  Command command;
  command.argv = {(options_.binary.empty() ? self_path() : options_.binary).string(), options_.command, "--home",
                  options_.home.string()};
  if (!options_.config_file.empty()) command.argv.insert(command.argv.end(), {"--config", options_.config_file});
  command.environment = Config::process_environment();
  command.environment[std::string(kHomeMark)] = options_.home.string();
  command.log = options_.home / "logs" / (options_.command + ".log");
  private_folder(command.log.parent_path());
  process_ = Process(command);
  const auto alive = [this] { return !cancelled_ && process_.running(); };
  if (probe::wait_until([this] { return healthy(); }, alive, limit)) return;
  if (cancelled_) throw Cancelled();
  const bool ended = !process_.running();
  const int code = process_.stop(std::chrono::seconds{5});
  throw Retryable(fmt::format(
      "{} {}; see {}:\n{}", options_.command,
      ended ? "ended at once: " + describe_exit(code) : fmt::format("did not answer within {} s", limit.count() / 1000),
      command.log.string(), last_lines(command.log, 3)));
}

bool RoleProcess::healthy() {
  return probe::http(options_.port, "/heartbeat", std::chrono::seconds{2});
}

std::string RoleProcess::url() const {
  return fmt::format("http://127.0.0.1:{}", options_.port);
}

}  // namespace dalgona
