#include "chaos/disk.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "dalgona/process.h"

namespace dalgona::chaos {
namespace {
namespace fs = std::filesystem;

void run(const std::vector<std::string>& argv, const fs::path& log) {
  Command command;
  command.argv = argv;
  command.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}};
  command.log = log;
  if (const int code = run_to_end(command, std::chrono::seconds{60}); code != 0)
    throw Permanent(fmt::format("{}: {}: {}", argv[0], describe_exit(code), last_lines(log, 2)));
}

// Writes that the device was given and those under way: fields 5 and 9 of the kernel's block statistics.
std::string writes_of(const std::string& device) {
  std::istringstream fields(read_file("/sys/block/" + device + "/stat"));
  std::string field, writes, in_flight;
  for (int i = 1; fields >> field; ++i) {
    if (i == 5) writes = field;
    if (i == 9) in_flight = field;
  }
  return in_flight == "0" ? writes : "under way";
}

}  // namespace

Disk::Disk(fs::path folder, fs::path image)
    : folder_(std::move(folder)), image_(std::move(image)), mount_(folder_ / "disk") {}

std::unique_ptr<Disk> Disk::make(const fs::path& folder, uint64_t mib, std::string& why) {
  if (::geteuid() != 0) {
    why = "not root";
    return nullptr;
  }
  try {
    const fs::path image = folder / "disk-0.img";
    std::ofstream(image).close();
    fs::resize_file(image, mib << 20);
    run({"/sbin/mkfs.ext4", "-q", "-m", "0", image.string()}, folder / "mount.log");
    std::unique_ptr<Disk> disk(new Disk(folder, image));
    fs::create_directory(disk->mount_);
    disk->mount();
    return disk;
  } catch (const std::exception& e) {
    why = e.what();
    return nullptr;
  }
}

Disk::~Disk() {
  try {
    unmount();
  } catch (const std::exception&) {  // the folder stays, and its owner says so
  }
}

void Disk::mount() {
  run({"/bin/mount", "-o", "loop", image_.string(), mount_.string()}, folder_ / "mount.log");
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, where, rest; mounts >> device >> where && std::getline(mounts, rest);)
    if (where == mount_.string()) device_ = fs::path(device).filename();
  if (device_.empty()) throw Permanent(mount_.string() + " is not mounted");
}

void Disk::unmount() {
  if (device_.empty()) return;
  run({"/bin/umount", mount_.string()}, folder_ / "mount.log");
  device_.clear();
}

void Disk::fill() {
  const std::string filler = (mount_ / "filler").string();
  const int fd = ::open(filler.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) throw Permanent(fmt::format("{}: {}", filler, std::strerror(errno)));
  const std::string piece(1 << 20, 'x');
  for (;;) {
    const ssize_t wrote = ::write(fd, piece.data(), piece.size());
    if (wrote < 0 && errno != EINTR) break;  // full
  }
  ::close(fd);
}

void Disk::free_up() {
  std::error_code ignored;
  fs::remove(mount_ / "filler", ignored);
}

void Disk::freeze() {
  frozen_ = folder_ / fmt::format("disk-{}.img", ++generation_);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string before = writes_of(device_);
    if (before != "under way") {
      run({"/bin/cp", "--sparse=always", image_.string(), frozen_.string()}, folder_ / "mount.log");
      if (writes_of(device_) == before) return;
    }
    ::usleep(20'000);
  }
  throw Permanent("the disk never came to rest for a copy");
}

void Disk::replace() {
  unmount();
  fs::remove(image_);
  image_ = frozen_;
  mount();
}

}  // namespace dalgona::chaos
