#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "base/objects/keys.h"

namespace dalgona::objects {

S3Options parse_s3_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed || parsed->scheme() != "s3")
    throw InvalidInput("objects.url: want s3://access:secret@host:port/bucket?region=R&tls=false");
  const boost::urls::url_view& url = *parsed;
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

}  // namespace dalgona::objects
