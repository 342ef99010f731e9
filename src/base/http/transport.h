// A connected byte stream, plain or TLS, as the server's connections use it. Private to this room.
#pragma once
#include <array>
#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include "base/async.h"

namespace dalgona::http {

// All calls on the socket's strand. Failures are boost::system::system_error.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Task<void> handshake() = 0;
  // 0: the peer has ended its side.
  virtual Task<size_t> read_some(asio::mutable_buffer into) = 0;
  virtual Task<void> write(std::array<asio::const_buffer, 3> buffers) = 0;
  // Tells the peer that nothing more will come; reading goes on.
  virtual Task<void> end_sending() = 0;
  // At once; pending operations fail.
  virtual void close() = 0;
  virtual asio::any_io_executor executor() = 0;
  virtual std::string remote_address() const = 0;
};

// `tls` null: plain. It must outlive the transport.
std::unique_ptr<Transport> make_transport(asio::ip::tcp::socket socket, asio::ssl::context* tls);

}  // namespace dalgona::http
