#include "dalgona/probe.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dalgona::probe {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Connection {
 public:
  Connection(uint16_t port, std::chrono::milliseconds limit) : deadline_(SteadyClock::now() + limit) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      open_ = true;
    } else if (errno == EINPROGRESS && ready(POLLOUT)) {
      int error = 0;
      socklen_t size = sizeof error;
      open_ = ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
  }
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends and gives the first `count` bytes of the answer, fewer when the peer closes or time is over.
  std::string ask(std::string_view bytes, size_t count) {
    if (!open_ || ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != ssize_t(bytes.size())) return {};
    std::string answer;
    char buffer[512];
    while (answer.size() < count && ready(POLLIN)) {
      const ssize_t got = ::recv(fd_, buffer, std::min(sizeof buffer, count - answer.size()), 0);
      if (got <= 0) break;
      answer.append(buffer, size_t(got));
    }
    return answer;
  }

  // The same through TLS. Whose certificate it is does not matter: the question is whether our own process lives.
  std::string ask_with_tls(std::string_view bytes, size_t count) {
    if (!open_) return {};
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(context ? SSL_new(context.get()) : nullptr, SSL_free);
    if (!tls || SSL_set_fd(tls.get(), fd_) != 1) return {};
    const auto again = [&](int result) {
      const int why = SSL_get_error(tls.get(), result);
      return (why == SSL_ERROR_WANT_READ && ready(POLLIN)) || (why == SSL_ERROR_WANT_WRITE && ready(POLLOUT));
    };
    int result = 0;
    while ((result = SSL_connect(tls.get())) <= 0)
      if (!again(result)) return {};
    while ((result = SSL_write(tls.get(), bytes.data(), int(bytes.size()))) <= 0)
      if (!again(result)) return {};
    std::string answer(count, '\0');
    size_t have = 0;
    while (have < count) {
      result = SSL_read(tls.get(), answer.data() + have, int(count - have));
      if (result > 0)
        have += size_t(result);
      else if (!again(result))
        break;
    }
    answer.resize(have);
    return answer;
  }

 private:
  bool ready(int16_t events) {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - SteadyClock::now()).count();
      if (left <= 0) return false;
      pollfd wait{fd_, events, 0};
      const int got = ::poll(&wait, 1, int(left));
      if (got > 0) return true;
      if (got < 0 && errno != EINTR) return false;
    }
  }
  SteadyClock::time_point deadline_;
  int fd_ = -1;
  bool open_ = false;
};

}  // namespace

bool http(uint16_t port, const std::string& path, std::chrono::milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  const auto request = fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", path, port);
  constexpr size_t kStatusLine = 12;
  const auto good = [](const std::string& answer) { return answer.starts_with("HTTP/1.") && answer.ends_with(" 200"); };
  const auto answer = Connection(port, limit).ask(request, kStatusLine);
  if (answer.starts_with("HTTP/")) return good(answer);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return left.count() > 0 && good(Connection(port, left).ask_with_tls(request, kStatusLine));
}

bool postgres(uint16_t port, std::chrono::milliseconds limit) {
  using namespace std::string_view_literals;
  Connection connection(port, limit);
  const std::string answer = connection.ask("\x00\x00\x00\x08\x04\xd2\x16\x2f"sv, 1);  // SSLRequest, 80877103
  return answer == "N" || answer == "S";
}

bool amqp(uint16_t port, std::chrono::milliseconds limit) {
  using namespace std::string_view_literals;
  Connection connection(port, limit);
  const std::string answer = connection.ask("AMQP\x00\x00\x09\x01"sv, 11);
  // A method frame on channel 0 with class 10, method 10.
  return answer.size() == 11 && answer.starts_with("\x01\x00\x00"sv) && answer.ends_with("\x00\x0a\x00\x0a"sv);
}

bool wait_until(const std::function<bool()>& answers, const std::function<bool()>& alive,
                std::chrono::milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  while (SteadyClock::now() < deadline) {
    if (answers()) return true;
    if (!alive()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{25});
  }
  return false;
}

}  // namespace dalgona::probe
