// All routes of the API behind one gate.
#pragma once
#include "base/http/server.h"
#include "coffee/access/gate.h"
#include "coffee/context.h"

namespace dalgona::coffee {

// Adds every endpoint, and for all other paths under the API's roots an answer that says so: 405 when the path takes
// another method, else 404. `context` and `gate` must outlive the server.
void add_api_routes(http::Router& router, const Context& context, Gate& gate);

}  // namespace dalgona::coffee
