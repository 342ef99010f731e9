#include "base/objects/objects.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "base/objects/keys.h"
#include "base/text.h"

namespace dalgona::objects {

void check_key(std::string_view key) {
  if (key.empty()) throw InvalidInput("object key is empty");
  if (key.size() > 1024) throw InvalidInput("object key is longer than 1024 bytes");
  if (key.find('\0') != key.npos || !is_utf8(key)) throw InvalidInput("object key is not UTF-8 text");
  for (const auto segment : split(key, '/'))
    if (segment.empty() || segment == "." || segment == "..")
      throw InvalidInput("object key '" + std::string(key) + "' has an empty, '.' or '..' segment");
}

Task<uint64_t> Store::put_bytes(std::string key, std::string bytes, std::string content_type) {
  auto rest = std::make_shared<std::string>(std::move(bytes));
  co_return co_await put(
      std::move(key), [rest]() -> Task<std::string> { co_return std::exchange(*rest, std::string()); },
      std::move(content_type));
}

Task<std::string> Store::get_bytes(std::string key) {
  auto whole = std::make_shared<std::string>();
  co_await get(std::move(key), [whole](std::string_view piece) -> Task<void> {
    whole->append(piece);
    co_return;
  });
  co_return std::move(*whole);
}

S3Options parse_s3_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed || parsed->scheme() != "s3")
    throw InvalidInput("objects.url: want s3://access:secret@host:port/bucket?region=R&tls=false");
  const boost::urls::url_view url = *parsed;
  S3Options options;
  if (url.host().empty()) throw InvalidInput("objects.url: the host is missing");
  if (url.segments().size() != 1 || url.segments().front().empty())
    throw InvalidInput("objects.url: the path must be one bucket's name");
  options.bucket = url.segments().front();
  options.access_key = url.user();
  options.secret_key = url.password();
  if (options.access_key.empty() || options.secret_key.empty())
    throw InvalidInput("objects.url: access and secret key are missing");
  options.region = "us-east-1";
  bool tls = true;
  for (const auto& [key, value, has_value] : url.params()) {
    if (key == "region") {
      options.region = value;
    } else if (key == "tls" && (value == "true" || value == "false")) {
      tls = value == "true";
    } else {
      throw InvalidInput("objects.url: unknown parameter '" + key + "', or its value is wrong");
    }
  }
  options.base_url = (tls ? "https://" : "http://") + std::string(url.encoded_host());
  if (url.has_port()) options.base_url += ":" + std::string(url.port());
  return options;
}

std::unique_ptr<Store> open(const std::string& url, http::Client& client, asio::thread_pool& blocking) {
  if (url.starts_with("file://")) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || !parsed->host().empty() || parsed->path().empty())
      throw InvalidInput("objects.url: want file:///folder, not '" + url + "'");
    return open_file_store(parsed->path(), blocking);
  }
  if (url.starts_with("s3://")) return open_s3_store(parse_s3_url(url), client);
  throw InvalidInput(url.empty() ? "objects.url is not set" : "objects.url must begin with file:// or s3://");
}

}  // namespace dalgona::objects
