#include "dalgona/ports.h"

#include <fstream>
#include <random>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"

namespace dalgona {

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
    if (port_is_free(port)) return port;
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
  if (known != ports_.end() && port_is_free(known->second)) return known->second;
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
