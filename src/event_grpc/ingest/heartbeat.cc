#include "event_grpc/ingest/heartbeat.h"

#include "base/errors.h"

namespace dalgona::event_grpc {

void add_heartbeat(http::Router& router, Draining& draining, std::function<bool()> ready) {
  auto was_ready = std::make_shared<std::atomic<bool>>(false);
  router.get("/heartbeat", [&draining, was_ready, ready = std::move(ready)](http::Request&) -> Task<http::Response> {
    if (!*was_ready && ready()) *was_ready = true;
    if (!*was_ready) co_return http::Response::text(503, "starting\n");
    if (draining) co_return http::Response::text(410, "draining\n");
    co_return http::Response::text(200, "ok\n");
  });
  router.add("PUT", "/heartbeat", [&draining](http::Request& request) -> Task<http::Response> {
    const auto beat = request.query.get_or("beat", "");
    if (beat != "true" && beat != "false") throw InvalidInput("beat: must be true or false");
    draining = beat == "false";
    co_return http::Response::text(200, draining ? "draining\n" : "ok\n");
  });
}

}  // namespace dalgona::event_grpc
