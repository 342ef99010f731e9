#include "support/warehouse_way.h"

#include <utility>

#include <fmt/format.h>

namespace dalgona::test {

namespace {
constexpr const char* kCode = "X-ClickHouse-Exception-Code";
}

WarehouseWay::WarehouseWay(std::string warehouse, Handler handler)
    : warehouse_(std::move(warehouse)),
      server_(runtime_, router(std::move(handler)), {}),
      thread_([this] { runtime_.run(false); }) {
  server_.start();
}

WarehouseWay::~WarehouseWay() {
  runtime_.stop(0);
  thread_.join();
}

std::string WarehouseWay::url() const {
  return fmt::format("http://127.0.0.1:{}", server_.port());
}

http::Router WarehouseWay::router(Handler handler) {
  http::Router router;
  router.post("/", std::move(handler), {.decode_body = false, .max_body = 1 << 26});
  return router;
}

Task<http::Response> WarehouseWay::hand_on(const http::Request& request) {
  http::ClientRequest onwards;
  onwards.method = "POST";
  onwards.url = warehouse_ + request.target;
  onwards.body = request.body;
  auto answer = co_await client_.send(std::move(onwards));
  auto response = http::Response::text(answer.status, std::move(answer.body));
  if (const auto code = answer.headers.get(kCode)) response.headers.set(kCode, *code);
  co_return response;
}

http::Response WarehouseWay::refusal(int status, int code, std::string text) {
  auto response = http::Response::text(status, std::move(text));
  response.headers.set(kCode, std::to_string(code));
  return response;
}

}  // namespace dalgona::test
