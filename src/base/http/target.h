// Where a request goes: its URL, checked.
#pragma once
#include <string>

namespace dalgona::http {

struct Target {
  std::string url;
  bool loopback = false;  // such a host is never asked through a proxy
};

// Throws Permanent for what is no http or https URL, and for one with credentials in it. `sort_query`: for a signed
// request, whose query must stand in the order of the signature.
Target parse_target(const std::string& text, bool sort_query);

// Scheme and host without path or query: enough to find the peer, and a key in the query never reaches a log.
std::string peer_of(const std::string& url);

}  // namespace dalgona::http
