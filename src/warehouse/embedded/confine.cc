#include "warehouse/embedded/confine.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/errors.h"

namespace dalgona::warehouse::embedded {

namespace {

// From the kernel's documentation of its user interface; Debian 12's headers end at version 2.
constexpr uint64_t kTruncate = uint64_t{1} << 14;
constexpr int kVersionWithTruncate = 3;
// Version 1 forbids every rename from folder to folder, which the engine needs.
constexpr int kLeastVersion = 2;

constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWriteFile = kReadFile | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
constexpr uint64_t kEverything = uint64_t{LANDLOCK_ACCESS_FS_REFER} * 2 - 1;  // the rights of version 2 are its bits

Permanent failure(const std::string& what) {
  return Permanent(fmt::format("the warehouse can't be kept to its files: {}: {}", what, std::strerror(errno)));
}

// The descriptor that it gives names the file; it need not be kept.
Descriptor allow(int rules, const std::filesystem::path& path, uint64_t folder_rights, uint64_t file_rights) {
  Descriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file.ok()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return file;
    throw failure(path.string());
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw failure(path.string());
  landlock_path_beneath_attr rule{};
  rule.allowed_access = S_ISDIR(status.st_mode) ? folder_rights : file_rights;
  rule.parent_fd = file.get();
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) throw failure(path.string());
  return file;
}

}  // namespace

NeededFiles system_files() {
  NeededFiles files;
  files.read = {"/usr",
                "/lib",
                "/lib64",
                "/proc/cpuinfo",
                "/proc/diskstats",
                "/proc/filesystems",
                "/proc/loadavg",
                "/proc/meminfo",
                "/proc/mounts",
                "/proc/stat",
                "/proc/sys",
                "/proc/uptime",
                "/proc/version",
                "/proc/vmstat",
                "/sys",
                "/dev/urandom",
                "/dev/random",
                "/etc/ld.so.cache",
                "/etc/localtime",
                "/etc/timezone",
                "/etc/ssl",
                "/etc/hosts",
                "/etc/host.conf",
                "/etc/resolv.conf",
                "/etc/nsswitch.conf",
                "/etc/gai.conf",
                "/etc/services",
                "/run/systemd/resolve"};
  files.write = {"/dev/null"};
  return files;
}

std::optional<std::string> confine(const NeededFiles& files) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return fmt::format("the kernel has no Landlock or does not let us: {}", std::strerror(errno));
  if (version < kLeastVersion) return fmt::format("the kernel's Landlock is version {}, 2 is needed", version);
  const uint64_t known = kEverything | (version >= kVersionWithTruncate ? kTruncate : 0);
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = known;
  const Descriptor rules(int(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
  if (!rules.ok()) throw failure("making the rules");
  for (const auto& path : files.read) allow(rules.get(), path, kRead & known, kReadFile & known);
  for (const auto& path : files.write) allow(rules.get(), path, known, kWriteFile & known);
  // A rule is about an inode, and /proc makes a new one when it has forgotten a folder: it is held to the end.
  static const Descriptor kOwnState = allow(rules.get(), "/proc/self", kRead & known, kReadFile & known);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw failure("giving up new privileges");
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) throw failure("applying the rules");
  return std::nullopt;
}

}  // namespace dalgona::warehouse::embedded
