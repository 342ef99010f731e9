#include "base/http/transfer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

constexpr size_t kErrorBodyLimit = 1 << 20;     // of a streamed download whose status is not 2xx
constexpr size_t kPieceHighWater = 512 * 1024;  // bytes waiting for on_piece before the transfer is paused

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace

void Transfer::prepare(Easy handle, const std::string& user_agent) {
  easy = std::move(handle);
  curl_easy_setopt(easy.get(), CURLOPT_URL, target.url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  // Waiting for a connection that may turn out to be HTTP/2 pays where it can: without TLS we speak HTTP/1.1 only, and
  // curl would hold a request back until the first answer of another one, however long that takes.
  curl_easy_setopt(easy.get(), CURLOPT_PIPEWAIT, target.url.starts_with("https:") ? 1L : 0L);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, error_text.data());
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, user_agent.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_BUFFERSIZE, 64L * 1024);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, long(request.timeout.count()));
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, long(request.connect_timeout.count()));
  if (request.stall_timeout.count() > 0) {
    curl_easy_setopt(easy.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, long((request.stall_timeout.count() + 999) / 1000)));
  }
  if (request.decode) curl_easy_setopt(easy.get(), CURLOPT_ACCEPT_ENCODING, "");
  if (request.follow_redirects) {
    curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_MAXREDIRS, 5L);
  }
  if (target.loopback) curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  if (!request.ca_file.empty()) curl_easy_setopt(easy.get(), CURLOPT_CAINFO, request.ca_file.c_str());
  if (!request.verify_host) curl_easy_setopt(easy.get(), CURLOPT_SSL_VERIFYHOST, 0L);
  if (request.aws) {
    const std::string scope = "aws:amz:" + request.aws->region + ":" + request.aws->service;
    curl_easy_setopt(easy.get(), CURLOPT_AWS_SIGV4, scope.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_USERNAME, request.aws->access_key.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PASSWORD, request.aws->secret_key.c_str());
    if (request.aws->service == "s3" && !request.headers.get("x-amz-content-sha256"))
      append(fields,
             "x-amz-content-sha256: " + (request.read_body ? "UNSIGNED-PAYLOAD" : sha256_hex(request.sent_body())));
  } else if (!request.user.empty() || !request.password.empty()) {
    curl_easy_setopt(easy.get(), CURLOPT_HTTPAUTH, long(CURLAUTH_BASIC));
    curl_easy_setopt(easy.get(), CURLOPT_USERNAME, request.user.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PASSWORD, request.password.c_str());
  }
  set_method();
  for (const auto& [name, value] : request.headers)
    append(fields, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, fields.get());
  curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, this);
  if (request.read_body) {
    curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, &Transfer::on_upload);
    curl_easy_setopt(easy.get(), CURLOPT_READDATA, this);
    refill();
  }
}

void Transfer::set_method() {
  // libcurl would ask for 100-continue and name a form's content type unbidden. "Name:" takes a field out, but libcurl
  // 7.88 then signs it all the same and the signature is wrong, so signed requests do without: they name a type and do
  // not wait for the 100.
  const std::string_view body = request.sent_body();
  const bool has_body = !body.empty() || request.read_body;
  if (!request.aws) {
    append(fields, "Expect:");
    if (!request.headers.get("Content-Type")) append(fields, "Content-Type:");
  } else if (has_body) {
    curl_easy_setopt(easy.get(), CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    if (!request.headers.get("Content-Type")) append(fields, "Content-Type: application/octet-stream");
  }
  if (request.read_body) {
    curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
    if (request.body_size) {
      curl_easy_setopt(easy.get(), CURLOPT_INFILESIZE_LARGE, curl_off_t(*request.body_size));
    }
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method == "HEAD") {
    curl_easy_setopt(easy.get(), CURLOPT_NOBODY, 1L);
  } else if (!body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(easy.get(), CURLOPT_POST, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.data() ? body.data() : "");
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.size()));
    if (request.method != "POST") curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    curl_easy_setopt(easy.get(), CURLOPT_HTTPGET, 1L);
    if (request.method != "GET") curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* self) {
  Transfer& t = *static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  const std::string_view line = trim(std::string_view(data, bytes));
  // A new status line: the head before it was of a 1xx or of a redirect that is followed.
  if (line.starts_with("HTTP/") && line.find(':') > line.find(' ')) {
    t.response.headers = Headers();
    long status = 0;
    curl_easy_getinfo(t.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    t.status = int(status);
    return bytes;
  }
  if (!line.empty()) {
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      t.response.headers.add(std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
    return bytes;
  }
  const bool followed = t.request.follow_redirects && t.status >= 300 && t.status < 400;
  if (t.status >= 200 && !followed && !std::exchange(t.head_seen, true) && t.request.on_headers) {
    try {
      t.request.on_headers(t.status, t.response.headers);
    } catch (...) {
      t.callback_failure = std::current_exception();
      return 0;
    }
  }
  return bytes;
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) {
  Transfer& t = *static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  const std::string_view piece(data, bytes);
  const ClientRequest& r = t.request;
  const bool streams = (r.on_data || r.on_piece) && t.status >= 200 && t.status < 300;
  if (streams && r.on_piece) {
    const std::scoped_lock lock(t.mutex);
    if (t.pieces.size() >= kPieceHighWater) {
      t.read_paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
  }
  t.received += bytes;
  if (t.received > r.max_body) {
    t.over_limit = true;
    return 0;
  }
  if (streams && r.on_data) {
    try {
      t.refused_piece = !r.on_data(piece);
    } catch (...) {
      t.callback_failure = std::current_exception();
    }
    return t.refused_piece || t.callback_failure ? 0 : bytes;
  }
  if (streams) {
    std::function<void()> waiter;
    {
      const std::scoped_lock lock(t.mutex);
      t.pieces.append(piece);
      waiter.swap(t.waiter);
    }
    if (waiter) waiter();
    return bytes;
  }
  const bool bounded = bool(r.on_data) || bool(r.on_piece);
  const size_t room = bounded ? kErrorBodyLimit - std::min(kErrorBodyLimit, t.response.body.size()) : bytes;
  t.response.body.append(piece.substr(0, room));
  return bytes;
}

size_t Transfer::on_upload(char* buffer, size_t size, size_t count, void* self) {
  Transfer& t = *static_cast<Transfer*>(self);
  size_t written = 0;
  bool ended = false;
  {
    const std::scoped_lock lock(t.mutex);
    auto& upload = t.upload;
    if (upload.failure) {
      t.callback_failure = upload.failure;
      return CURL_READFUNC_ABORT;
    }
    while (written < size * count && !upload.chunks.empty()) {
      const std::string& chunk = upload.chunks.front();
      const size_t step = std::min(size * count - written, chunk.size() - upload.offset);
      std::copy_n(chunk.data() + upload.offset, step, buffer + written);
      written += step;
      upload.offset += step;
      if (upload.offset == chunk.size()) {
        upload.chunks.pop_front();
        upload.offset = 0;
      }
    }
    ended = upload.end;
  }
  if (!ended) t.refill();
  return written > 0 || ended ? written : CURL_READFUNC_PAUSE;
}

std::exception_ptr Transfer::failure_of(CURLcode code) const {
  if (callback_failure) return callback_failure;
  if (refused_piece) return std::make_exception_ptr(Cancelled());
  const std::string text = error_text[0] ? error_text.data() : curl_easy_strerror(code);
  const std::string what = request.method + " " + peer_of(target.url) + ": ";
  if (over_limit)
    return std::make_exception_ptr(
        Permanent(what + "the body is over its limit of " + std::to_string(request.max_body) + " bytes"));
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_OUT_OF_MEMORY:
      return std::make_exception_ptr(Permanent(what + text));
    case CURLE_COULDNT_CONNECT:
      return std::make_exception_ptr(Retryable(what + "connection refused or unreachable (" + text + ")"));
    case CURLE_OPERATION_TIMEDOUT:
      return std::make_exception_ptr(Retryable(what + "timed out (" + text + ")"));
    case CURLE_PARTIAL_FILE:
    case CURLE_BAD_CONTENT_ENCODING:
      return std::make_exception_ptr(Retryable(what + "truncated body (" + text + ")"));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      // libcurl reports a chunked body that ends early as a receive error.
      return std::make_exception_ptr(
          Retryable(what + (received > 0 ? "truncated body (" : "connection reset (") + text + ")"));
    default:
      return std::make_exception_ptr(Retryable(what + text));
  }
}

}  // namespace dalgona::http
