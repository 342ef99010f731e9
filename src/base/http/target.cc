#include "base/http/target.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/http/curl_handles.h"
#include "base/log.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

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

}  // namespace

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

std::string peer_of(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return "?";
  return url.substr(0, url.find_first_of("/?#", start + 3));
}

}  // namespace dalgona::http
