// Clients that leave, read or send too slowly, or are too many.
#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/server_fixture.h"

namespace dalgona::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::StartsWith;

TEST_F(HttpServer, TellsAHandlerThatTheClientHasGone) {
  std::promise<void> gone;
  std::atomic<bool> cut{false};
  router_.get("/wait", [&](Request& request) -> Task<Response> {
    auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, 20s);
    request.on_disconnect([&gone, timer] {
      gone.set_value();
      timer->cancel();
    });
    try {
      co_await timer->async_wait(asio::use_awaitable);
    } catch (const boost::system::system_error&) {
    }
    co_return Response::text(200, "late");
  });
  router_.add("POST", "/body",
              [&](Request& request) -> Task<Response> {
                try {
                  while (!(co_await request.stream->next()).empty()) {
                  }
                } catch (const Cancelled&) {
                  cut = true;
                  throw;
                }
                co_return Response::text(200, "whole");
              },
              {.stream_body = true, .max_body = 0});
  start();
  RawClient client(server_->port());
  client.send(get("/wait"));
  std::this_thread::sleep_for(50ms);
  client.close();
  EXPECT_EQ(gone.get_future().wait_for(5s), std::future_status::ready);

  RawClient other(server_->port());
  other.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  other.end_sending();
  EXPECT_EQ(other.read_all(), "");
  EXPECT_TRUE(cut);
}

// Writes pieces of that size until it is told that the client has gone.
Handler endless(size_t size, std::promise<void>& cancelled) {
  return [size, &cancelled](Request&) -> Task<Response> {
    Response response;
    response.body = [size, &cancelled](BodyWriter& out) -> Task<void> {
      const std::string piece(size, 'p');
      try {
        for (;;) co_await out.write(piece);
      } catch (const Cancelled&) {
        cancelled.set_value();
        throw;
      }
    };
    co_return response;
  };
}

TEST_F(HttpServer, WriterLearnsThatTheClientHasGone) {
  std::promise<void> cancelled;
  router_.get("/", endless(100'000, cancelled));
  start();
  RawClient client(server_->port());
  client.send(get("/"));
  client.read_until("ppp");
  client.close();
  EXPECT_EQ(cancelled.get_future().wait_for(5s), std::future_status::ready);
}

TEST_F(HttpServer, SlowReadersRunIntoTheWriteTimeout) {
  std::promise<void> cancelled;
  router_.get("/", endless(1 << 20, cancelled));
  start({.write_timeout = 200ms});
  RawClient client(server_->port());
  client.send(get("/"));
  EXPECT_EQ(cancelled.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(HttpServer, SlowSendersRunIntoTheReadTimeout) {
  router_.post("/", kEcho);
  start({.idle_timeout = 200ms, .read_timeout = 200ms});
  EXPECT_THAT(exchange("GET / HT"), StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), StartsWith("HTTP/1.1 408"));
  RawClient silent(server_->port());
  EXPECT_EQ(silent.read_all(), "");
  // A drip inside the header does not move its deadline.
  RawClient drip(server_->port());
  const auto from = std::chrono::steady_clock::now();
  for (int i = 0; i < 20 && drip.try_send("G"); ++i) std::this_thread::sleep_for(30ms);
  drip.read_all();
  EXPECT_LT(std::chrono::steady_clock::now() - from, 3500ms);
}

// Each drop comes in time; all of them together do not.
TEST_F(HttpServer, ABodyThatDripsRunsIntoTheRate) {
  router_.post("/", kEcho);
  start({.read_timeout = 400ms, .min_body_rate = 1000});
  RawClient drip(server_->port());
  drip.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  const auto from = std::chrono::steady_clock::now();
  for (int i = 0; i < 100 && drip.try_send("x"); ++i) std::this_thread::sleep_for(50ms);
  EXPECT_THAT(drip.read_all(), StartsWith("HTTP/1.1 408"));
  EXPECT_LT(std::chrono::steady_clock::now() - from, 4500ms);
  // As slow a body that earns its time is taken.
  RawClient steady(server_->port());
  steady.send("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000\r\n\r\n");
  for (int i = 0; i < 20; ++i) {
    steady.send(std::string(100, 'y'));
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_THAT(steady.read_all(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServer, MoreConnectionsThanAllowedWaitTheirTurn) {
  start({.max_connections = 2});
  auto first = std::make_unique<RawClient>(server_->port());
  RawClient second(server_->port());
  first->send(get("/heartbeat", ""));
  second.send(get("/heartbeat", ""));
  first->response();
  second.response();
  RawClient third(server_->port());
  third.send(get("/heartbeat"));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(server_->connections(), 2u);
  first.reset();
  EXPECT_THAT(third.read_all(), EndsWith("ok"));
}

}  // namespace
}  // namespace dalgona::http
