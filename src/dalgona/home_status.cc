#include "dalgona/home_status.h"

#include <fstream>
#include <map>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "dalgona/home_lock.h"
#include "dalgona/probe.h"
#include "dalgona/process.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

struct Memory {
  uint64_t rss = 0, pss = 0;  // bytes
};

Memory memory_of(pid_t pid) {
  Memory memory;
  std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
  std::string line;
  while (std::getline(rollup, line)) {
    if (line.starts_with("Rss:")) memory.rss = std::stoull(line.substr(4)) * 1024;
    if (line.starts_with("Pss:")) memory.pss = std::stoull(line.substr(4)) * 1024;
  }
  return memory;
}

// Parent -> children of every process on the machine.
std::multimap<pid_t, pid_t> children_of_all() {
  std::multimap<pid_t, pid_t> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    const size_t close = text.rfind(')');  // the name in parentheses may hold anything
    if (close == std::string::npos) continue;
    char state = 0;
    int parent = 0;
    if (std::sscanf(text.c_str() + close + 1, " %c %d", &state, &parent) == 2)
      all.emplace(parent, std::atoi(name.c_str()));
  }
  return all;
}

Memory memory_of_tree(pid_t root, const std::multimap<pid_t, pid_t>& children) {
  Memory sum;
  std::vector<pid_t> open{root};
  while (!open.empty()) {
    const pid_t pid = open.back();
    open.pop_back();
    const Memory its = memory_of(pid);
    sum.rss += its.rss;
    sum.pss += its.pss;
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  return sum;
}

bool answers(const PartStatus& part) {
  constexpr auto kLimit = std::chrono::seconds{2};
  if (part.name == "postgres") return probe::postgres(part.port, kLimit);
  if (part.name == "rabbitmq") return probe::amqp(part.port, kLimit);
  return probe::http(part.port, "/heartbeat", kLimit);
}

std::string duration_text(std::chrono::seconds time) {
  const auto s = time.count();
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d{:02}h", s / 86400, s / 3600 % 24);
}

std::chrono::seconds uptime(Time since) {
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock().now() - since);
}

std::string mebibytes(uint64_t bytes) {
  return fmt::format("{} MiB", bytes >> 20);
}

}  // namespace

std::optional<HomeState> read_home_state(const fs::path& home) {
  const fs::path file = home / "run" / "up.json";
  if (!fs::exists(file)) return {};
  try {
    const auto json = boost::json::parse(read_file(file));
    HomeState state;
    state.pid = pid_t(json.at("pid").as_int64());
    state.phase = json.at("phase").as_string();
    state.since = parse_time(json.at("since").as_string());
    for (const auto& each : json.at("parts").as_array()) {
      PartStatus part;
      part.name = each.at("name").as_string();
      part.state = each.at("state").as_string();
      part.trouble = each.at("trouble").as_string();
      part.pid = pid_t(each.at("pid").as_int64());
      part.port = uint16_t(each.at("port").to_number<int>());
      part.since = parse_time(each.at("since").as_string());
      part.restarts = int(each.at("restarts").as_int64());
      state.parts.push_back(std::move(part));
    }
    return state;
  } catch (const std::exception&) {
    return {};  // written by another version, or just removed
  }
}

HomeStatus home_status(const fs::path& home) {
  HomeStatus status;
  status.home = home;
  status.up = HomeLock::holder(home).has_value();
  auto state = read_home_state(home);
  if (!status.up) {
    status.strays = processes_of_home(home).size();
    return status;
  }
  if (!state) return status;  // it has only just begun
  status.state = std::move(*state);
  status.healthy = status.state.phase == "up";
  const auto children = children_of_all();
  status.supervisor_pss = memory_of(status.state.pid).pss;
  for (PartStatus& part : status.state.parts) {
    if (part.pid > 0) {
      const Memory memory = memory_of_tree(part.pid, children);
      part.rss = memory.rss;
      part.pss = memory.pss;
      part.answers = answers(part);
    }
    status.healthy &= part.answers;
  }
  return status;
}

std::string status_text(const HomeStatus& status) {
  if (!status.up)
    return fmt::format(
        "{} is not up{}\n", status.home.string(),
        status.strays ? fmt::format(", but {} of its processes run: `dalgona down` ends them", status.strays) : "");
  std::string text = fmt::format("{}: {}, pid {}, {}\n", status.home.string(), status.state.phase, status.state.pid,
                                 duration_text(uptime(status.state.since)));
  text += fmt::format("{:<12} {:<11} {:<16} {:>7} {:>8} {:>9} {:>9} {:>9}\n", "part", "state", "address", "pid", "up",
                      "restarts", "RSS", "PSS");
  uint64_t total = status.supervisor_pss;
  for (const auto& part : status.state.parts) {
    const bool runs = part.pid > 0;
    text += fmt::format("{:<12} {:<11} {:<16} {:>7} {:>8} {:>9} {:>9} {:>9}{}\n", part.name,
                        part.state == "healthy" && !part.answers ? "silent" : part.state,
                        fmt::format("127.0.0.1:{}", part.port), runs ? std::to_string(part.pid) : "-",
                        runs ? duration_text(uptime(part.since)) : "-", part.restarts, runs ? mebibytes(part.rss) : "-",
                        runs ? mebibytes(part.pss) : "-",
                        part.trouble.empty() ? "" : "  " + part.trouble.substr(0, part.trouble.find('\n')));
    total += part.pss;
  }
  return text + fmt::format("all together {} of memory (PSS)\n", mebibytes(total));
}

std::string status_json(const HomeStatus& status) {
  boost::json::array parts;
  uint64_t total = status.supervisor_pss;
  for (const auto& part : status.state.parts) {
    total += part.pss;
    parts.push_back({{"name", part.name},
                     {"state", part.state},
                     {"address", fmt::format("127.0.0.1:{}", part.port)},
                     {"port", part.port},
                     {"pid", part.pid > 0 ? boost::json::value(part.pid) : boost::json::value(nullptr)},
                     {"uptime_seconds", part.pid > 0 ? uptime(part.since).count() : 0},
                     {"restarts", part.restarts},
                     {"rss_bytes", part.rss},
                     {"pss_bytes", part.pss},
                     {"answers", part.answers},
                     {"trouble", part.trouble}});
  }
  const boost::json::object all{{"home", status.home.string()},
                                {"up", status.up},
                                {"healthy", status.healthy},
                                {"phase", status.up ? status.state.phase : "down"},
                                {"pid", status.up ? boost::json::value(status.state.pid) : boost::json::value(nullptr)},
                                {"uptime_seconds", status.up ? uptime(status.state.since).count() : 0},
                                {"pss_bytes", total},
                                {"strays", status.strays},
                                {"parts", parts}};
  return boost::json::serialize(all) + "\n";
}

}  // namespace dalgona
