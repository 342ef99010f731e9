// What runs in a home, seen from outside: the supervisor's state file, the processes, and an answer from each port.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"

namespace dalgona {

struct PartStatus {
  std::string name, state, trouble;
  pid_t pid = -1;
  uint16_t port = 0;
  Time since{};
  int restarts = 0;
  // With all processes below it. PSS counts a shared page once among those who share it; bytes.
  uint64_t rss = 0, pss = 0;
  bool answers = false;
};

// HOME/run/up.json.
struct HomeState {
  pid_t pid = -1;
  std::string phase;  // starting, up, stopping
  Time since{};
  std::vector<PartStatus> parts;
};
std::optional<HomeState> read_home_state(const std::filesystem::path& home);

struct HomeStatus {
  std::filesystem::path home;
  bool up = false;       // a supervisor holds the home
  bool healthy = false;  // it is up and every part answers
  HomeState state;
  uint64_t supervisor_pss = 0;
  size_t strays = 0;  // processes of the home though nobody supervises it
};
HomeStatus home_status(const std::filesystem::path& home);

std::string status_text(const HomeStatus& status);
std::string status_json(const HomeStatus& status);

}  // namespace dalgona
