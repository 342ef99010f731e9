#include "dalgona/ports.h"

#include <cstddef>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <set>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"

namespace dalgona {
namespace {

// A port that is chosen is listened at only when a child has started, and until then it looks free to everyone else.
// So whoever chooses one binds the abstract Unix socket of its number, which the kernel takes away with the process.
class Claims {
 public:
  static Claims& of_this_process() {
    static Claims claims;
    return claims;
  }
  bool has(uint16_t port) {
    const std::scoped_lock lock(mutex_);
    return ports_.contains(port);
  }
  // False when this or another process has claimed it.
  bool add(uint16_t port) {
    const std::scoped_lock lock(mutex_);
    if (ports_.contains(port)) return false;
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const std::string name = fmt::format("dalgona-port-{}", port);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());  // a zero first: no file
    const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
      ::close(fd);
      return false;
    }
    ports_.insert(port);  // its descriptor stays open as long as the process lives
    return true;
  }

 private:
  std::mutex mutex_;
  std::set<uint16_t> ports_;
};

}  // namespace

bool port_is_free(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // connections that have ended do not count
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd, 1) == 0;
  ::close(fd);
  return free;
}

uint16_t free_port() {
  thread_local std::mt19937 engine{std::random_device{}()};
  std::uniform_int_distribution<int> range(20000, 32000);  // Linux gives 32768 and up to outgoing connections
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = uint16_t(range(engine));
    if (port_is_free(port) && Claims::of_this_process().add(port)) return port;
  }
  throw Retryable("no free port between 20000 and 32000 on 127.0.0.1");
}

Ports::Ports(std::filesystem::path file) : file_(std::move(file)) {
  std::ifstream in(file_);
  std::string name;
  int port = 0;
  while (in >> name >> port)
    if (port > 0 && port < 65536) ports_[name] = uint16_t(port);
}

uint16_t Ports::take(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const auto known = ports_.find(name);
  Claims& claims = Claims::of_this_process();
  if (known != ports_.end() && port_is_free(known->second) && (claims.has(known->second) || claims.add(known->second)))
    return known->second;
  const auto taken = [this](uint16_t port) {
    for (const auto& [other, its] : ports_)
      if (its == port) return true;
    return false;
  };
  uint16_t port = free_port();
  while (taken(port)) port = free_port();
  ports_[name] = port;
  std::string text;
  for (const auto& [each, number] : ports_) text += fmt::format("{} {}\n", each, number);
  write_file(file_, text);
  return port;
}

}  // namespace dalgona
