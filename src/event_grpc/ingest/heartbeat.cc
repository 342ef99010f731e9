#include "event_grpc/ingest/heartbeat.h"

#include <boost/json.hpp>

#include "base/errors.h"

namespace dalgona::event_grpc {

void add_heartbeat(http::Router& router, Draining& draining, std::function<bool()> ready,
                   std::function<void(bool)> on_change) {
  auto was_ready = std::make_shared<std::atomic<bool>>(false);
  router.get("/heartbeat", [&draining, was_ready, ready = std::move(ready)](http::Request&) -> Task<http::Response> {
    if (!*was_ready && ready()) *was_ready = true;
    if (!*was_ready) co_return http::Response::text(503, "starting\n");
    if (draining) co_return http::Response::text(410, "draining\n");
    co_return http::Response::text(200, "ok\n");
  });
  router.add(
      "PUT", "/heartbeat",
      [&draining, on_change = std::move(on_change)](http::Request& request) -> Task<http::Response> {
        boost::system::error_code error;
        const auto body = boost::json::parse(request.body.empty() ? "null" : request.body, error);
        const auto* beat = !error && body.is_object() ? body.get_object().if_contains("beat") : nullptr;
        if (!beat || !beat->is_bool())
          throw InvalidInput(R"(the body is {"beat": false} to drain or {"beat": true} to work)");
        draining = !beat->get_bool();
        on_change(draining);
        co_return http::Response::json(200, boost::json::serialize(boost::json::object{{"beat", beat->get_bool()}}));
      });
}

}  // namespace dalgona::event_grpc
