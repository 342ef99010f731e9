// One supervisor a home: a lock on HOME/run/lock that the kernel drops when its holder dies.
#pragma once
#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace dalgona {

class HomeLock {
 public:
  // Throws InvalidInput "HOME is already up: pid N" when another process holds it.
  explicit HomeLock(const std::filesystem::path& home);
  ~HomeLock();
  HomeLock(const HomeLock&) = delete;
  HomeLock& operator=(const HomeLock&) = delete;

  // Who holds it now; nothing when nobody does.
  static std::optional<pid_t> holder(const std::filesystem::path& home);

 private:
  int fd_ = -1;
};

}  // namespace dalgona
