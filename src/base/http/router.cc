#include <algorithm>

#include "base/errors.h"
#include "base/http/server.h"
#include "base/text.h"

namespace dalgona::http {
namespace {

std::vector<std::string> segments_of(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  std::vector<std::string> segments;
  for (const std::string_view segment : split(path, '/')) segments.emplace_back(segment);
  return segments;
}

bool is_rest(std::string_view segment) {
  return segment.size() > 5 && segment.starts_with('{') && segment.ends_with("...}");
}
bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}') && !is_rest(segment);
}

// 0 literal, 1 parameter, 2 rest: what compares smaller is the better match.
std::string specificity(const Router::Route& route) {
  std::string kinds;
  for (const std::string& segment : route.segments) kinds += is_rest(segment) ? '2' : is_parameter(segment) ? '1' : '0';
  return kinds;
}

bool fits(const Router::Route& route, const std::vector<std::string>& path,
          std::vector<std::pair<std::string, std::string>>& params) {
  params.clear();
  for (size_t i = 0; i < route.segments.size(); ++i) {
    const std::string& segment = route.segments[i];
    if (is_rest(segment)) {
      std::string rest;
      for (size_t j = i; j < path.size(); ++j) rest += (j > i ? "/" : "") + percent_decode(path[j]);
      params.emplace_back(segment.substr(1, segment.size() - 5), std::move(rest));
      return true;
    }
    if (i >= path.size()) return false;
    if (is_parameter(segment)) {
      if (path[i].empty()) return false;
      params.emplace_back(segment.substr(1, segment.size() - 2), percent_decode(path[i]));
    } else if (percent_decode(path[i]) != segment) {
      return false;
    }
  }
  return route.segments.size() == path.size();
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
  if (!pattern.starts_with('/')) throw Permanent("a route must start with '/': " + pattern);
  std::vector<std::string> segments = segments_of(pattern);
  for (size_t i = 0; i + 1 < segments.size(); ++i)
    if (is_rest(segments[i])) throw Permanent("only the last segment of a route may take the rest: " + pattern);
  for (const Route& route : routes_)
    if (route.method == method && route.pattern == pattern) throw Permanent("route is there twice: " + pattern);
  routes_.push_back(Route{.method = std::move(method),
                          .pattern = std::move(pattern),
                          .segments = std::move(segments),
                          .handler = std::move(handler),
                          .options = options});
}

void Router::use(Middleware middleware) {
  middlewares_.push_back(std::move(middleware));
}

std::vector<const Router::Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const Route& route : routes_) all.push_back(&route);
  return all;
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  const std::vector<std::string> segments = segments_of(path);
  Match best;
  std::string best_kinds;
  bool best_exact = false;
  std::vector<std::string> allowed;
  std::vector<std::pair<std::string, std::string>> params;
  for (const Route& route : routes_) {
    if (!fits(route, segments, params)) continue;
    allowed.push_back(route.method);
    const bool exact = route.method == method;
    if (!exact && !(method == "HEAD" && route.method == "GET")) continue;
    const std::string kinds = specificity(route);
    if (best.route && (kinds > best_kinds || (kinds == best_kinds && best_exact))) continue;
    best.route = &route;
    best.params = params;
    best_kinds = kinds;
    best_exact = exact;
  }
  best.path_known = !allowed.empty();
  if (std::find(allowed.begin(), allowed.end(), "GET") != allowed.end()) allowed.emplace_back("HEAD");
  if (best.path_known) allowed.emplace_back("OPTIONS");
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  for (const std::string& name : allowed) best.allow += (best.allow.empty() ? "" : ", ") + name;
  return best;
}

std::string Request::param(std::string_view name) const {
  for (const auto& [key, value] : path_params)
    if (key == name) return value;
  throw Permanent("the route has no parameter {" + std::string(name) + "}");
}

}  // namespace dalgona::http
