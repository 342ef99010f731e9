// /api/status and /api/meta: how much there is, and what can be asked for.
#pragma once
#include <memory>

#include "base/http/server.h"
#include "coffee/context.h"

namespace dalgona::coffee::status {

// `context` must outlive the server.
void add_status_routes(http::Router& router, const Context& context);

}  // namespace dalgona::coffee::status
