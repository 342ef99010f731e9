// Free ports on loopback, remembered for a home so that addresses stay the same from one start to the next.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

namespace dalgona {

// True when nothing listens there and we could.
bool port_is_free(uint16_t port);
// A free one below the range that the kernel gives to outgoing connections, so that none of those takes it between two
// starts. It is not given again, by this process or by another one of ours while this one lives. Throws Retryable when
// there is none.
uint16_t free_port();

// HOME/run/ports: "name port" lines. Thread-safe.
class Ports {
 public:
  explicit Ports(std::filesystem::path file);
  // The port of that name: the remembered one when it is still free and no other process is about to use it, or a new
  // one.
  uint16_t take(const std::string& name);

 private:
  std::mutex mutex_;
  std::filesystem::path file_;
  std::map<std::string, uint16_t> ports_;
};

}  // namespace dalgona
