// Events from outside: gRPC and HTTP round trips down to the rows, refusals, signatures and push-back.
#include <boost/json.hpp>
#include <eventservice.grpc.pb.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "dalgona/probe.h"
#include "support/events_house.h"

namespace dalgona::test {
namespace {

using testing::HasSubstr;

std::unique_ptr<event::EventService::Stub> stub_of(uint16_t port) {
  return event::EventService::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
}

event::Events events_of(const std::string& device, int count) {
  event::Events events;
  events.mutable_header()->set_deviceid(device);
  events.mutable_header()->set_os("android");
  for (int i = 0; i < count; ++i) {
    auto* e = events.add_events();
    e->set_id(device + "-" + std::to_string(i));
    e->set_timestamp(1'790'000'000'000 + i);
    e->mutable_clickevent()->set_widgetname("w" + std::to_string(i));
  }
  return events;
}

grpc::Status dispatch(event::EventService::Stub& stub, const event::Events& events, event::Response& response,
                      const std::string& key = "") {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  if (!key.empty()) context.AddMetadata("authorization", "Bearer " + key);
  return stub.dispatch(&context, events, &response);
}

std::string count_of(const std::string& device, const std::string& table = "event") {
  return "SELECT count() FROM _e." + table + " WHERE device_id = '" + device + "'";
}

TEST(EventsIngest, GrpcEventsBecomeRowsAndARetryChangesNothing) {
  auto& house = EventsHouse::shared();
  const auto stub = stub_of(house.grpc_port());
  event::Response response;
  const auto events = events_of("grpc-1", 10);
  for (int i = 0; i < 2; ++i) {
    const auto status = dispatch(*stub, events, response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.accepted(), 10);
  }
  ASSERT_TRUE(dispatch(*stub, events_of("grpc-2", 1), response).ok());
  EXPECT_EQ(house.query_until(count_of("grpc-2"), "1"), "1");
  EXPECT_EQ(house.query_until(count_of("grpc-1"), "10"), "10");
  EXPECT_EQ(house.query_until(count_of("grpc-1", "click_event"), "10"), "10");
  EXPECT_EQ(
      house.query("SELECT widget_name FROM _e.click_event WHERE device_id = 'grpc-1' ORDER BY event_timestamp LIMIT 1"),
      "w0");
}

TEST(EventsIngest, IncompleteEventsAreInvalidArguments) {
  const auto stub = stub_of(EventsHouse::shared().grpc_port());
  event::Response response;
  auto events = events_of("", 1);
  auto status = dispatch(*stub, events, response);
  EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("Incomplete event"));
  events = events_of("d", 1);
  events.mutable_events(0)->mutable_clickevent()->set_targeturl(std::string(5 << 20, 'x'));
  EXPECT_EQ(dispatch(*stub, events, response).error_code(), grpc::RESOURCE_EXHAUSTED);
}

TEST(EventsIngest, AStreamOfRequestsIsAnsweredOnceWithTheCount) {
  auto& house = EventsHouse::shared();
  const auto stub = stub_of(house.grpc_port());
  grpc::ClientContext context;
  event::Response response;
  auto writer = stub->dispatchStream(&context, &response);
  for (int i = 0; i < 300; ++i) {
    auto events = events_of("stream-1", 10);
    for (auto& e : *events.mutable_events()) e.set_id(e.id() + "/" + std::to_string(i));
    ASSERT_TRUE(writer->Write(events));
  }
  writer->WritesDone();
  const auto status = writer->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.accepted(), 3000);
  EXPECT_EQ(house.query_until(count_of("stream-1"), "3000"), "3000");

  grpc::ClientContext second;
  auto wrong = stub->dispatchStream(&second, &response);
  wrong->Write(events_of("stream-2", 1));
  wrong->Write(events_of("", 1));
  wrong->WritesDone();
  EXPECT_EQ(wrong->Finish().error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(house.query_until(count_of("stream-2"), "1"), "1");
}

TEST(EventsIngest, HealthIsServingAndHeartbeatDrains) {
  auto& house = EventsHouse::shared();
  const auto heartbeat = [&](const std::string& method, const std::string& body) {
    http::ClientRequest request;
    request.method = method;
    request.url = house.role().url() + "/heartbeat";
    request.body = body;
    return house.http().send_blocking(std::move(request)).status;
  };
  EXPECT_EQ(heartbeat("GET", ""), 200);
  EXPECT_EQ(heartbeat("PUT", R"({"beat":false})"), 200);
  EXPECT_EQ(heartbeat("GET", ""), 410);
  EXPECT_EQ(heartbeat("PUT", R"({"beat":true})"), 200);
  EXPECT_EQ(heartbeat("PUT", "x"), 400);
  EXPECT_EQ(heartbeat("GET", ""), 200);
  // The health service by hand: an empty request asks for the whole server; field 1 of the answer is 1, SERVING.
  const auto channel =
      grpc::CreateChannel("127.0.0.1:" + std::to_string(house.grpc_port()), grpc::InsecureChannelCredentials());
  grpc::ClientContext context;
  const grpc::Slice nothing;
  grpc::ByteBuffer request(&nothing, 1), response;
  grpc::GenericStub health(channel);
  std::promise<grpc::Status> answered;
  health.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                   [&](const grpc::Status& s) { answered.set_value(s); });
  const auto status = answered.get_future().get();
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<grpc::Slice> slices;
  response.Dump(&slices);
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()), "\x08\x01");
}

TEST(EventsIngest, HttpEventsInAllTheirForms) {
  auto& house = EventsHouse::shared();
  const auto body = [](const std::string& device, int n) {
    return R"({"header":{"deviceId":")" + device + R"("},"events":[{"id":")" + std::to_string(n) +
           R"(","timestamp":1790000000000,"pageOpenedEvent":{"pageName":"home"}}]})";
  };
  auto response = house.post("/events", body("http-1", 1));
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(house.post("/events", "[" + body("http-1", 2) + "," + body("http-1", 3) + "]").status, 200);
  const http::Headers lines{{"Content-Type", "application/x-ndjson"}};
  EXPECT_EQ(house.post("/events", body("http-1", 4) + "\n" + body("http-1", 5) + "\n", lines).body,
            R"({"status":"SUCCESS","accepted":2})");
  EXPECT_EQ(house.post("/vidooly/event", body("http-1", 6)).status, 200);
  EXPECT_EQ(house.query_until(count_of("http-1"), "6"), "6");

  response = house.post("/events", body("http-2", 1) + "\n{\"header\":{\"device\":\"x\"}}", lines);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("line 2"));
  response = house.post("/events", R"({"events":[]})");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("Incomplete event"));
  EXPECT_EQ(house.post("/events", std::string(5 << 20, ' ')).status, 413);
  EXPECT_EQ(house.query(count_of("http-2")), "0");
}

TEST(EventsIngest, EventsInAStreamsOwnFormAreAllTakenOrNone) {
  auto& house = EventsHouse::shared();
  const auto line = [](const std::string& user, const std::string& time) {
    return R"({"userId":")" + user + R"(","activityType":"SEARCH","time":")" + time + "\"}\n";
  };
  const http::Headers lines{{"Content-Type", "application/x-ndjson"}};
  EXPECT_EQ(
      house.post("/events/activity_tracker", line("own-1", "2026-11-01") + line("own-2", "2026-11-02"), lines).status,
      200);
  const auto wrong = house.post("/events/activity_tracker", line("own-3", "2026-11-01") + line("own-4", "soon"), lines);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("time: 'soon' is no time"));
  const auto unknown = house.post("/events/activity_traker", "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("did you mean 'activity_tracker'?"));
  const auto sql = "SELECT count() FROM _e.activity_tracker WHERE user_id LIKE 'own-%'";
  EXPECT_EQ(house.query_until(sql, "2"), "2");
}

std::string sign(const std::string& secret, const std::string& body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), int(secret.size()), reinterpret_cast<const unsigned char*>(body.data()),
       body.size(), digest, &size);
  std::string text(64, '\0');
  text.resize(size_t(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), digest, int(size))));
  return text;
}

TEST(EventsIngest, ShopifysSignatureIsAskedFor) {
  auto& house = EventsHouse::shared();
  const std::string order = R"({ "id" : 77, "total_price":"10.00","currency":"INR" })";
  const auto headers = [](const std::string& signature) {
    return http::Headers{{"X-Shopify-Topic", "orders/create"},
                         {"X-Shopify-Shop-Domain", "signed.myshop"},
                         {"X-Shopify-Webhook-Id", "hook-1"},
                         {"X-Shopify-Triggered-At", "2026-11-14T22:13:20.123Z"},
                         {"X-Shopify-Hmac-Sha256", signature}};
  };
  const auto right = sign(EventsHouse::kShopifySecret, order);
  EXPECT_EQ(house.post("/shopify/event", order, headers("")).status, 401);
  EXPECT_EQ(house.post("/shopify/event", order + " ", headers(right)).status, 401);
  EXPECT_EQ(house.post("/shopify/event", order, headers(sign("wrong", order))).status, 401);
  // Shopify sends again what was not answered in time.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(house.post("/shopify/event", order, headers(right)).status, 200);
  const std::string wanted = "1\t77\torders/create\t10.00\t2026-11-14 22:13:20.123000";
  const auto sql =
      "SELECT count(), any(id), any(topic), any(total_price), any(triggered_at) FROM _e.shopify_event WHERE shop = "
      "'signed.myshop'";
  EXPECT_EQ(house.query_until(sql, wanted), wanted);
}

TEST(EventsIngest, WebhooksOfTheOtherSenders) {
  auto& house = EventsHouse::shared();
  EXPECT_EQ(house.post("/branch/event", R"({"name":"HOOK","timestamp":1790000000000,"user_data":{"os":"IOS"}})").status,
            200);
  EXPECT_EQ(house.post("/graphy/event", R"({"event":"hook.paid","email":"hook@x"})").status, 200);
  EXPECT_EQ(house
                .post("/webengage/event",
                      R"({"userId":"hook","eventName":"Hook","eventTime":"2026-11-14T22:13:20+0530","eventData":{}})")
                .status,
            200);
  EXPECT_EQ(house.post("/webengage/event", R"({"userId":"hook-user","city":"Pune"})").status, 200);
  EXPECT_EQ(house.post("/branch/event", "not json").status, 400);
  EXPECT_EQ(house.query_until("SELECT os FROM _e.branch_event WHERE event_name = 'HOOK'", "IOS"), "IOS");
  EXPECT_EQ(house.query_until("SELECT event_name FROM _e.graphy_event WHERE email = 'hook@x'", "hook_paid"),
            "hook_paid");
  EXPECT_EQ(house.query_until("SELECT event_timestamp FROM _e.webengage_event WHERE user_id = 'hook'",
                              "2026-11-14 16:43:20.000000"),
            "2026-11-14 16:43:20.000000");
  EXPECT_EQ(house.receiver().wait_for("\"Hook\"", 1, std::chrono::seconds{20}).size(), 1u);
  EXPECT_EQ(house.receiver().wait_for("hook-user", 1, std::chrono::seconds{20}).size(), 1u);
}

// Broker stopped: nothing is confirmed, so nothing is answered as taken; a full buffer pushes back at once; when the
// broker is there again everything that was answered as taken, and nothing twice, is in the warehouse.
TEST(EventsIngest, AFullBufferPushesBackAndLosesNothing) {
  auto& house = EventsHouse::shared();
  auto& home = house.home();
  Role small = home.start_role("event-grpc", {{"postgres.url", home.postgres_url()},
                                              {"event_grpc.streams", "[activity_tracker]"},
                                              {"event_grpc.ingest_buffer", "16KiB"},
                                              {"event_grpc.api_keys", "[right]"}});
  const auto port_line = small.log_text();
  const auto at = port_line.find("grpc_port=");
  ASSERT_NE(at, port_line.npos);
  const auto grpc_port = uint16_t(std::stoi(port_line.substr(at + 10)));
  const auto stub = stub_of(grpc_port);
  event::Response response;
  EXPECT_EQ(dispatch(*stub, events_of("full", 1), response).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(dispatch(*stub, events_of("full", 1), response, "wrong").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_TRUE(dispatch(*stub, events_of("full", 1), response, "right").ok());
  const auto post = [&](const std::string& key) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = small.url() + "/events";
    request.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer " + key}};
    request.body =
        R"({"header":{"deviceId":"full"},"events":[{"id":"h","timestamp":1790000000000,"logoutEvent":{"reason":"x"}}]})";
    request.timeout = std::chrono::seconds(60);
    return house.http().send_blocking(std::move(request));
  };
  EXPECT_EQ(post("wrong").status, 401);

  ASSERT_EQ(::kill(home.rabbitmq().pid(), SIGSTOP), 0);
  std::vector<std::thread> senders;
  std::atomic<int> taken{0}, pushed_back{0}, away{0};
  for (int i = 0; i < 40; ++i)
    senders.emplace_back([&, i] {
      auto events = events_of("full-" + std::to_string(i), 5);
      event::Response answer;
      const auto status = dispatch(*stub_of(grpc_port), events, answer, "right");
      if (status.ok())
        ++taken;
      else if (status.error_code() == grpc::RESOURCE_EXHAUSTED)
        ++pushed_back;
      else if (status.error_code() == grpc::UNAVAILABLE || status.error_code() == grpc::DEADLINE_EXCEEDED)
        ++away;
    });
  EXPECT_TRUE(probe::wait_until([&] { return pushed_back > 0; }, [] { return true; }, std::chrono::seconds{15}));
  EXPECT_EQ(taken, 0);
  const auto refused = post("right");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get_or("Retry-After", ""), "1");
  ASSERT_EQ(::kill(home.rabbitmq().pid(), SIGCONT), 0);
  for (auto& sender : senders) sender.join();
  EXPECT_EQ(taken + pushed_back + away, 40);
  EXPECT_GT(taken, 0);
  // What was given up on may have come as well; what was taken has, once.
  EXPECT_EQ(
      house.query_until("SELECT toUInt8(uniqExact(device_id) >= " + std::to_string(taken.load()) +
                            "), toUInt8(count() = uniqExact(event_id)) FROM _e.event WHERE device_id LIKE 'full-%'",
                        "1\t1"),
      "1\t1");
  small.stop();
}

}  // namespace
}  // namespace dalgona::test
