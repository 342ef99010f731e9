// leaderboard-service: creators by month, and posts by growth of views. Both read what stir published, by the rank that
// stir gave, so that any page is one range of one index.
#pragma once
#include "base/http/server.h"
#include "coffee/context.h"

namespace dalgona::coffee::leaderboard {

// `context` must outlive the server.
void add_leaderboard_routes(http::Router& router, const Context& context);
void add_posts_routes(http::Router& router, const Context& context);

}  // namespace dalgona::coffee::leaderboard
