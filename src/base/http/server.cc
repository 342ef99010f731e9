#include "base/http/server.h"

#include <set>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/http/connection.h"
#include "base/log.h"
#include "base/metrics.h"

namespace dalgona::http {

using Tcp = asio::ip::tcp;

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(Runtime& runtime_, std::shared_ptr<const Service> service_)
      : runtime(runtime_),
        service(std::move(service_)),
        strand(asio::make_strand(runtime.context())),
        acceptor(strand),
        room(strand) {}

  Runtime& runtime;
  std::shared_ptr<const Service> service;
  asio::strand<asio::io_context::executor_type> strand;  // of the acceptor and the list of connections
  Tcp::acceptor acceptor;
  asio::steady_timer room;
  std::optional<asio::ssl::context> tls;
  std::set<std::shared_ptr<Connection>> open;
  std::atomic<size_t> count{0};
  bool stopped = false;
  uint16_t port = 0;

  void bind();
  Task<void> accept();
  void serve(Tcp::socket socket);
  void close();
};

void Server::State::bind() {
  const ServerOptions& options = service->options;
  const auto fail = [&](std::string_view why) {
    throw Permanent(fmt::format("cannot listen on {}:{}: {}", options.address, options.port, why));
  };
  if (options.tls_certificate.empty() != options.tls_key.empty()) fail("TLS needs both a certificate and a key");
  if (!options.tls_certificate.empty()) {
    tls.emplace(asio::ssl::context::tls_server);
    tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                     asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    boost::system::error_code error;
    tls->use_certificate_chain_file(options.tls_certificate, error);
    if (error) fail(options.tls_certificate + ": " + error.message());
    tls->use_private_key_file(options.tls_key, asio::ssl::context::pem, error);
    if (error) fail(options.tls_key + ": " + error.message());
  }
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) fail("not an IP address");
  const Tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (error) fail(error.message());
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (error) fail(error.message());
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) fail(error.message());
  port = acceptor.local_endpoint().port();
}

Task<void> Server::State::accept() {
  const auto self = shared_from_this();
  while (!stopped) {
    if (open.size() >= service->options.max_connections) {
      room.expires_at(std::chrono::steady_clock::time_point::max());
      boost::system::error_code woken;
      co_await room.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      continue;
    }
    boost::system::error_code error;
    Tcp::socket socket = co_await acceptor.async_accept(asio::make_strand(runtime.context()),
                                                        asio::redirect_error(asio::use_awaitable, error));
    if (stopped || error == asio::error::operation_aborted) break;
    if (error) {  // out of descriptors, or the client left while it waited
      log::warn("msg=\"accept failed\" error={}", log::quoted(error.message()));
      room.expires_after(std::chrono::milliseconds{100});
      boost::system::error_code woken;
      co_await room.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      continue;
    }
    serve(std::move(socket));
  }
}

void Server::State::serve(Tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  auto connection = std::make_shared<Connection>(service, make_transport(std::move(socket), tls ? &*tls : nullptr));
  open.insert(connection);
  count = open.size();
  asio::co_spawn(connection->executor(), connection->run(),
                 asio::bind_executor(strand, [self = shared_from_this(), connection](const std::exception_ptr&) {
                   self->open.erase(connection);
                   self->count = self->open.size();
                   self->room.cancel();
                 }));
}

void Server::State::close() {
  if (stopped) return;
  stopped = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  room.cancel();
  for (const auto& connection : open) asio::post(connection->executor(), [connection] { connection->stop(); });
}

Server::Server(Runtime& runtime, Router router, ServerOptions options) {
  const auto known = [&](std::string_view path) {
    const Router::Match match = router.match("GET", path);
    return match.route && match.route->pattern == path;
  };
  // Built in, and outside of the middlewares: a supervisor has no API key.
  const bool own_heartbeat = !known("/heartbeat"), own_metrics = !known("/metrics");
  if (own_heartbeat) router.get("/heartbeat", [](Request&) -> Task<Response> { co_return Response::text(200, "ok"); });
  if (own_metrics)
    router.get("/metrics", [](Request&) -> Task<Response> {
      co_return Response::text(200, metrics::text(), "text/plain; version=0.0.4; charset=utf-8");
    });

  auto service = std::make_shared<Service>();
  service->router = std::move(router);
  service->options = std::move(options);
  if (service->options.compress_aside) service->compressor = std::make_unique<asio::thread_pool>(1);
  for (const Router::Route* route : service->router.routes()) {
    const bool built_in =
        (own_heartbeat && route->pattern == "/heartbeat") || (own_metrics && route->pattern == "/metrics");
    Handler handler = route->handler;
    if (!built_in) {
      const auto& middlewares = service->router.middlewares();
      for (auto middleware = middlewares.rbegin(); middleware != middlewares.rend(); ++middleware)
        handler = [m = *middleware, next = std::move(handler)](Request& request) { return m(request, next); };
    }
    service->handlers[route] = std::move(handler);
    auto& of_route = service->metrics[route];
    of_route.seconds = &metrics::histogram("dalgona_http_request_seconds", "From header read to response sent",
                                           {{"route", route->pattern}, {"method", route->method}});
    for (int status = 1; status <= 5; ++status)
      of_route.by_class[size_t(status)] = &metrics::counter(
          "dalgona_http_requests_total", "Requests answered",
          {{"route", route->pattern}, {"method", route->method}, {"status", fmt::format("{}xx", status)}});
  }
  state_ = std::make_shared<State>(runtime, std::move(service));
  state_->bind();
}

Server::~Server() {
  // What it compresses lies in coroutines, which a runtime that is given up destroys without asking.
  if (state_->service->compressor) state_->service->compressor->join();
  asio::post(state_->strand, [state = state_] { state->close(); });
}

uint16_t Server::port() const {
  return state_->port;
}

void Server::start() {
  asio::co_spawn(state_->strand, state_->accept(), asio::detached);
  state_->runtime.on_stop([weak = std::weak_ptr<State>(state_)] {
    if (const auto state = weak.lock()) asio::post(state->strand, [state] { state->close(); });
  });
}

size_t Server::connections() const {
  return state_->count;
}

Response Response::text(int status, std::string body, std::string content_type) {
  Response response;
  response.status = status;
  response.headers.set("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

Response Response::json(int status, std::string body) {
  return text(status, std::move(body), "application/json");
}

Response Response::problem(int status, std::string_view title, std::string_view detail) {
  const boost::json::object body{{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  return text(status, boost::json::serialize(body), "application/problem+json");
}

}  // namespace dalgona::http
