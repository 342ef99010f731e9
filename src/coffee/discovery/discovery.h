// discovery-service: profiles, posts, their series, and search.
#pragma once
#include "base/http/server.h"
#include "coffee/context.h"

namespace dalgona::coffee::discovery {

// `context` must outlive the server.
void add_profile_routes(http::Router& router, const Context& context);
void add_content_routes(http::Router& router, const Context& context);
void add_search_routes(http::Router& router, const Context& context);
void add_post_routes(http::Router& router, const Context& context);

}  // namespace dalgona::coffee::discovery
