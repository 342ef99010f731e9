#include "base/objects/objects.h"

#include <boost/url/parse.hpp>

#include "base/objects/keys.h"

namespace dalgona::objects {

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
