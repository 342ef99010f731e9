#include "base/resources.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"

namespace dalgona {
namespace fs = std::filesystem;

fs::path self_path() {
  return fs::read_symlink("/proc/self/exe");
}

const fs::path& resource_root() {
  static const fs::path root = [] {
    if (const char* given = std::getenv("DALGONA_RESOURCES")) return fs::absolute(given);
    for (fs::path folder = self_path().parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
      if (fs::exists(folder / "config" / "dalgona.yaml")) return folder;
      if (fs::exists(folder / "share" / "dalgona" / "config" / "dalgona.yaml")) return folder / "share" / "dalgona";
    }
    throw Permanent("config/dalgona.yaml is in no folder above " + self_path().string() +
                    "; set DALGONA_RESOURCES to the folder that holds it");
  }();
  return root;
}

fs::path resource(std::string_view relative) {
  return resource_root() / relative;
}

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) throw InvalidInput(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(file.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw InvalidInput(fmt::format("{}: {}", path.string(), std::strerror(errno)));
    if (got == 0) return bytes;
    bytes.append(buffer, size_t(got));
  }
}

void write_file(const fs::path& path, std::string_view bytes, int mode) {
  const fs::path twin = path.string() + fmt::format(".{}.tmp", ::getpid());
  const auto fail = [&](std::string_view step) {
    const int reason = errno;
    ::unlink(twin.c_str());
    throw Retryable(fmt::format("{}: {}: {}", path.string(), step, std::strerror(reason)));
  };
  {
    const Descriptor file{::open(twin.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    if (file.fd < 0) fail("open");
    if (::fchmod(file.fd, mode_t(mode)) != 0) fail("chmod");  // whatever the umask says
    while (!bytes.empty()) {
      const ssize_t put = ::write(file.fd, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail("write");
      bytes.remove_prefix(size_t(put));
    }
    if (::fsync(file.fd) != 0) fail("fsync");
  }
  if (::rename(twin.c_str(), path.c_str()) != 0) fail("rename");
  const Descriptor folder{
      ::open(path.parent_path().empty() ? "." : path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd >= 0) ::fsync(folder.fd);
}

}  // namespace dalgona
