#include "warehouse/embedded/merge_threads.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/resource.h>

namespace dalgona::warehouse {

namespace {
// The engine's name for the threads of its pool of merges and mutations; they keep it as long as they live.
constexpr const char* kName = "MergeMutate";
// Weight 110 beside 1024, kernel/sched/core.c.
constexpr int kNice = 10;
}  // namespace

int lower_merge_threads() {
  int lowered = 0;
  std::error_code gone;  // a thread may end while it is looked at
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::string name;
    std::ifstream file(task.path() / "comm");
    if (!std::getline(file, name) || name != kName) continue;
    const auto id = id_t(std::atoi(task.path().filename().c_str()));
    errno = 0;
    const int now = ::getpriority(PRIO_PROCESS, id);
    if (errno == 0 && now < kNice && ::setpriority(PRIO_PROCESS, id, kNice) == 0) ++lowered;
  }
  return lowered;
}

}  // namespace dalgona::warehouse
