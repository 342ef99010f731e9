// What the server's tests share: a server of a test's own, and a client that knows nothing of HTTP.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/http/coding.h"
#include "base/http/server.h"

namespace dalgona::http {

// A socket without any idea of HTTP: what it sends is what the test says.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(context_) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    const timeval limit{10, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }
  bool try_send(std::string_view bytes) {
    boost::system::error_code error;
    asio::write(socket_, asio::buffer(bytes), error);
    return !error;
  }
  // Everything until the server closes; "TIMEOUT" at the end when it does not.
  std::string read_all() {
    while (fill()) {
    }
    return std::exchange(got_, {});
  }
  // Up to and with `end`.
  std::string read_until(std::string_view end) {
    for (;;) {
      if (const size_t at = got_.find(end); at != std::string::npos) {
        std::string text = got_.substr(0, at + end.size());
        got_.erase(0, at + end.size());
        return text;
      }
      if (!fill()) return std::exchange(got_, {}) + "<CLOSED>";
    }
  }
  // One response with Content-Length.
  std::string response() {
    std::string text = read_until("\r\n\r\n");
    const size_t at = text.find("Content-Length: ");
    size_t left = at == std::string::npos ? 0 : std::stoul(text.substr(at + 16));
    while (got_.size() < left && fill()) {
    }
    left = std::min(left, got_.size());
    text += got_.substr(0, left);
    got_.erase(0, left);
    return text;
  }
  void close() { socket_.close(); }
  void end_sending() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }

 private:
  bool fill() {
    char buffer[65536];
    const ssize_t got = ::recv(socket_.native_handle(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) got_ += "TIMEOUT";
    if (got <= 0) return false;
    got_.append(buffer, size_t(got));
    return true;
  }
  asio::io_context context_;
  asio::ip::tcp::socket socket_;
  std::string got_;
};

class HttpServer : public testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(runtime_, std::move(router_), std::move(options));
    server_->start();
    thread_ = std::thread([this] { runtime_.run(false); });
  }
  void TearDown() override { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    runtime_.stop();
    thread_.join();
  }
  std::string exchange(std::string_view bytes) {
    RawClient client(server_->port());
    client.send(bytes);
    return client.read_all();
  }

  Runtime runtime_{2, std::chrono::seconds{5}};
  Router router_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

inline const auto kEcho = [](Request& request) -> Task<Response> { co_return Response::text(200, request.body); };

inline std::string get(std::string_view path, std::string_view more = "Connection: close\r\n") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", path, more);
}

inline std::string encoded(Coding coding, std::string_view text) {
  std::string out;
  Encoder(coding).encode(text, out, Encoder::Flush::kEnd);
  return out;
}

inline std::string decoded(Coding coding, std::string_view bytes) {
  std::string out;
  Decoder decoder(coding);
  while (decoder.decode(bytes, out, out.size() + 1)) {
  }
  decoder.finish();
  return out;
}

inline std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

inline std::string unchunked(std::string text) {
  std::string body;
  for (;;) {
    const size_t end = text.find("\r\n");
    if (end == std::string::npos) return body + "<CUT>";
    const size_t size = std::stoul(text.substr(0, end), nullptr, 16);
    if (size == 0) return body;
    body += text.substr(end + 2, size);
    text.erase(0, end + 2 + size + 2);
  }
}

}  // namespace dalgona::http
