#include "base/http/client.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/log.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

constexpr size_t kErrorBodyLimit = 1 << 20;     // of a streamed download whose status is not 2xx
constexpr size_t kPieceHighWater = 512 * 1024;  // bytes waiting for on_piece before the transfer is paused
constexpr size_t kUploadChunk = 256 * 1024;     // one call of read_body
constexpr size_t kUploadAhead = 4;              // chunks read ahead of the network
constexpr size_t kUploadThreads = 4;            // read_body may block, and one that does must not stop all
constexpr size_t kIdleHandles = 512;            // easy handles kept for reuse
constexpr long kConnectionCache = 1024;         // idle connections kept over all hosts

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

void append(List& list, const std::string& line) {
  curl_slist* grown = curl_slist_append(list.get(), line.c_str());
  if (!grown) throw std::bad_alloc();
  (void)list.release();  // the head moves only when the list was empty
  list.reset(grown);
}

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK || !text) return {};
  std::string value = text;
  curl_free(text);
  return value;
}

bool is_loopback(std::string_view host) {
  const std::string name = to_lower_ascii(host);
  return name == "localhost" || name.ends_with(".localhost") || name.starts_with("127.") || name == "[::1]" ||
         name == "0.0.0.0" || name.starts_with("[::ffff:127.");
}

// Signature version 4 signs the query sorted by name with an '=' in every parameter, and libcurl 7.88 signs it as it
// stands.
std::string canonical_query(std::string_view query) {
  std::vector<std::string> parameters;
  for (const std::string_view parameter : split(query, '&')) {
    if (parameter.empty()) continue;
    parameters.emplace_back(parameter);
    if (parameter.find('=') == std::string_view::npos) parameters.back() += '=';
  }
  std::sort(parameters.begin(), parameters.end());
  std::string joined;
  for (const auto& parameter : parameters) joined += (joined.empty() ? "" : "&") + parameter;
  return joined;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

struct Target {
  std::string url;
  bool loopback = false;
};

Target parse_target(const std::string& text, bool sort_query) {
  const Url url(curl_url());
  if (!url) throw std::bad_alloc();
  if (const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0); code != CURLUE_OK)
    throw Permanent("bad URL '" + log::without_password(text) + "': " + curl_url_strerror(code));
  const std::string scheme = part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    throw Permanent("bad URL '" + log::without_password(text) + "': scheme is neither http nor https");
  if (!part(url.get(), CURLUPART_PASSWORD).empty() || !part(url.get(), CURLUPART_USER).empty())
    throw Permanent("bad URL '" + log::without_password(text) + "': credentials do not belong in it");
  Target target{text, is_loopback(part(url.get(), CURLUPART_HOST))};
  if (const std::string query = part(url.get(), CURLUPART_QUERY); sort_query && !query.empty()) {
    curl_url_set(url.get(), CURLUPART_QUERY, canonical_query(query).c_str(), 0);
    target.url = part(url.get(), CURLUPART_URL);
  }
  return target;
}

void check_field(std::string_view name, std::string_view value) {
  const auto bad = [](std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; };
  if (name.empty() || bad(name) || name.find(':') != name.npos || bad(value))
    throw InvalidInput("header '" + std::string(name) + "' is malformed");
}

// The host without path or query: enough to find the peer, and a key in the query never reaches a log.
std::string peer_of(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return "?";
  return url.substr(0, url.find_first_of("/?#", start + 3));
}

}  // namespace

// One request on its way. The members up to `mutex` belong to the client's thread once the transfer is queued.
struct Transfer {
  ClientRequest request;
  Target target;
  Easy easy;
  List fields;
  std::array<char, CURL_ERROR_SIZE> error_text{};
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  int status = 0;
  uint64_t received = 0;  // bytes of the decoded body
  bool head_seen = false;
  std::exception_ptr callback_failure;
  bool over_limit = false, refused_piece = false;
  std::function<void()> refill;  // reads further ahead of a streamed upload

  std::mutex mutex;
  std::condition_variable changed;  // send_blocking waits on it
  bool done = false, read_paused = false;
  std::exception_ptr failure;
  ClientResponse response;
  std::string pieces;            // decoded bytes that wait for on_piece
  std::function<void()> waiter;  // resumes the coroutine
  struct Upload {
    std::deque<std::string> chunks;
    size_t offset = 0;  // into the first chunk
    bool end = false, reading = false;
    bool ending = false;  // the transfer is over and only waits for read_body to return
    std::exception_ptr failure;
  } upload;
};

using TransferPtr = std::shared_ptr<Transfer>;

struct Client::State : std::enable_shared_from_this<Client::State> {
  explicit State(ClientOptions o);
  ~State() = default;

  void submit(const TransferPtr& transfer);
  void cancel(const TransferPtr& transfer) { command({Command::kCancel, transfer}); }
  void resume(const TransferPtr& transfer) { command({Command::kResume, transfer}); }
  // Resumes when `transfer` is done or has pieces; a cancelled waiter cancels the transfer and goes on waiting for its
  // end, so that no callback runs after send() is left.
  Task<void> wait(TransferPtr transfer);
  void close();

 private:
  struct Command {
    enum Kind { kStart, kCancel, kResume } kind;
    TransferPtr transfer;
  };
  bool command(Command c);
  void run();
  void begin(const TransferPtr& transfer);
  void prepare(const TransferPtr& transfer);
  void set_method(Transfer& transfer);
  void end(CURL* easy, CURLcode code);
  void finish(const TransferPtr& transfer, std::exception_ptr failure);
  void settle(const TransferPtr& transfer);
  void read_ahead(const TransferPtr& transfer);

  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_upload(char* buffer, size_t size, size_t count, void* self);
  static std::exception_ptr failure_of(const Transfer& transfer, CURLcode code);

  ClientOptions options_;
  CURLM* multi_ = nullptr;
  std::mutex mutex_;
  std::vector<Command> commands_;
  bool closing_ = false;
  std::atomic<size_t> unfinished_{0};
  std::unordered_map<CURL*, TransferPtr> running_;  // of the client's thread
  std::vector<Easy> idle_;                          // of the client's thread
  std::once_flag upload_once_;
  std::unique_ptr<asio::thread_pool> upload_pool_;
  std::thread thread_;
};

Client::State::State(ClientOptions o) : options_(std::move(o)) {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) throw Permanent("libcurl does not initialise");
  });
  multi_ = curl_multi_init();
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, long(options_.max_connections_per_host));
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnectionCache);
  thread_ = std::thread([this] { run(); });
}

void Client::State::close() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  if (upload_pool_) upload_pool_->join();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

bool Client::State::command(Command c) {
  const std::scoped_lock lock(mutex_);
  if (closing_) return false;
  commands_.push_back(std::move(c));
  if (commands_.size() == 1) curl_multi_wakeup(multi_);
  return true;
}

void Client::State::submit(const TransferPtr& transfer) {
  Transfer& t = *transfer;
  t.target = parse_target(t.request.url, t.request.aws.has_value());
  for (const auto& [name, value] : t.request.headers) check_field(name, value);
  if (unfinished_.fetch_add(1) >= options_.max_queued) {
    unfinished_.fetch_sub(1);
    throw Retryable("the HTTP client has " + std::to_string(options_.max_queued) + " requests pending, its limit");
  }
  if (!command({Command::kStart, transfer})) {
    unfinished_.fetch_sub(1);
    throw Cancelled();
  }
}

void Client::State::run() {
  std::vector<Command> commands;
  while (true) {
    bool closing = false;
    {
      const std::scoped_lock lock(mutex_);
      commands.swap(commands_);
      closing = closing_;
    }
    for (const auto& [kind, transfer] : commands) {
      CURL* easy = transfer->easy.get();
      if (kind == Command::kStart) {
        begin(transfer);
      } else if (!easy || !running_.contains(easy)) {
        continue;  // it ended meanwhile
      } else if (kind == Command::kCancel) {
        finish(transfer, std::make_exception_ptr(Cancelled()));
      } else {
        // Unpausing may call on_body and on_upload at once, and they may pause again.
        curl_easy_pause(easy, CURLPAUSE_CONT);
      }
    }
    commands.clear();
    if (closing) break;
    int still_running = 0;
    curl_multi_perform(multi_, &still_running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
    // A wake-up that comes between the swap above and this call is not lost: it makes the poll return at once.
    curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);
  }
  while (!running_.empty()) finish(TransferPtr(running_.begin()->second), std::make_exception_ptr(Cancelled()));
  // Commands cannot come any more, but some may have come after the last swap.
  const std::scoped_lock lock(mutex_);
  for (const auto& [kind, transfer] : commands_)
    if (kind == Command::kStart) finish(transfer, std::make_exception_ptr(Cancelled()));
  commands_.clear();
}

void Client::State::begin(const TransferPtr& transfer) {
  try {
    prepare(transfer);
  } catch (...) {
    finish(transfer, std::current_exception());
    return;
  }
  running_.emplace(transfer->easy.get(), transfer);
  if (curl_multi_add_handle(multi_, transfer->easy.get()) != CURLM_OK)
    finish(transfer, std::make_exception_ptr(Permanent("libcurl takes no more transfers")));
}

void Client::State::prepare(const TransferPtr& transfer) {
  Transfer& t = *transfer;
  const ClientRequest& r = t.request;
  if (idle_.empty()) {
    t.easy.reset(curl_easy_init());
    if (!t.easy) throw std::bad_alloc();
  } else {
    t.easy = std::move(idle_.back());
    idle_.pop_back();
  }
  CURL* easy = t.easy.get();
  curl_easy_setopt(easy, CURLOPT_URL, t.target.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  // Waiting for a connection that may turn out to be HTTP/2 pays where it can: without TLS we speak HTTP/1.1 only, and
  // curl would hold a request back until the first answer of another one, however long that takes.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, t.target.url.starts_with("https:") ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t.error_text.data());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L * 1024);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, long(r.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, long(r.connect_timeout.count()));
  if (r.stall_timeout.count() > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, std::max(1L, long((r.stall_timeout.count() + 999) / 1000)));
  }
  if (r.decode) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  if (r.follow_redirects) {
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 5L);
  }
  if (t.target.loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (!r.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, r.ca_file.c_str());
  if (!r.verify_host) curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  if (r.aws) {
    const std::string scope = "aws:amz:" + r.aws->region + ":" + r.aws->service;
    curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, scope.c_str());
    curl_easy_setopt(easy, CURLOPT_USERNAME, r.aws->access_key.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, r.aws->secret_key.c_str());
    if (r.aws->service == "s3" && !r.headers.get("x-amz-content-sha256"))
      append(t.fields, "x-amz-content-sha256: " + (r.read_body ? "UNSIGNED-PAYLOAD" : sha256_hex(r.body)));
  } else if (!r.user.empty() || !r.password.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, long(CURLAUTH_BASIC));
    curl_easy_setopt(easy, CURLOPT_USERNAME, r.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, r.password.c_str());
  }
  set_method(t);
  for (const auto& [name, value] : r.headers)
    append(t.fields, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t.fields.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &State::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &State::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &t);
  if (r.read_body) {
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &State::on_upload);
    curl_easy_setopt(easy, CURLOPT_READDATA, &t);
    t.refill = [this, weak = std::weak_ptr<Transfer>(transfer)] {
      if (const auto alive = weak.lock()) read_ahead(alive);
    };
    t.refill();
  }
}

void Client::State::set_method(Transfer& t) {
  const ClientRequest& r = t.request;
  CURL* easy = t.easy.get();
  // libcurl would ask for 100-continue and name a form's content type unbidden. "Name:" takes a field out, but libcurl
  // 7.88 then signs it all the same and the signature is wrong, so signed requests do without: they name a type and do
  // not wait for the 100.
  const bool has_body = !r.body.empty() || r.read_body;
  if (!r.aws) {
    append(t.fields, "Expect:");
    if (!r.headers.get("Content-Type")) append(t.fields, "Content-Type:");
  } else if (has_body) {
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    if (!r.headers.get("Content-Type")) append(t.fields, "Content-Type: application/octet-stream");
  }
  if (r.read_body) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    if (r.body_size) {
      curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(*r.body_size));
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method.c_str());
  } else if (r.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!r.body.empty() || r.method == "POST" || r.method == "PUT") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(r.body.size()));
    if (r.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method.c_str());
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (r.method != "GET") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method.c_str());
  }
}

size_t Client::State::on_header(char* data, size_t size, size_t count, void* self) {
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

size_t Client::State::on_body(char* data, size_t size, size_t count, void* self) {
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

// Reads the next chunks of a streamed upload on the upload pool.
void Client::State::read_ahead(const TransferPtr& transfer) {
  {
    const std::scoped_lock lock(transfer->mutex);
    auto& upload = transfer->upload;
    if (upload.reading || upload.end || upload.ending || upload.chunks.size() >= kUploadAhead) return;
    upload.reading = true;
  }
  std::call_once(upload_once_, [this] { upload_pool_ = std::make_unique<asio::thread_pool>(kUploadThreads); });
  asio::post(*upload_pool_, [this, transfer] {
    std::string chunk(kUploadChunk, '\0');
    std::exception_ptr failure;
    size_t size = 0;
    try {
      size = std::min(transfer->request.read_body(chunk.data(), chunk.size()), chunk.size());
    } catch (...) {
      failure = std::current_exception();
    }
    chunk.resize(size);
    bool ending = false;
    {
      const std::scoped_lock lock(transfer->mutex);
      auto& upload = transfer->upload;
      upload.reading = false;
      upload.failure = failure;
      upload.end = size == 0;
      if (size > 0) upload.chunks.push_back(std::move(chunk));
      ending = upload.ending;
    }
    if (ending) return settle(transfer);
    resume(transfer);
    if (size > 0) read_ahead(transfer);
  });
}

size_t Client::State::on_upload(char* buffer, size_t size, size_t count, void* self) {
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

std::exception_ptr Client::State::failure_of(const Transfer& t, CURLcode code) {
  if (t.callback_failure) return t.callback_failure;
  if (t.refused_piece) return std::make_exception_ptr(Cancelled());
  const std::string text = t.error_text[0] ? t.error_text.data() : curl_easy_strerror(code);
  const std::string what = t.request.method + " " + peer_of(t.target.url) + ": ";
  if (t.over_limit)
    return std::make_exception_ptr(
        Permanent(what + "the body is over its limit of " + std::to_string(t.request.max_body) + " bytes"));
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
          Retryable(what + (t.received > 0 ? "truncated body (" : "connection reset (") + text + ")"));
    default:
      return std::make_exception_ptr(Retryable(what + text));
  }
}

void Client::State::end(CURL* easy, CURLcode code) {
  const auto found = running_.find(easy);
  if (found == running_.end()) return;
  const TransferPtr transfer = found->second;
  std::exception_ptr failure;
  if (code != CURLE_OK) {
    failure = failure_of(*transfer, code);
  } else {
    long status = 0, connects = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    transfer->response.status = int(status);
    transfer->response.reused_connection = connects == 0;
    transfer->response.time =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - transfer->begin);
  }
  finish(transfer, failure);
}

void Client::State::finish(const TransferPtr& transfer, std::exception_ptr failure) {
  if (transfer->easy) {
    if (running_.erase(transfer->easy.get()) > 0) curl_multi_remove_handle(multi_, transfer->easy.get());
    curl_easy_reset(transfer->easy.get());
    if (idle_.size() < kIdleHandles) idle_.push_back(std::move(transfer->easy));
    transfer->easy.reset();
  }
  {
    // A read_body that still runs may use what its caller owns: send() is left only when it has returned.
    const std::scoped_lock lock(transfer->mutex);
    transfer->failure = std::move(failure);
    transfer->upload.ending = true;
    if (transfer->upload.reading) return;
  }
  settle(transfer);
}

void Client::State::settle(const TransferPtr& transfer) {
  std::function<void()> waiter;
  {
    const std::scoped_lock lock(transfer->mutex);
    transfer->done = true;
    waiter.swap(transfer->waiter);
    transfer->changed.notify_all();
  }
  unfinished_.fetch_sub(1);
  if (waiter) waiter();
}

Task<void> Client::State::wait(TransferPtr transfer) {
  return asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [weak = weak_from_this()](auto handler, TransferPtr t) {
        auto executor = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
          slot.assign([weak, cancelled = std::weak_ptr<Transfer>(t)](asio::cancellation_type) {
            const auto state = weak.lock();
            const auto target = cancelled.lock();
            if (state && target) state->cancel(target);
          });
        }
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        std::function<void()> waiter = [shared, executor] {
          asio::post(executor, [shared] { std::move (*shared)(); });
        };
        {
          const std::scoped_lock lock(t->mutex);
          if (!t->done && t->pieces.empty()) {
            t->waiter = std::move(waiter);
            return;
          }
        }
        waiter();
      },
      asio::use_awaitable, std::move(transfer));
}

Client::Client(ClientOptions options) : state_(std::make_shared<State>(std::move(options))) {}

Client::~Client() {
  state_->close();
}

Task<ClientResponse> Client::send(ClientRequest request) {
  if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) throw Cancelled();
  const auto state = state_;
  const auto transfer = std::make_shared<Transfer>();
  transfer->request = std::move(request);
  state->submit(transfer);
  // When this frame goes without having seen the end (on_piece threw, or the context is destroyed), the transfer goes
  // too.
  struct Guard {
    std::shared_ptr<State> state;
    TransferPtr transfer;
    ~Guard() {
      const auto done = [this] {
        const std::scoped_lock lock(transfer->mutex);
        return transfer->done;
      };
      if (!done()) state->cancel(transfer);
    }
  };
  const Guard guard{state, transfer};
  std::string piece;
  while (true) {
    co_await state->wait(transfer);
    bool resume = false, done = false;
    {
      const std::scoped_lock lock(transfer->mutex);
      piece.clear();
      piece.swap(transfer->pieces);
      done = transfer->done;
      resume = std::exchange(transfer->read_paused, false) && !done;
    }
    if (!piece.empty()) co_await transfer->request.on_piece(piece);
    if (done) break;
    if (resume) state->resume(transfer);
  }
  if (transfer->failure) std::rethrow_exception(transfer->failure);
  co_return std::move(transfer->response);
}

ClientResponse Client::send_blocking(ClientRequest request) {
  if (request.on_piece) throw Permanent("on_piece needs a coroutine: use send()");
  const auto transfer = std::make_shared<Transfer>();
  transfer->request = std::move(request);
  state_->submit(transfer);
  std::unique_lock lock(transfer->mutex);
  transfer->changed.wait(lock, [&] { return transfer->done; });
  if (transfer->failure) std::rethrow_exception(transfer->failure);
  return std::move(transfer->response);
}

}  // namespace dalgona::http
