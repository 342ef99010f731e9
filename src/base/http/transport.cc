#include "base/http/transport.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace dalgona::http {
namespace {

using Tcp = asio::ip::tcp;

std::string address_of(const Tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "";
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

void close_socket(Tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.close(ignored);
}

class Plain : public Transport {
 public:
  explicit Plain(Tcp::socket socket) : socket_(std::move(socket)), remote_(address_of(socket_)) {}
  Task<void> handshake() override { co_return; }
  Task<size_t> read_some(asio::mutable_buffer into) override {
    boost::system::error_code error;
    const size_t got = co_await socket_.async_read_some(into, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof) co_return 0;
    if (error) throw boost::system::system_error(error);
    co_return got;
  }
  Task<void> write(std::array<asio::const_buffer, 3> buffers) override {
    co_await asio::async_write(socket_, buffers, asio::use_awaitable);
  }
  Task<void> end_sending() override {
    boost::system::error_code ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
    co_return;
  }
  void close() override { close_socket(socket_); }
  asio::any_io_executor executor() override { return socket_.get_executor(); }
  std::string remote_address() const override { return remote_; }

 private:
  Tcp::socket socket_;
  std::string remote_;
};

class Tls : public Transport {
 public:
  Tls(Tcp::socket socket, asio::ssl::context& context)
      : remote_(address_of(socket)), stream_(std::move(socket), context) {}
  Task<void> handshake() override {
    co_await stream_.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  }
  Task<size_t> read_some(asio::mutable_buffer into) override {
    boost::system::error_code error;
    const size_t got = co_await stream_.async_read_some(into, asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) co_return 0;
    if (error) throw boost::system::system_error(error);
    co_return got;
  }
  Task<void> write(std::array<asio::const_buffer, 3> buffers) override {
    co_await asio::async_write(stream_, buffers, asio::use_awaitable);
  }
  Task<void> end_sending() override {
    // Shutting the TLS side down would wait for the peer's own close notice; the end of the TCP stream says as much,
    // since every response carries its length or its last chunk.
    boost::system::error_code ignored;
    stream_.next_layer().shutdown(Tcp::socket::shutdown_send, ignored);
    co_return;
  }
  void close() override { close_socket(stream_.next_layer()); }
  asio::any_io_executor executor() override { return stream_.get_executor(); }
  std::string remote_address() const override { return remote_; }

 private:
  std::string remote_;
  asio::ssl::stream<Tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> make_transport(Tcp::socket socket, asio::ssl::context* tls) {
  if (tls) return std::make_unique<Tls>(std::move(socket), *tls);
  return std::make_unique<Plain>(std::move(socket));
}

}  // namespace dalgona::http
