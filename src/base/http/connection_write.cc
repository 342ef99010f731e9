// The half of a connection that answers: heads, bodies whole and streamed, the time that a reader may take.
#include <charconv>

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/http/coding.h"
#include "base/http/connection.h"
#include "base/log.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

namespace beast_http = boost::beast::http;

constexpr size_t kCompressFrom = 1024;
// A switch of threads and back costs what compressing some kilobytes does.
constexpr size_t kCompressAsideFrom = 16 * 1024;

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

// Media that carry their own compression gain nothing.
bool worth_compressing(const Headers& headers) {
  if (headers.get("Content-Encoding") || headers.get("Content-Range")) return false;
  const std::string type = to_lower_ascii(headers.get_or("Content-Type", ""));
  if (type.starts_with("image/")) return type.starts_with("image/svg");
  return !type.starts_with("video/") && !type.starts_with("audio/") && !type.starts_with("font/woff") &&
         !type.starts_with("text/event-stream") && !type.starts_with("application/zip") &&
         !type.starts_with("application/gzip");
}

std::string reason_of(int status) {
  const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(unsigned(status)));
  return {reason.data(), reason.size()};
}

// A handler's header must not smuggle a second line.
void append_field(std::string& head, std::string_view name, std::string_view value) {
  if (name.find_first_of("\r\n:") != std::string_view::npos || value.find_first_of("\r\n") != std::string_view::npos)
    throw Permanent(fmt::format("response header {} holds a line break", log::quoted(name)));
  fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
}

}  // namespace

class ResponseWriter : public BodyWriter {
 public:
  ResponseWriter(Connection& connection, bool chunked, std::optional<uint64_t> promised, Coding coding)
      : connection_(connection), chunked_(chunked), promised_(promised) {
    if (coding != Coding::kIdentity) encoder_.emplace(coding);
  }

  Task<void> write(std::string_view bytes) override {
    if (bytes.empty()) co_return;
    if (!encoder_) {
      co_await put(bytes);
      co_return;
    }
    encoded_.clear();
    co_await connection_.encode(*encoder_, bytes, encoded_, Encoder::Flush::kSync);
    co_await put(encoded_);
  }

  Task<void> finish() {
    if (encoder_) {
      encoded_.clear();
      encoder_->encode({}, encoded_, Encoder::Flush::kEnd);
      co_await put(encoded_);
    }
    if (promised_ && sent_ != *promised_)
      throw Permanent(fmt::format("response of {} bytes where Content-Length says {}", sent_, *promised_));
    if (chunked_) co_await connection_.write("0\r\n\r\n");
  }

 private:
  Task<void> put(std::string_view bytes) {
    if (bytes.empty()) co_return;
    sent_ += bytes.size();
    if (!chunked_) {
      co_await connection_.write(bytes);
      co_return;
    }
    const std::string size = fmt::format("{:x}\r\n", bytes.size());
    co_await connection_.write(size, bytes, "\r\n");
  }

  Connection& connection_;
  bool chunked_;
  std::optional<uint64_t> promised_;
  std::optional<Encoder> encoder_;
  std::string encoded_;
  uint64_t sent_ = 0;
};

Task<void> Connection::encode(Encoder& encoder, std::string_view in, std::string& out, Encoder::Flush flush) {
  const auto now = [&encoder, in, &out, flush] { encoder.encode(in, out, flush); };
  if (service_->compressor && in.size() >= kCompressAsideFrom)
    co_await on_thread(*service_->compressor, now);
  else
    now();
}

Task<bool> Connection::send(const Request& request, Response& response, int version, bool keep) {
  const bool head_only = request.method == "HEAD";
  const auto* stream = std::get_if<std::function<Task<void>(BodyWriter&)>>(&response.body);
  const auto* whole = std::get_if<std::string>(&response.body);
  Coding coding = Coding::kIdentity;
  if (service_->options.compress && response.compressible && has_body(response.status) &&
      worth_compressing(response.headers) && (stream || whole->size() >= kCompressFrom)) {
    coding = preferred_coding(request.headers.get_or("Accept-Encoding", ""));
    if (!response.headers.get("Vary")) response.headers.set("Vary", "Accept-Encoding");
  }
  std::string encoded;
  std::string_view bytes;
  if (whole) {
    bytes = *whole;
    if (coding != Coding::kIdentity) {
      Encoder encoder(coding);
      co_await encode(encoder, *whole, encoded, Encoder::Flush::kEnd);
      bytes = encoded;
    }
  }
  std::optional<uint64_t> promised;
  bool chunked = false;
  if (stream) {
    if (const auto length = response.headers.get("Content-Length"); length && coding == Coding::kIdentity) {
      uint64_t value = 0;
      const auto parsed = std::from_chars(length->data(), length->data() + length->size(), value);
      if (parsed.ec != std::errc()) throw Permanent("a handler's Content-Length is no number");
      promised = value;
    } else {
      response.headers.remove("Content-Length");
      chunked = version >= 11;
      if (!chunked) keep = false;  // HTTP/1.0: the end of the connection ends the body
    }
  }

  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  for (const auto& [name, value] : response.headers) append_field(head, name, value);
  if (!response.headers.get("Date")) append_field(head, "Date", to_http_date(system_clock().now()));
  if (!response.headers.get("Server") && !service_->options.server_header.empty())
    append_field(head, "Server", service_->options.server_header);
  if (!request.id.empty() && !response.headers.get("X-Request-Id")) append_field(head, "X-Request-Id", request.id);
  if (coding != Coding::kIdentity) append_field(head, "Content-Encoding", name_of(coding));
  if (!keep)
    append_field(head, "Connection", "close");
  else if (version < 11)
    append_field(head, "Connection", "keep-alive");
  if (chunked)
    append_field(head, "Transfer-Encoding", "chunked");
  else if (whole && has_body(response.status) && !response.headers.get("Content-Length"))
    append_field(head, "Content-Length", std::to_string(bytes.size()));
  head += "\r\n";

  if (whole || head_only || !has_body(response.status)) {
    co_await write(head, head_only || !has_body(response.status) ? std::string_view() : bytes);
    co_return keep;
  }
  co_await send_stream(std::move(head), *stream, chunked, promised, int(coding));
  co_return keep;
}

Task<void> Connection::send_stream(std::string head, const std::function<Task<void>(BodyWriter&)>& body, bool chunked,
                                   std::optional<uint64_t> promised, int coding) {
  co_await write(head);
  ResponseWriter writer(*this, chunked, promised, Coding(coding));
  try {
    co_await body(writer);
    co_await writer.finish();
  } catch (const Cancelled&) {
    throw;
  } catch (const boost::system::system_error&) {
    throw;
  } catch (const std::exception& e) {
    // The status line is out; a body without its end is all that can still tell the client.
    log::error("msg=\"response cut\" client={} error={}", transport_->remote_address(), log::quoted(e.what()));
    throw Cancelled();
  }
}

Task<void> Connection::write(std::string_view a, std::string_view b, std::string_view c) {
  if (broken_) throw Cancelled();
  arm(service_->options.write_timeout);
  bool failed = false;
  try {
    const std::array<asio::const_buffer, 3> buffers{asio::buffer(a), asio::buffer(b), asio::buffer(c)};
    co_await transport_->write(buffers);
  } catch (const boost::system::system_error&) {
    failed = true;
  }
  disarm();
  if (failed) {
    broken_ = true;
    throw Cancelled();
  }
}

void Connection::arm(std::chrono::milliseconds limit) {
  const uint64_t id = ++watch_;
  watchdog_.expires_after(limit);
  watchdog_.async_wait([weak = weak_from_this(), id](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->watch_ != id) return;
    self->broken_ = true;
    self->transport_->close();
  });
}

void Connection::disarm() {
  ++watch_;
  watchdog_.cancel();
}

}  // namespace dalgona::http
