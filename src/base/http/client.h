// HTTP client on libcurl's multi interface: one thread drives all transfers of a client; HTTP/1.1 and HTTP/2,
// keep-alive pools, gzip, proxies from the environment never used for loopback. The only room that includes curl.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/async.h"
#include "base/http/message.h"

namespace dalgona::http {

struct ClientRequest {
  std::string method = "GET";
  std::string url{};
  Headers headers{};
  std::string body{};  // sent as it is, with Content-Length
  // Instead of `body`, for who wants to use its memory again.
  std::shared_ptr<const std::string> shared_body{};
  std::string_view sent_body() const { return shared_body ? std::string_view(*shared_body) : std::string_view(body); }
  // Streamed upload instead of `body`: fills the buffer, gives the count, 0 at the end; may block (it runs on the
  // client's upload threads, one call at a time, not on the transfer thread). send() is left only after it has
  // returned.
  std::function<size_t(char* buffer, size_t size)> read_body{};
  std::optional<uint64_t> body_size{};  // known length of a streamed upload; else chunked
  // Streamed download instead of ClientResponse::body: called on the client's thread with each piece; false ends the
  // transfer (then Cancelled is thrown). Only called for status 2xx; other bodies are collected (first 1 MiB).
  std::function<bool(std::string_view piece)> on_data{};
  // The same with back-pressure: runs on the executor of the coroutine that sends, one call at a time, and the transfer
  // stops reading while it runs, so memory stays below about 1 MiB. What it throws ends the transfer and leaves send().
  // Not for send_blocking().
  std::function<Task<void>(std::string_view piece)> on_piece{};
  // Called on the client's thread once, with the final response's head.
  std::function<void(int status, const Headers& headers)> on_headers{};
  std::chrono::milliseconds timeout{30'000};  // whole transfer; 0: none
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds stall_timeout{0};  // no byte for that long ends it; 0: none
  uint64_t max_body = 256ull << 20;            // of the decoded response; more: Permanent
  bool decode = true;                          // ask for and undo gzip, deflate, zstd
  bool follow_redirects = false;
  std::string user{}, password{};  // Basic; never in the URL
  struct AwsSigV4 {
    std::string access_key, secret_key, region, service;
  };
  std::optional<AwsSigV4> aws{};  // signs the request
  std::string ca_file{};          // else the system's
  // false: a certificate that ca_file vouches for is good for any host. For our own process on loopback, whose
  // certificate has the name that others know it by.
  bool verify_host = true;
};

struct ClientResponse {
  int status = 0;
  Headers headers;  // as they came: Content-Encoding and Content-Length speak of the bytes before decoding
  std::string body;
  std::chrono::microseconds time{0};  // from send to the last byte
  bool reused_connection = false;
};

struct ClientOptions {
  size_t max_connections_per_host = 256;
  size_t max_queued = 100'000;  // more pending requests: send() throws Retryable
  std::string user_agent = "dalgona";
};

// Thread-safe. A transfer whose awaiting coroutine is cancelled is ended.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();  // ends pending transfers with Cancelled
  // Throws Retryable when no complete response came (refused, reset, timed out, truncated body: the text says which),
  // Permanent for a bad URL or certificate. Any HTTP status is a response, not an error.
  Task<ClientResponse> send(ClientRequest request);
  // The same for threads that may block.
  ClientResponse send_blocking(ClientRequest request);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dalgona::http
