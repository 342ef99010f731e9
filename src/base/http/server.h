// HTTP/1.1 server on Beast: routes, buffered and streamed bodies both ways, keep-alive, pipelining in order, limits,
// graceful stop.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "base/async.h"
#include "base/http/message.h"

namespace dalgona::http {

// Pulls a request's body as it comes; only for routes that asked for it.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next bytes as sent (still encoded, chunking removed); empty at the end. The view lives until the next call.
  // Throws InvalidInput on a malformed or over-long body, Cancelled when the client has gone.
  virtual Task<std::string_view> next() = 0;
};

// Pushes a response's body in chunks.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // Returns when the bytes are handed to the kernel. Throws Cancelled when the client has gone.
  virtual Task<void> write(std::string_view bytes) = 0;
};

// Lives until the response is sent, so that a coroutine that writes the body may refer to it.
struct Request {
  std::string method;
  std::string target;  // as sent: path and query
  std::string path;    // decoded
  Query query;
  std::vector<std::pair<std::string, std::string>> path_params;  // from "{name}" in the route, decoded
  Headers headers;
  std::string body;              // whole and, when the route decodes, content-decoded; empty for streamed routes
  BodyReader* stream = nullptr;  // set for streamed routes
  std::string remote_address;    // "127.0.0.1:53412"
  std::string
      id;  // X-Request-Id as sent, when it is 1 to 128 printable characters, or a new one; echoed in the response

  std::string param(
      std::string_view name) const;  // path parameter; throws Permanent when the route has none of that name

  // `f` is called at most once, on a runtime thread, when the client closes or resets while the handler still runs.
  // Cleared when the response is sent. A client that ends only its sending side counts as gone, too.
  std::function<void(std::function<void()> f)> on_disconnect;

  // What the route's gate holds for this request; freed with it.
  std::shared_ptr<void> held;
};

struct Response {
  int status = 200;
  Headers headers;
  // A whole body, or a coroutine that writes it (sent chunked; when it throws, the connection is cut so that the client
  // sees the truncation).
  std::variant<std::string, std::function<Task<void>(BodyWriter&)>> body = std::string();
  // false: never compress this one (already compressed, or server-sent events).
  bool compressible = true;

  static Response text(int status, std::string body, std::string content_type = "text/plain; charset=utf-8");
  static Response json(int status, std::string body);  // application/json
  // RFC 9457 application/problem+json: {"type":"about:blank","title":...,"status":...,"detail":...}
  static Response problem(int status, std::string_view title, std::string_view detail);
};

using Handler = std::function<Task<Response>(Request&)>;

struct RouteOptions {
  bool stream_body = false;  // give a BodyReader rather than a whole body
  bool decode_body =
      true;  // undo Content-Encoding gzip, deflate, zstd of whole bodies (counted against max_body after decoding)
  uint64_t max_body = 1 << 20;  // bytes; more is answered 413. For streamed routes 0 means no limit.
  // Lets in or refuses before the body is read: asked with 0 when the header is there and, of whole bodies, with the
  // bytes so far (decoded) each time that more have come. A response is sent in place of the handler's.
  std::function<std::optional<Response>(Request& request, uint64_t body)> gate = {};
};

// Patterns: "/api/profile/{id}", and a last segment "{rest...}" takes the whole remaining path. Literal segments win
// over parameters.
class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, RouteOptions options = {});
  void get(std::string pattern, Handler handler, RouteOptions options = {}) {
    add("GET", std::move(pattern), std::move(handler), options);
  }
  void post(std::string pattern, Handler handler, RouteOptions options = {}) {
    add("POST", std::move(pattern), std::move(handler), options);
  }
  // Runs round every handler, the first added outermost: authentication, metrics.
  using Middleware = std::function<Task<Response>(Request&, const Handler& next)>;
  void use(Middleware middleware);

  struct Route {
    std::string method, pattern;
    std::vector<std::string> segments;
    Handler handler;
    RouteOptions options;
  };
  struct Match {
    const Route* route = nullptr;  // null: none
    bool path_known = false;       // the path exists for other methods: 405
    std::string allow;             // those methods
    std::vector<std::pair<std::string, std::string>> params;
  };
  // `path` as sent, still encoded, without the query.
  Match match(std::string_view method, std::string_view path) const;
  const std::vector<Middleware>& middlewares() const { return middlewares_; }
  std::vector<const Route*> routes() const;

 private:
  std::vector<Route> routes_;
  std::vector<Middleware> middlewares_;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;                               // 0: any free one
  size_t max_connections = 4096;                   // more wait in the kernel's backlog
  uint32_t max_header = 64 * 1024;                 // bytes
  std::chrono::milliseconds idle_timeout{75'000};  // between requests
  std::chrono::milliseconds read_timeout{30'000};  // for a header, or between two pieces of a body
  // Bytes a second that a body must come with on the average, beyond one read_timeout, counted only while we wait for
  // it; 0: a body may take as long as it likes, if a piece comes within each read_timeout.
  uint64_t min_body_rate = 0;
  std::chrono::milliseconds write_timeout{120'000};  // for one write
  bool compress = true;                              // gzip or zstd, as Accept-Encoding prefers, from 1 KiB on
  // Compresses large bodies and pieces on a thread of its own, so that the small answers of a runtime of one thread
  // need not wait for it.
  bool compress_aside = false;
  std::string server_header = "dalgona";
  std::string tls_certificate{}, tls_key{};  // PEM files; both or none
};

// Errors that leave a handler become problem+json: InvalidInput 400, Retryable 503 with Retry-After, Cancelled nothing,
// others 500 (logged once, the text not shown). GET handlers answer HEAD too. Every server answers GET /heartbeat (200
// "ok") and GET /metrics (Prometheus) unless the router has them.
class Server {
 public:
  // Binds and listens at once; throws Permanent naming address and port when it can't.
  Server(Runtime& runtime, Router router, ServerOptions options);
  ~Server();
  uint16_t port() const;
  // Starts accepting; on the runtime's stop it closes the listener, lets running requests end and closes idle
  // connections.
  void start();
  // Bytes and connections in flight, for tests and metrics.
  size_t connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dalgona::http
