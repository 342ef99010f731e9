#include "chaos/world.h"

#include <csignal>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/config.h"
#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "chaos/publish.h"
#include "dalgona/ports.h"
#include "events/catalogue.h"

namespace dalgona::chaos {
namespace {
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kStartLimit{90};

// The same URL with another port.
std::string through(const std::string& url, uint16_t port) {
  const size_t at = url.rfind('@'), colon = url.find(':', at == std::string::npos ? url.find("://") + 3 : at);
  size_t end = url.find('/', colon);
  if (end == std::string::npos) end = url.size();
  return url.substr(0, colon + 1) + std::to_string(port) + url.substr(end);
}

std::string stream_list() {
  std::string list;
  for (const auto& stream : streams()) list += (list.empty() ? "" : ", ") + std::string(stream.name);
  return "[" + list + "]";
}

// `root` and everything below it.
std::vector<pid_t> tree(pid_t root) {
  std::vector<pid_t> all{root};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream stat(entry.path() / "stat");
      std::string text;
      std::getline(stat, text);
      const size_t close = text.rfind(')');
      if (close == std::string::npos) continue;
      std::istringstream rest(text.substr(close + 1));
      std::string state;
      pid_t parent = 0;
      rest >> state >> parent;
      const auto pid = pid_t(std::stol(name));
      if (std::ranges::find(all, parent) != all.end() && std::ranges::find(all, pid) == all.end()) {
        all.push_back(pid);
        grew = true;
      }
    }
  }
  return all;
}

void signal_all(const std::vector<pid_t>& pids, int number) {
  for (const pid_t pid : pids)
    if (pid > 0) ::kill(pid, number);
}

}  // namespace

World::World(WorldOptions options) : options_(std::move(options)) {
  disk_ = Disk::make(options_.folder, options_.disk_mib, why_no_disk_);
  home_ = (disk_ ? disk_->path() : options_.folder) / "home";
  fs::create_directories(home_ / "run");
  // The broker's account must be able to pass.
  for (fs::path at = home_; at.string().size() >= options_.folder.string().size(); at = at.parent_path())
    fs::permissions(at, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  progress_ = options_.folder / "published";
  url_file_ = options_.folder / "broker-url";

  PrivateRabbitmq::Options rabbitmq;
  rabbitmq.home = home_;
  rabbitmq.port = free_port();
  rabbitmq.distribution_port = free_port();
  rabbitmq.epmd_port = free_port();
  broker_ = std::make_unique<PrivateRabbitmq>(rabbitmq);
  broker_->prepare();
  const auto role = [this](const std::string& name) {
    return std::make_unique<RoleProcess>(
        RoleProcess::Options{.home = home_,
                             .config_file = (options_.folder / (name + ".yaml")).string(),
                             .command = name,
                             .port = free_port(),
                             .binary = self_path().parent_path() / "dalgona"});
  };
  warehouse_ = role("warehouse");
  sink_ = role("event-grpc");
  to_broker_ = std::make_unique<Proxy>(broker_->port());
  to_warehouse_ = std::make_unique<Proxy>(warehouse_->port());
  const std::string broker_url = through(broker_->url(), to_broker_->port());
  write_file(url_file_, broker_url, 0600);
  write_config("warehouse", fmt::format("warehouse:\n  port: {}\n", warehouse_->port()));
  write_config(
      "event-grpc",
      fmt::format("rabbitmq:\n  url: \"{}\"\nwarehouse:\n  url: \"{}\"\nevent_grpc:\n  port: {}\n  streams: {}\n",
                  broker_url, through(warehouse_->url(), to_warehouse_->port()), sink_->port(), stream_list()));
  client_ = std::make_unique<warehouse::Client>(http_, warehouse_->url());
}

World::~World() {
  if (allowances_ >= 0) ::close(allowances_);
  publisher_.stop(milliseconds{0});
  for (ChildServer* part : std::initializer_list<ChildServer*>{sink_.get(), warehouse_.get(), broker_.get()})
    part->stop(seconds{10});
  end_processes_of_home(home_, seconds{1});
}

void World::write_config(const std::string& role, const std::string& yaml) const {
  write_file(options_.folder / (role + ".yaml"), yaml, 0600);
}

bool World::mend() {
  bool whole = true;
  for (ChildServer* part : std::initializer_list<ChildServer*>{broker_.get(), warehouse_.get(), sink_.get()}) {
    if (part->running()) continue;
    try {
      part->start(kStartLimit);
    } catch (const Retryable&) {
      whole = false;
    }
  }
  if (!publisher_.running() && published() < Plan(options_.seed, options_.events, options_.begin).windows())
    start_publisher();
  return whole && broker_->healthy() && warehouse_->healthy() && sink_->healthy();
}

void World::start_publisher() {
  if (allowances_ >= 0) ::close(allowances_);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Permanent("pipe2 failed");
  allowances_ = ends[1];
  Command command;
  command.argv = {self_path().string(),
                  "--publish",
                  "--events",
                  std::to_string(options_.events),
                  "--seed",
                  std::to_string(options_.seed),
                  "--begin",
                  to_iso(options_.begin),
                  "--progress",
                  progress_.string(),
                  "--url-file",
                  url_file_.string()};
  command.environment = Config::process_environment();
  command.log = options_.folder / "publisher.log";
  command.keep_descriptor = ends[0];
  publisher_ = Process(command);
  ::close(ends[0]);
  allow(allowed_);
}

void World::allow(uint64_t windows) {
  allowed_ = std::max(allowed_, windows);
  const std::string line = std::to_string(allowed_) + "\n";
  if (allowances_ >= 0 && ::write(allowances_, line.data(), line.size()) < 0 && errno != EPIPE)
    throw Permanent("the publisher's pipe is broken");
}

uint64_t World::published() const {
  return read_progress(progress_);
}

bool World::publishing() {
  return publisher_.running();
}

std::vector<pid_t> World::processes(Victim victim) const {
  const pid_t pid = victim == Victim::kBroker      ? broker_->pid()
                    : victim == Victim::kWarehouse ? warehouse_->pid()
                    : victim == Victim::kSink      ? sink_->pid()
                                                   : publisher_.pid();
  if (pid <= 0) return {};
  return tree(pid);
}

void World::kill(Victim victim) {
  signal_all(processes(victim), SIGKILL);
  // Reaped, so that running() knows.
  const auto gone = [&] {
    switch (victim) {
      case Victim::kBroker:
        return !broker_->running();
      case Victim::kWarehouse:
        return !warehouse_->running();
      case Victim::kSink:
        return !sink_->running();
      case Victim::kPublisher:
        break;
    }
    return !publisher_.running();
  };
  for (int i = 0; i < 1000 && !gone(); ++i) std::this_thread::sleep_for(milliseconds{10});
}

void World::stop(Victim victim) {
  signal_all(processes(victim), SIGSTOP);
}

void World::resume(Victim victim) {
  signal_all(processes(victim), SIGCONT);
}

void World::cut_connections() {
  to_broker_->cut();
  to_warehouse_->cut();
}

void World::power_cut() {
  std::vector<pid_t> all;
  for (const auto& stray : processes_of_home(home_)) all.push_back(stray.pid);
  for (const Victim victim : {Victim::kBroker, Victim::kWarehouse, Victim::kSink})
    for (const pid_t pid : processes(victim)) all.push_back(pid);
  signal_all(all, SIGSTOP);
  disk_->freeze();
  signal_all(all, SIGKILL);
  for (const Victim victim : {Victim::kBroker, Victim::kWarehouse, Victim::kSink}) kill(victim);
  end_processes_of_home(home_, seconds{2});
  cut_connections();
  disk_->replace();
}

uint64_t World::ask(const std::string& sql) {
  warehouse::QueryOptions options;
  options.timeout = seconds{60};
  const std::string text = client_->query_blocking(sql, "TabSeparated", options);
  return std::stoull(std::string(trim(text)));
}

uint64_t World::queued() {
  amqp::Connection connection({.url = broker_->url(), .name = "chaos count", .timeout = seconds{10}});
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  uint64_t messages = 0;
  for (const auto& stream : streams()) messages += connection.counts(catalogue.stream(stream.name).queue).messages;
  return messages;
}

void World::end() {
  sink_->stop(seconds{20});
}

}  // namespace dalgona::chaos
