// Object storage: a folder (file://) or an S3 bucket (s3://). Keys are relative paths with '/' between; "..", empty
// segments and NUL are refused as InvalidInput.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/http/client.h"

namespace dalgona::objects {

struct Info {
  std::string key;
  uint64_t size = 0;
};

// Thread-safe. Throws Retryable when the store is away, Permanent for refused access.
class Store {
 public:
  virtual ~Store() = default;
  // The object appears whole or not at all. `next` gives pieces, empty at the end; memory is bounded by one part (8
  // MiB). Gives the size.
  virtual Task<uint64_t> put(std::string key, std::function<Task<std::string>()> next, std::string content_type) = 0;
  Task<uint64_t> put_bytes(std::string key, std::string bytes, std::string content_type);
  // Pieces in order. InvalidInput when there is none of that key.
  virtual Task<void> get(std::string key, std::function<Task<void>(std::string_view)> piece) = 0;
  Task<std::string> get_bytes(std::string key);
  virtual Task<std::optional<Info>> head(std::string key) = 0;
  virtual Task<std::vector<Info>> list(std::string prefix) = 0;
  // Removing what is not there is no error.
  virtual Task<void> remove(std::string key) = 0;
};

// `url`: file:///folder or s3://access:secret@host:port/bucket?region=R&tls=false. The client must outlive the store.
std::unique_ptr<Store> open(const std::string& url, http::Client& client, asio::thread_pool& blocking);

}  // namespace dalgona::objects
