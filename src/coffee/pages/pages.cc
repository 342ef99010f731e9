#include "coffee/pages/pages.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/http/coding.h"
#include "base/text.h"

namespace dalgona::coffee {
namespace {

constexpr std::string_view kNotBuilt = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>dalgona</title></head>
<body><h1>The pages are not built</h1>
<p>This server answers the REST API (docs/api.md), but the folder web/dist with the pages is missing. <code>./run build</code> makes it; then load this page again.</p>
</body></html>
)";

// A path without a file extension is a place in the pages' own router.
bool is_place(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.find('.') == std::string_view::npos;
}

void add_security_headers(http::Response& response, const std::string& policy) {
  response.headers.set("Content-Security-Policy", policy);
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
}

http::Response file_response(const PageFile& file, const http::Request& request) {
  const auto wanted = http::preferred_coding(request.headers.get_or("Accept-Encoding", ""));
  auto form = file.forms.find(wanted);
  if (form == file.forms.end()) form = file.forms.find(http::Coding::kIdentity);
  http::Response response;
  response.compressible = false;  // done already
  response.headers.set("ETag", form->second.etag);
  response.headers.set("Vary", "Accept-Encoding");
  response.headers.set("Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (const auto known = request.headers.get("If-None-Match"); known && none_match_has(*known, form->second.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", file.type);
  if (form->first != http::Coding::kIdentity)
    response.headers.set("Content-Encoding", std::string(http::name_of(form->first)));
  response.body = form->second.bytes;
  return response;
}

}  // namespace

std::string content_security_policy(const std::vector<std::string>& image_sources) {
  std::string images = "'self' data:";
  for (const auto& source : image_sources) images += " " + source;
  return fmt::format(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src {}; font-src 'self'; connect-src 'self'; "
      "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      images);
}

bool none_match_has(std::string_view if_none_match, std::string_view etag) {
  for (std::string_view each : split(if_none_match, ',')) {
    each = trim(each);
    if (each == "*") return true;
    if (each.starts_with("W/")) each.remove_prefix(2);
    if (each == etag) return true;
  }
  return false;
}

http::Response page_response(const Bundle& bundle, const http::Request& request, const std::string& policy) {
  std::string_view path = request.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  const PageFile* file = bundle.find(path);
  if (!file && is_place(path)) file = bundle.find("index.html");
  http::Response response;
  if (file) {
    response = file_response(*file, request);
  } else if (bundle.empty() && is_place(path)) {
    response = http::Response::text(503, std::string(kNotBuilt), "text/html; charset=utf-8");
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("Retry-After", "5");
  } else {
    response = http::Response::problem(404, "Not Found", "no such file");
  }
  add_security_headers(response, policy);
  return response;
}

void add_page_routes(http::Router& router, Pages& pages, const Clock& clock, std::vector<std::string> image_sources) {
  const http::Handler serve = [&pages, &clock, policy = content_security_policy(image_sources)](
                                  http::Request& request) -> Task<http::Response> {
    const auto bundle = pages.current(clock.now());
    co_return page_response(*bundle, request, policy);
  };
  router.get("/", serve);
  router.get("/{rest...}", serve);
}

}  // namespace dalgona::coffee
