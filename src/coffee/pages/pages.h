// Every GET that is no API: a file of the bundle, or its index.html where the pages' own router takes over.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/server.h"
#include "coffee/pages/bundle.h"

namespace dalgona::coffee {

// Default-deny but for the pages' own files; `image_sources` are hosts that images may come from besides.
std::string content_security_policy(const std::vector<std::string>& image_sources);

// The answer for `request.path`; pure but for the bundle.
http::Response page_response(const Bundle& bundle, const http::Request& request, const std::string& policy);

// The client's If-None-Match has this entity tag (weak comparison, "*" included).
bool none_match_has(std::string_view if_none_match, std::string_view etag);

// True for paths that belong to the API: what is unknown there is a 404 problem and never a page.
bool is_api_path(std::string_view path);

// Adds the routes "/" and "/{rest...}". `pages` and `clock` must outlive the server.
void add_page_routes(http::Router& router, Pages& pages, const Clock& clock, std::vector<std::string> image_sources);

}  // namespace dalgona::coffee
