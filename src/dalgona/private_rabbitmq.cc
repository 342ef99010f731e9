#include "dalgona/private_rabbitmq.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/probe.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

// Erlang terms, not rabbitmq.conf: that would be translated by cuttlefish at every start.
// - disk_free_limit: below it publishers block, long before a write fails.
// - wal_max_size_bytes: the log of the quorum queues is also held in memory; the default is 512 MiB.
constexpr std::string_view kConfiguration = R"([
 {{rabbit, [
   {{tcp_listeners, [{{"127.0.0.1", {port}}}]}},
   {{num_tcp_acceptors, 2}},
   {{default_user, <<"dalgona">>}},
   {{default_pass, <<"{password}">>}},
   {{loopback_users, []}},
   {{disk_free_limit, 536870912}},
   {{vm_memory_high_watermark, 0.3}},
   {{collect_statistics, none}}
 ]}},
 {{ra, [{{wal_max_size_bytes, 134217728}}]}}
].
)";

// "{applications,[kernel,stdlib,...]}" of an .app file: the names.
std::vector<std::string> applications_of(const std::string& app) {
  const size_t key = app.find("{applications");
  if (key == std::string::npos) return {};
  const size_t open = app.find('[', key), close = app.find(']', key);
  if (open == std::string::npos || close == std::string::npos) return {};
  std::vector<std::string> names;
  for (std::string_view name : split(std::string_view(app).substr(open + 1, close - open - 1), ','))
    names.emplace_back(trim(name));
  return names;
}

}  // namespace

fs::path PrivateRabbitmq::installation() {
  const fs::path root = "/usr/lib/rabbitmq/lib";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error))
    if (entry.path().filename().string().starts_with("rabbitmq_server-") && fs::is_directory(entry.path() / "plugins"))
      return entry.path();
  return {};
}

PrivateRabbitmq::PrivateRabbitmq(Options options)
    : options_(std::move(options)),
      folder_(options_.home / "rabbitmq"),
      installation_(installation()),
      log_(options_.home / "logs" / "rabbitmq.log") {
  if (installation_.empty() || ::access("/usr/bin/erl", X_OK) != 0 || ::access("/usr/bin/epmd", X_OK) != 0)
    throw Permanent("RabbitMQ is not installed; run `./run setup`, or set rabbitmq.url to a broker of yours");
}

// At start RabbitMQ loads every application it finds to ask for feature flags and schemas. With the seventy that the
// package brings it takes 9.5 s to start, with the twenty it needs 4.6 s.
void PrivateRabbitmq::choose_applications(const fs::path& installed) {
  const fs::path links = folder_ / "plugins";
  fs::remove_all(links);
  private_folder(links);
  std::map<std::string, fs::path> available;
  for (const auto& entry : fs::directory_iterator(installed)) {
    const std::string folder = entry.path().filename().string();
    available[folder.substr(0, folder.rfind('-'))] = entry.path();
  }
  std::deque<std::string> wanted{"rabbit", "rabbitmq_prelaunch",     "cuttlefish", "jsx",
                                 "getopt", "credentials_obfuscation"};
  std::set<std::string> seen;
  while (!wanted.empty()) {
    const std::string name = wanted.front();
    wanted.pop_front();
    const auto found = available.find(name);
    if (found == available.end() || !seen.insert(name).second) continue;  // Erlang's own are found elsewhere
    fs::create_directory_symlink(found->second, links / found->second.filename());
    const fs::path app = found->second / "ebin" / (name + ".app");
    if (fs::exists(app))
      for (auto& needed : applications_of(read_file(app))) wanted.push_back(std::move(needed));
  }
}

void PrivateRabbitmq::write_configuration() {
  write_file(
      folder_ / "rabbitmq.config",
      fmt::format(fmt::runtime(kConfiguration), fmt::arg("port", options_.port), fmt::arg("password", password_)),
      0600);
  write_file(folder_ / "enabled_plugins", "[].\n", 0600);
  write_file(folder_ / "rabbitmq-env.conf", "", 0600);
  private_folder(folder_ / "conf.d");
  const fs::path cookie = folder_ / ".erlang.cookie";
  if (!fs::exists(cookie)) write_file(cookie, random_hex(20), 0400);
  ::chmod(cookie.c_str(), 0400);
}

std::map<std::string, std::string> PrivateRabbitmq::environment() const {
  std::map<std::string, std::string> all = plain_environment(options_.home);
  const std::string plugins = (folder_ / "plugins").string();
  all.insert({{"HOME", folder_.string()},
              {"ERL_LIBS", plugins},
              {"ERL_MAX_ETS_TABLES", "50000"},
              {"ERL_MAX_PORTS", "65536"},
              {"ERL_EPMD_ADDRESS", "127.0.0.1"},
              {"ERL_EPMD_PORT", std::to_string(options_.epmd_port)},
              {"ERL_CRASH_DUMP", (options_.home / "logs" / "erl_crash.dump").string()},
              {"ERL_CRASH_DUMP_BYTES", "10000000"},
              {"SYS_PREFIX", ""},
              {"RABBITMQ_HOME", installation_.string()},
              {"RABBITMQ_PLUGINS_DIR", plugins},
              {"RABBITMQ_PLUGINS_EXPAND_DIR", (folder_ / "plugins-expand").string()},
              {"RABBITMQ_MNESIA_BASE", (folder_ / "mnesia").string()},
              {"RABBITMQ_LOG_BASE", (options_.home / "logs").string()},
              {"RABBITMQ_LOGS", "-"},
              {"RABBITMQ_NODENAME", "dalgona@localhost"},
              {"RABBITMQ_CONFIG_FILE", (folder_ / "rabbitmq.config").string()},
              {"RABBITMQ_CONFIG_FILES", (folder_ / "conf.d").string()},
              {"RABBITMQ_ADVANCED_CONFIG_FILE", (folder_ / "advanced.config").string()},
              {"RABBITMQ_CONF_ENV_FILE", (folder_ / "rabbitmq-env.conf").string()},
              {"RABBITMQ_ENABLED_PLUGINS_FILE", (folder_ / "enabled_plugins").string()},
              {"RABBITMQ_DIST_PORT", std::to_string(options_.distribution_port)}});
  return all;
}

void PrivateRabbitmq::prepare() {
  private_folder(folder_);
  private_folder(log_.parent_path());
  if (!fs::exists(folder_ / "password") && fs::exists(folder_ / "mnesia"))
    throw Permanent(
        fmt::format("{} is missing, so the broker's data cannot be opened; bring it back from a backup, or "
                    "move {} away to start with an empty broker",
                    (folder_ / "password").string(), folder_.string()));
  password_ = private_password(folder_ / "password");
}

void PrivateRabbitmq::start(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  prepare();
  write_configuration();
  choose_applications(installation_ / "plugins");

  if (!epmd_.running()) {
    Command epmd;
    epmd.argv = {"/usr/bin/epmd", "-address", "127.0.0.1", "-port", std::to_string(options_.epmd_port)};
    epmd.environment = plain_environment(options_.home);
    epmd.folder = folder_;
    epmd.log = log_;
    epmd_ = Process(epmd);
  }
  Command broker;
  broker.argv = {"/usr/bin/erl", "-noinput", "-boot", "start_sasl", "-start_epmd", "false", "-s", "rabbit", "boot",
                 // Two schedulers that sleep when idle, and memory given back: a small broker beside other servers.
                 // +hmbs: bodies, in words, that a process may have passed on before it collects garbage for their
                 // sake alone; with the default of 0.4 MB that was half of a quorum queue's time (docs/traps.md).
                 "+hmbs", "1000000", "+S", "2:2", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "+W", "w",
                 "+MBas", "ageffcbf", "+MHas", "ageffcbf", "+MBlmbcs", "512", "+MHlmbcs", "512", "+MMmcs", "30",
                 "-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-kernel", "prevent_overlapping_partitions",
                 "false", "-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"};
  broker.environment = environment();
  broker.folder = folder_;
  broker.log = log_;
  broker_ = Process(broker);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (probe::wait_until([this] { return healthy(); }, [this] { return !cancelled_ && broker_.running(); }, left))
    return;
  if (cancelled_) throw Cancelled();
  const bool ended = !broker_.running();
  const int code = broker_.stop(std::chrono::seconds{5});
  throw Permanent(fmt::format(
      "RabbitMQ {}; see {}:\n{}",
      ended ? "ended at once: " + describe_exit(code) : fmt::format("was not ready within {} s", limit.count() / 1000),
      log_.string(), last_lines(log_, 8)));
}

bool PrivateRabbitmq::healthy() {
  return probe::amqp(options_.port, std::chrono::seconds{2});
}

void PrivateRabbitmq::stop(std::chrono::milliseconds grace) {
  if (broker_) broker_.stop(grace);
  if (epmd_) epmd_.stop(std::chrono::seconds{2});
}

std::string PrivateRabbitmq::url() const {
  return fmt::format("amqp://dalgona:{}@127.0.0.1:{}/%2F", password_, options_.port);
}

}  // namespace dalgona
