#include "warehouse/embedded/spill.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/errors.h"

namespace dalgona::warehouse::embedded {

namespace {
constexpr size_t kInMemory = 4 << 20;
constexpr size_t kWrite = 1 << 20;
}  // namespace

Spill::~Spill() {
  if (fd_ >= 0) ::close(fd_);
}

void Spill::append(std::string_view bytes) {
  memory_ += bytes;
  size_ += bytes.size();
  if (memory_.size() >= (fd_ < 0 ? kInMemory : kWrite)) {
    if (fd_ < 0) {
      fd_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
      if (fd_ < 0) throw Retryable(fmt::format("{}: {}", folder_.string(), std::strerror(errno)));
    }
    write_out();
  }
}

void Spill::write_out() {
  std::string_view left = memory_;
  while (!left.empty()) {
    const ssize_t put = ::write(fd_, left.data(), left.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) throw Retryable(fmt::format("{}: {}", folder_.string(), std::strerror(errno)));
    left.remove_prefix(size_t(put));
  }
  memory_.clear();
}

std::string Spill::read(uint64_t at, size_t most) const {
  const uint64_t filed = size_ - memory_.size();
  if (at >= filed) return memory_.substr(at - filed, most);
  std::string bytes(std::min<uint64_t>(most, filed - at), '\0');
  const ssize_t got = ::pread(fd_, bytes.data(), bytes.size(), off_t(at));
  if (got <= 0) throw Retryable(fmt::format("{}: {}", folder_.string(), std::strerror(errno)));
  bytes.resize(size_t(got));
  return bytes;
}

}  // namespace dalgona::warehouse::embedded
