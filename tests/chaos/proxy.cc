#include "chaos/proxy.h"

#include <atomic>
#include <list>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace dalgona::chaos {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

void reset(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

struct Relay : std::enable_shared_from_this<Relay> {
  tcp::socket client, server;
  explicit Relay(tcp::socket c) : client(std::move(c)), server(client.get_executor()) {}
  void cut() {
    reset(client);
    reset(server);
  }
  void start(uint16_t target) {
    server.async_connect({asio::ip::address_v4::loopback(), target},
                         [self = shared_from_this()](const boost::system::error_code& failed) {
                           if (failed) return self->cut();
                           self->pump(self->client, self->server, std::make_shared<std::array<char, 65536>>());
                           self->pump(self->server, self->client, std::make_shared<std::array<char, 65536>>());
                         });
  }
  void pump(tcp::socket& from, tcp::socket& to, const std::shared_ptr<std::array<char, 65536>>& buffer) {
    from.async_read_some(asio::buffer(*buffer), [self = shared_from_this(), &from, &to, buffer](
                                                    const boost::system::error_code& failed, size_t size) {
      if (failed) return self->cut();
      asio::async_write(to, asio::buffer(buffer->data(), size),
                        [self, &from, &to, buffer](const boost::system::error_code& broken, size_t) {
                          if (broken) return self->cut();
                          self->pump(from, to, buffer);
                        });
    });
  }
};

}  // namespace

struct Proxy::State {
  asio::io_context context;
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  uint16_t target = 0;
  std::atomic<bool> refusing{false};
  std::list<std::weak_ptr<Relay>> relays;  // the thread's own
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](const boost::system::error_code& failed, tcp::socket socket) {
      if (failed) return;
      if (refusing) {
        reset(socket);
      } else {
        auto relay = std::make_shared<Relay>(std::move(socket));
        relays.remove_if([](const std::weak_ptr<Relay>& one) { return one.expired(); });
        relays.push_back(relay);
        relay->start(target);
      }
      accept();
    });
  }
};

Proxy::Proxy(uint16_t target) : state_(std::make_unique<State>()) {
  state_->target = target;
  state_->accept();
  state_->thread = std::thread([this] { state_->context.run(); });
}

Proxy::~Proxy() {
  state_->context.stop();
  state_->thread.join();
}

uint16_t Proxy::port() const {
  return state_->acceptor.local_endpoint().port();
}

void Proxy::cut() {
  asio::post(state_->context, [this] {
    for (const auto& one : state_->relays)
      if (const auto relay = one.lock()) relay->cut();
    state_->relays.clear();
  });
}

void Proxy::refuse(bool on) {
  state_->refusing = on;
}

}  // namespace dalgona::chaos
