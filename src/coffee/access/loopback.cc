#include "coffee/access/loopback.h"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "base/text.h"

namespace dalgona::coffee {
namespace {

// What proxies add.
constexpr std::string_view kProxied[] = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"};

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_loopback_address(std::string_view address) {
  boost::system::error_code failed;
  const auto parsed = boost::asio::ip::make_address(std::string(address), failed);
  if (failed) return false;
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6()).is_loopback();
  return parsed.is_loopback();
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view after = host.substr(end + 1);
    if (!after.empty() && !(after.starts_with(':') && is_port(after.substr(1)))) return false;
    const std::string_view inside = host.substr(1, end - 1);
    return inside.find(':') != std::string_view::npos && inside.find('%') == std::string_view::npos &&
           is_loopback_address(inside);
  }
  if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return to_lower_ascii(host) == "localhost" || is_loopback_address(host);
}

bool is_local_request(const http::Request& request) {
  const std::string_view remote = request.remote_address;
  const size_t colon = remote.rfind(':');
  std::string_view peer = remote.substr(0, colon);
  if (peer.starts_with('[') && peer.ends_with(']')) peer = peer.substr(1, peer.size() - 2);
  if (!is_loopback_address(peer)) return false;
  const auto host = request.headers.get("Host");
  if (!host || !is_loopback_host(*host)) return false;
  return std::none_of(std::begin(kProxied), std::end(kProxied),
                      [&](std::string_view name) { return request.headers.get(name).has_value(); });
}

}  // namespace dalgona::coffee
