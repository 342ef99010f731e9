#include "dalgona/home_lock.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "dalgona/child_server.h"

namespace dalgona {
namespace {

// A lock of the open file description: dropped with the last descriptor, not inherited, and it can be asked for without
// taking it.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

pid_t written_pid(int fd) {
  char text[32] = {};
  return ::pread(fd, text, sizeof text - 1, 0) > 0 ? std::atoi(text) : 0;
}

}  // namespace

HomeLock::HomeLock(const std::filesystem::path& home) {
  const auto file = home / "run" / "lock";
  private_folder(file.parent_path());
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat about {};
  if (fd_ < 0 && errno == EACCES && ::stat(file.c_str(), &about) != 0)
    throw InvalidInput(fmt::format("{} belongs to another user; choose another with --home", home.string()));
  if (fd_ < 0) throw Permanent(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  // Root would leave files there that their owner could not touch afterwards.
  if (::fstat(fd_, &about) == 0 && about.st_uid != ::geteuid()) {
    ::close(fd_);
    throw InvalidInput(fmt::format("{} belongs to user {}; run as that user, or choose another with --home",
                                   home.string(), about.st_uid));
  }
  struct flock lock = whole_file();
  if (::fcntl(fd_, F_OFD_SETLK, &lock) != 0) {
    const pid_t other = written_pid(fd_);
    ::close(fd_);
    throw InvalidInput(fmt::format("{} is already up: pid {}", home.string(), other));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) != ssize_t(pid.size())) {
    const int reason = errno;
    ::close(fd_);
    throw Retryable(fmt::format("{}: {}", file.string(), std::strerror(reason)));
  }
}

HomeLock::~HomeLock() {
  ::close(fd_);
}

std::optional<pid_t> HomeLock::holder(const std::filesystem::path& home) {
  const int fd = ::open((home / "run" / "lock").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return {};
  std::optional<pid_t> pid;
  struct flock lock = whole_file();
  if (::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) pid = written_pid(fd);
  ::close(fd);
  return pid;
}

}  // namespace dalgona
