// One client's connection: reads ahead while a handler runs (and so sees the client go), parses, answers in order.
// Private to this room.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include <boost/beast/core/flat_buffer.hpp>

#include "base/http/coding.h"
#include "base/http/request_parser.h"
#include "base/http/server.h"
#include "base/http/transport.h"
#include "base/metrics.h"

namespace dalgona::http {

// What all connections of a server share; not changed once it runs.
struct Service {
  struct RouteMetrics {
    prometheus::Histogram* seconds = nullptr;
    std::array<prometheus::Counter*, 6> by_class{};  // index: status / 100
  };
  Router router;
  ServerOptions options;
  std::unordered_map<const Router::Route*, Handler> handlers;  // with the middlewares round them
  std::unordered_map<const Router::Route*, RouteMetrics> metrics;
  std::unique_ptr<asio::thread_pool> compressor;  // set with compress_aside
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<const Service> service, std::unique_ptr<Transport> transport);
  // Serves until one side ends it. Runs on the transport's strand.
  Task<void> run();
  // On the strand: no further request; an idle connection closes now, a busy one after its response.
  void stop();
  asio::any_io_executor executor() { return transport_->executor(); }

 private:
  friend class StreamBody;
  friend class ResponseWriter;
  using Deadline = std::chrono::steady_clock::time_point;
  enum class Arrival { kBytes, kEnd, kTimeout };

  // --- reading ---
  Task<void> pump();
  // Waits until there are unparsed bytes beyond what is buffered now.
  Task<Arrival> more(Deadline deadline);
  // Parses what is buffered; true when it made progress or the message is done.
  void parse(RequestParser& parser, boost::beast::error_code& error);
  void client_left();

  // --- one exchange ---
  Task<bool> serve_one();
  Task<bool> read_header(RequestParser& parser);
  // Gives the gate's refusal, when there is one.
  Task<std::optional<Response>> read_whole_body(RequestParser& parser, Request& request, const RouteOptions& options);
  // Of a request that is answered without its body: a short one is taken along so that the connection can go on.
  Task<void> drop_short_body(RequestParser& parser, const Request& request);
  Task<bool> answer(RequestParser& parser, Request& request, const Router::Match& match, bool may_keep);
  Task<Response> respond(RequestParser& parser, Request& request, const Router::Match& match);
  // Sends the response; gives whether the connection may serve another request.
  Task<bool> send(const Request& request, Response& response, int version, bool keep);
  // Appends to `out`; what is large on the compressor's thread, when there is one.
  Task<void> encode(Encoder& encoder, std::string_view in, std::string& out, Encoder::Flush flush);
  Task<void> send_stream(std::string head, const std::function<Task<void>(BodyWriter&)>& body, bool chunked,
                         std::optional<uint64_t> promised, int coding);
  Task<void> continue_if_expected(RequestParser& parser, const Headers& headers);
  // Lets the client read our last words before the reset that unread input would cause.
  Task<void> linger();

  // --- writing ---
  Task<void> write(std::string_view a, std::string_view b = {}, std::string_view c = {});
  void arm(std::chrono::milliseconds limit);
  void disarm();

  std::shared_ptr<const Service> service_;
  std::unique_ptr<Transport> transport_;
  boost::beast::flat_buffer buffer_;
  asio::steady_timer arrived_, room_, watchdog_;
  std::vector<char> incoming_;
  bool ended_ = false;   // the client has ended its side, or the connection broke
  bool broken_ = false;  // it broke, or we closed it
  bool stopping_ = false;
  bool idle_ = true;
  bool continue_sent_ = false;
  uint64_t watch_ = 0;
  std::function<void()> on_disconnect_;
};

}  // namespace dalgona::http
