// A file descriptor that is closed when its owner goes.
#pragma once
#include <utility>

#include <unistd.h>

namespace dalgona {

class Descriptor {
 public:
  // Takes what open() and the like gave; negative: none.
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace dalgona
