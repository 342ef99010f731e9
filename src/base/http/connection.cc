#include "base/http/connection.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/http/coding.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

namespace beast_http = boost::beast::http;
using Clock = std::chrono::steady_clock;

constexpr size_t kFirstRead = 8 * 1024;
constexpr size_t kMostRead = 256 * 1024;
// Of a body that nobody wanted we take this much, and wait this long, so that the client reads our answer first.
constexpr uint64_t kLingerBytes = 16ull << 20;
constexpr std::chrono::seconds kLingerTime{2};

// A body that is longer than the route allows, or of a coding we don't have: InvalidInput with a status of its own.
class Refused : public InvalidInput {
 public:
  Refused(int status_, std::string title_, const std::string& detail)
      : InvalidInput(detail), status(status_), title(std::move(title_)) {}
  int status;
  std::string title;
};

Refused too_large(uint64_t limit) {
  return {413, "Content Too Large", fmt::format("the body is longer than {} bytes", limit)};
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

// --- bodies ---

class StreamBody : public BodyReader {
 public:
  StreamBody(Connection& connection, RequestParser& parser, const Headers& headers, uint64_t limit)
      : connection_(connection), parser_(parser), headers_(headers), limit_(limit) {}

  Task<std::string_view> next() override {
    piece_.clear();
    for (;;) {
      boost::beast::error_code error;
      connection_.parse(parser_, error);
      if (error) throw InvalidInput("malformed body: " + error.message());
      if (!parser_.body().empty()) {
        std::swap(piece_, parser_.body());
        total_ += piece_.size();
        if (limit_ && total_ > limit_) throw too_large(limit_);
        co_return piece_;
      }
      if (parser_.is_done()) co_return std::string_view();
      co_await connection_.continue_if_expected(parser_, headers_);
      const auto began = Clock::now();
      const auto arrival = co_await connection_.more(began + patience());
      waited_ += Clock::now() - began;
      if (arrival == Connection::Arrival::kTimeout) throw Refused(408, "Request Timeout", "the body stopped coming");
      if (arrival == Connection::Arrival::kEnd) throw Cancelled();
    }
  }

 private:
  Connection& connection_;
  RequestParser& parser_;
  const Headers& headers_;
  // How long the next piece is waited for.
  Clock::duration patience() const {
    const auto& options = connection_.service_->options;
    Clock::duration patience = options.read_timeout;
    if (options.min_body_rate > 0) {
      const auto earned = std::chrono::duration<double>(double(total_) / double(options.min_body_rate));
      patience =
          std::min(patience, options.read_timeout + std::chrono::duration_cast<Clock::duration>(earned) - waited_);
    }
    return patience;
  }

  uint64_t limit_;
  uint64_t total_ = 0;
  Clock::duration waited_{0};
  std::string piece_;
};

// --- reading ---

Connection::Connection(std::shared_ptr<const Service> service, std::unique_ptr<Transport> transport)
    : service_(std::move(service)),
      transport_(std::move(transport)),
      arrived_(transport_->executor()),
      room_(transport_->executor()),
      watchdog_(transport_->executor()),
      incoming_(kFirstRead) {}

Task<void> Connection::pump() {
  const auto self = shared_from_this();
  const size_t high_water = service_->options.max_header + kMostRead;
  try {
    for (;;) {
      while (buffer_.size() >= high_water && !broken_) {
        room_.expires_at(Clock::time_point::max());
        boost::system::error_code woken;
        co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      }
      if (broken_) break;
      const size_t got = co_await transport_->read_some(asio::buffer(incoming_));
      if (got == 0) break;
      const auto to = buffer_.prepare(got);
      std::copy_n(incoming_.data(), got, static_cast<char*>(to.data()));
      buffer_.commit(got);
      if (got == incoming_.size() && got < kMostRead) incoming_.resize(got * 2);
      arrived_.cancel();
    }
  } catch (const boost::system::system_error&) {
    broken_ = true;
  }
  ended_ = true;
  arrived_.cancel();
  client_left();
}

void Connection::client_left() {
  if (!ended_ || !on_disconnect_) return;
  const auto f = std::exchange(on_disconnect_, nullptr);
  f();
}

Task<Connection::Arrival> Connection::more(Deadline deadline) {
  const size_t before = buffer_.size();
  while (buffer_.size() == before) {
    if (ended_) co_return Arrival::kEnd;
    if (Clock::now() >= deadline) co_return Arrival::kTimeout;
    arrived_.expires_at(deadline);
    boost::system::error_code woken;
    co_await arrived_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (stopping_ && idle_) co_return Arrival::kEnd;
  }
  co_return Arrival::kBytes;
}

void Connection::parse(RequestParser& parser, boost::beast::error_code& error) {
  while (buffer_.size() > 0 && !parser.is_done() && parser.body().empty()) {
    const bool had_header = parser.is_header_done();
    const size_t used = parser.put(buffer_.data(), error);
    buffer_.consume(used);
    room_.cancel();
    if (error == beast_http::error::need_more) {
      error = {};
      return;
    }
    if (error || (!had_header && parser.is_header_done()) || used == 0) return;
  }
}

// --- one exchange ---

Task<void> Connection::run() {
  const auto self = shared_from_this();
  try {
    arm(service_->options.read_timeout);
    co_await transport_->handshake();
    disarm();
    asio::co_spawn(transport_->executor(), pump(), asio::detached);
    while (co_await serve_one()) {
    }
  } catch (const Cancelled&) {
  } catch (const boost::system::system_error& e) {
    log::debug("msg=\"connection ended\" client={} error={}", transport_->remote_address(), log::quoted(e.what()));
  } catch (const std::exception& e) {
    log::error("msg=\"connection ended\" client={} error={}", transport_->remote_address(), log::quoted(e.what()));
  }
  disarm();
  broken_ = true;
  on_disconnect_ = nullptr;
  transport_->close();
  room_.cancel();
}

void Connection::stop() {
  stopping_ = true;
  if (idle_) {
    broken_ = true;
    transport_->close();
    arrived_.cancel();
    room_.cancel();
  }
}

Task<bool> Connection::read_header(RequestParser& parser) {
  idle_ = true;
  if (buffer_.size() == 0) {
    if (stopping_ || ended_) co_return false;
    if (co_await more(Clock::now() + service_->options.idle_timeout) != Arrival::kBytes) co_return false;
  }
  idle_ = false;
  const Deadline deadline = Clock::now() + service_->options.read_timeout;
  bool leading = true;  // empty lines before a request line are skipped, RFC 9112 2.2
  while (!parser.is_header_done()) {
    if (leading) {
      const auto* bytes = static_cast<const char*>(buffer_.data().data());
      while (buffer_.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
        buffer_.consume(2);
        bytes = static_cast<const char*>(buffer_.data().data());
      }
      leading = buffer_.size() < 2;
    }
    boost::beast::error_code error;
    if (!leading) parse(parser, error);
    if (error) {
      Response refusal =
          error == beast_http::error::header_limit
              ? Response::problem(431, "Request Header Fields Too Large",
                                  fmt::format("the header is longer than {} bytes or has too many fields",
                                              service_->options.max_header))
          : error == beast_http::error::bad_version
              ? Response::problem(505, "HTTP Version Not Supported", "this server speaks HTTP/1.1")
              : Response::problem(400, "Bad Request", "malformed request: " + error.message());
      const Request none;
      co_await send(none, refusal, 11, false);
      co_await linger();
      co_return false;
    }
    if (parser.is_header_done()) break;
    const Arrival arrival = co_await more(deadline);
    if (arrival == Arrival::kEnd) co_return false;
    if (arrival == Arrival::kTimeout) {
      Response late = Response::problem(408, "Request Timeout", "the header did not arrive in time");
      const Request none;
      co_await send(none, late, 11, false);
      co_await linger();
      co_return false;
    }
  }
  co_return true;
}

Task<bool> Connection::serve_one() {
  RequestParser parser(service_->options.max_header);
  if (!co_await read_header(parser)) co_return false;
  parser.eager(true);
  continue_sent_ = false;

  Request request;
  request.method = parser.method();
  request.target = parser.target();
  request.headers = std::move(parser.headers());
  request.remote_address = transport_->remote_address();
  request.id = request.headers.get_or("X-Request-Id", "");
  if (request.id.empty() || request.id.size() > 128 || !printable(request.id))
    request.id = make_uuid7(system_clock().now()).text();

  std::string_view target = request.target;
  if (const size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    const size_t path = target.find('/', scheme + 3);  // absolute form, RFC 9112 3.2.2
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  const std::string_view raw_path = target.substr(0, question);
  request.path = percent_decode(raw_path);
  if (question != std::string_view::npos) request.query = Query::parse(target.substr(question + 1));

  const bool keep = parser.keep_alive() && !stopping_;
  size_t hosts = 0;
  for (const auto& field : request.headers) hosts += to_lower_ascii(field.first) == "host";
  if (hosts > 1 || (hosts == 0 && parser.version() >= 11)) {
    Response refusal = Response::problem(400, "Bad Request", "exactly one Host header is needed");
    co_await send(request, refusal, parser.version(), false);
    co_await linger();
    co_return false;
  }
  const Router::Match match = service_->router.match(request.method, raw_path);
  request.path_params = match.params;
  const auto started = Clock::now();
  const bool again = co_await answer(parser, request, match, keep);
  if (match.route)
    service_->metrics.at(match.route).seconds->Observe(std::chrono::duration<double>(Clock::now() - started).count());
  co_return again;
}

Task<bool> Connection::answer(RequestParser& parser, Request& request, const Router::Match& match, bool may_keep) {
  request.on_disconnect = [this](std::function<void()> f) {
    on_disconnect_ = std::move(f);
    if (ended_) asio::post(transport_->executor(), [self = shared_from_this()] { self->client_left(); });
  };
  StreamBody body(*this, parser, request.headers, match.route ? match.route->options.max_body : 0);
  if (match.route && match.route->options.stream_body) request.stream = &body;

  Response response = co_await respond(parser, request, match);
  const bool keep = may_keep && parser.is_done() && !stopping_;
  if (match.route)
    if (auto* counter = service_->metrics.at(match.route).by_class[size_t(std::clamp(response.status / 100, 0, 5))])
      counter->Increment();
  const bool again = co_await send(request, response, parser.version(), keep);
  on_disconnect_ = nullptr;
  if (!parser.is_done()) co_await linger();
  co_return again;
}

Task<Response> Connection::respond(RequestParser& parser, Request& request, const Router::Match& match) {
  std::optional<Response> failed;
  try {
    if (!match.route) {
      Response refusal;
      if (!match.path_known)
        refusal = Response::problem(404, "Not Found", "nothing is served at " + request.path);
      else if (request.method == "OPTIONS")
        refusal.status = 204;
      else
        refusal = Response::problem(405, "Method Not Allowed", "this path takes " + match.allow);
      if (match.path_known) refusal.headers.set("Allow", match.allow);
      co_await drop_short_body(parser, request);
      co_return refusal;
    }
    std::optional<Response> refusal;
    if (match.route->options.gate) refusal = match.route->options.gate(request, 0);
    if (refusal)
      co_await drop_short_body(parser, request);
    else if (!request.stream)
      refusal = co_await read_whole_body(parser, request, match.route->options);
    if (refusal) co_return std::move(*refusal);
    co_return co_await service_->handlers.at(match.route)(request);
  } catch (const Refused& e) {
    failed = Response::problem(e.status, e.title, e.what());
  } catch (const InvalidInput& e) {
    failed = Response::problem(400, "Bad Request", e.what());
  } catch (const Retryable& e) {
    failed = Response::problem(503, "Service Unavailable", e.what());
    const auto after = std::chrono::ceil<std::chrono::seconds>(e.retry_after.value_or(std::chrono::seconds{1}));
    failed->headers.set("Retry-After", std::to_string(std::max<int64_t>(1, after.count())));
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& e) {
    log::error("msg=\"request failed\" method={} path={} request={} error={}", request.method,
               log::quoted(request.path), request.id, log::quoted(e.what()));
    failed = Response::problem(500, "Internal Server Error", "see the log for request " + request.id);
  }
  co_return std::move(*failed);
}

Task<void> Connection::drop_short_body(RequestParser& parser, const Request& request) {
  // Who waits for our leave to send it will not send it.
  if (request.headers.get("Expect")) co_return;
  constexpr uint64_t kShort = 64 * 1024;
  if (const auto announced = parser.content_length(); announced && *announced > kShort) co_return;
  StreamBody reader(*this, parser, request.headers, kShort);
  try {
    for (;;) {
      const auto piece = co_await reader.next();
      if (piece.empty()) break;
    }
  } catch (const InvalidInput&) {
  }
}

Task<std::optional<Response>> Connection::read_whole_body(RequestParser& parser, Request& request,
                                                          const RouteOptions& options) {
  const uint64_t limit = options.max_body;
  if (const auto announced = parser.content_length(); announced && *announced > limit) throw too_large(limit);
  const auto coding = coding_of(request.headers.get_or("Content-Encoding", ""));
  if (options.decode_body && !coding)
    throw Refused(415, "Unsupported Media Type", "Content-Encoding may be gzip, deflate, zstd or identity");
  std::optional<Decoder> decoder;
  if (options.decode_body && *coding != Coding::kIdentity) decoder.emplace(*coding);
  StreamBody reader(*this, parser, request.headers, limit);
  for (;;) {
    std::string_view piece = co_await reader.next();
    if (piece.empty()) break;
    if (!decoder) {
      request.body.append(piece);
    } else {
      while (decoder->decode(piece, request.body, limit + 1))
        if (request.body.size() > limit) throw too_large(limit);
    }
    if (request.body.size() > limit) throw too_large(limit);
    if (options.gate)
      if (auto refusal = options.gate(request, request.body.size())) co_return refusal;
  }
  if (decoder) decoder->finish();
  co_return std::nullopt;
}

Task<void> Connection::continue_if_expected(RequestParser& parser, const Headers& headers) {
  if (continue_sent_ || parser.version() < 11) co_return;
  continue_sent_ = true;
  if (to_lower_ascii(headers.get_or("Expect", "")) != "100-continue") co_return;
  co_await write("HTTP/1.1 100 Continue\r\n\r\n");
}

Task<void> Connection::linger() {
  co_await transport_->end_sending();
  const Deadline deadline = Clock::now() + kLingerTime;
  uint64_t taken = 0;
  while (taken < kLingerBytes) {
    taken += buffer_.size();
    buffer_.consume(buffer_.size());
    room_.cancel();
    if (co_await more(deadline) != Arrival::kBytes) break;
  }
}

}  // namespace dalgona::http
