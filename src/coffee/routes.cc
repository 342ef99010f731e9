#include "coffee/routes.h"

#include <memory>

#include "coffee/api/body.h"
#include "coffee/api/refusal.h"
#include "coffee/discovery/discovery.h"
#include "coffee/leaderboard/leaderboard.h"
#include "coffee/status/status.h"

namespace dalgona::coffee {
namespace {

// What is behind the gate, without it: also the table in which the answer for unknown paths looks.
http::Router endpoints(const Context& context) {
  http::Router router;
  status::add_status_routes(router, context);
  discovery::add_profile_routes(router, context);
  discovery::add_content_routes(router, context);
  discovery::add_search_routes(router, context);
  discovery::add_post_routes(router, context);
  leaderboard::add_leaderboard_routes(router, context);
  leaderboard::add_posts_routes(router, context);
  return router;
}

}  // namespace

void add_api_routes(http::Router& router, const Context& context, Gate& gate) {
  const auto table = std::make_shared<const http::Router>(endpoints(context));
  const auto behind_gate = [&gate](http::Handler handler) -> http::Handler {
    return [&gate, handler = std::move(handler)](http::Request& request) { return gate.pass(request, handler); };
  };
  for (const http::Router::Route* route : table->routes())
    router.add(route->method, route->pattern, behind_gate(route->handler), route->options);

  const http::Handler unknown = behind_gate([table](http::Request& request) -> Task<http::Response> {
    const std::string path = request.target.substr(0, request.target.find('?'));
    const auto match = table->match(request.method, path);
    if (match.path_known) {
      http::Headers allow{{"Allow", match.allow}};
      throw Refusal(405, "Method Not Allowed", "this path takes " + match.allow, std::move(allow));
    }
    throw not_found("no endpoint at " + request.path + "; docs/api.md lists them");
  });
  // "/{rest...}" serves pages to GET, so each root and method has its own answer here.
  for (const char* root : {"/api", "/discovery-service", "/leaderboard-service"})
    for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
      router.add(method, root, unknown, {.max_body = kMaxBody});
      router.add(method, std::string(root) + "/{rest...}", unknown, {.max_body = kMaxBody});
    }
}

}  // namespace dalgona::coffee
