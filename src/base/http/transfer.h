// One transfer of the HTTP client in libcurl's terms. For this folder only.
#pragma once
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/http/client.h"
#include "base/http/curl_handles.h"
#include "base/http/target.h"

namespace dalgona::http {

// One request on its way, and what libcurl calls back for it. The members up to `mutex` belong to the client's thread
// once the transfer is queued.
struct Transfer {
  // Sets all of the request on `handle`, a fresh or reset one, and owns it from then on. libcurl is to call with this
  // transfer, so it must not move. Throws std::bad_alloc.
  void prepare(Easy handle, const std::string& user_agent);
  // What a transfer that ended with `code` failed of: Retryable, Permanent, Cancelled or what a callback threw.
  std::exception_ptr failure_of(CURLcode code) const;

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

 private:
  void set_method();
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_upload(char* buffer, size_t size, size_t count, void* self);
};

using TransferPtr = std::shared_ptr<Transfer>;

}  // namespace dalgona::http
