// Whether a request certainly comes from this machine and means this machine; pure.
#pragma once
#include <string_view>

#include "base/http/server.h"

namespace dalgona::coffee {

// "127.0.0.1", "127.x.y.z", "::1", "::ffff:127.0.0.1"; no port.
bool is_loopback_address(std::string_view address);
// The Host header: localhost, a loopback address or [::1], with or without a port. Any other name may be one that a
// stranger points at this machine (DNS rebinding).
bool is_loopback_host(std::string_view host);
// Peer and Host are loopback and no proxy says that it speaks for somebody else.
bool is_local_request(const http::Request& request);

}  // namespace dalgona::coffee
