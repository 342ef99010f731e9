// Each of the 26 queues: a message as its senders write it goes in, its row comes out where the stream's file says.
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/ids.h"
#include "base/resources.h"
#include "events/catalogue.h"
#include "events/ddl.h"
#include "support/events_house.h"
#include "support/warehouse_http.h"

namespace dalgona::test {
namespace {

struct Case {
  const char *queue, *exchange, *key;
  std::string body;
  std::string sql;     // of the warehouse
  const char* wanted;  // TabSeparated
};

const std::string kHeader =
    R"("header":{"sessionId":"s1","bbDeviceId":"bb1","userId":"u1","deviceId":"d1","os":"android","appVersion":"7.1","appVersionCode":"701","clientId":"app","utmSource":"ad","ppId":"p1"})";

std::string app_event(const std::string& id, const std::string& type, const std::string& payload) {
  return R"({"eventId":")" + id + R"(","type":")" + type +
         R"(","timestamp":1700000000123000,"id":"e1","currentURL":"https://page","payload":)" + payload + "," +
         kHeader + "}";
}

std::string id(int n) {
  return fmt::format("01890a5d-ac96-774b-bcce-b30209910{:03}", n);
}

std::vector<Case> warehouse_cases() {
  const auto beat = [](int n, const std::string& rest) {
    return R"({"event_id":")" + id(n) +
           R"(","source":"graphapi","platform":"INSTAGRAM","event_timestamp":"2023-11-14 22:13:20.123000",)" + rest +
           "}";
  };
  return {
      {"grpc_clickhouse_event_q", "grpc_event.tx", "LAUNCH", app_event(id(1), "LAUNCH", R"({"launchType":"cold"})"),
       "SELECT event_name, event_timestamp, device_id, app_version_code, utm_source, current_url, event_params FROM "
       "_e.event WHERE event_id = '" +
           id(1) + "'",
       "LAUNCH\t2023-11-14 22:13:20.123000\td1\t701\tad\thttps://page\t{\"launchType\":\"cold\"}"},
      {"grpc_clickhouse_event_error_q", "grpc_event_error.dx", "error.grpc_clickhouse_event_q",
       R"({"event_id":")" + id(2) +
           R"(","queue":"grpc_clickhouse_event_q","event_timestamp":"2026-11-14 22:13:20","field":"header.deviceId","error":"header.deviceId: is missing","retry_count":2,"event":"{\"x\":1}"})",
       "SELECT queue, field, error, retry_count, event FROM _e.error_event WHERE event_id = '" + id(2) + "'",
       "grpc_clickhouse_event_q\theader.deviceId\theader.deviceId: is missing\t2\t{\"x\":1}"},
      {"clickhouse_click_event_q", "grpc_event.dx", "CLICK",
       app_event(id(3), "CLICK", R"({"widgetName":"banner","elementId":"b7","position":3,"colour":"red"})"),
       "SELECT widget_name, element_id, position, event_params, user_id FROM _e.click_event WHERE event_id = '" +
           id(3) + "'",
       "banner\tb7\t3\t{\"colour\":\"red\"}\tu1"},
      {"app_init_event_q", "event.dx", "APP_INIT",
       app_event(
           id(4), "APP_INIT",
           R"({"manufacturer":"Acme","osVersion":"14","screenWidth":1080,"firstLaunch":true,"installedAt":1699990000000})"),
       "SELECT manufacturer, os_version, screen_width, first_launch, installed_at, os FROM _e.app_init_event WHERE "
       "event_id = '" +
           id(4) + "'",
       "Acme\t14\t1080\ttrue\t2023-11-14 19:26:40.000000\tandroid"},
      {"launch_refer_event_q", "event.dx", "LAUNCH_REFER_EVENT",
       app_event(id(5), "LAUNCH_REFER", R"({"referralCode":"ABC","referrerUserId":"u9","deepLink":"app://x"})"),
       "SELECT referral_code, referrer_user_id, deep_link FROM _e.launch_refer_event WHERE event_id = '" + id(5) + "'",
       "ABC\tu9\tapp://x"},
      {"ab_assignments", "ab.dx", "ab_assignments",
       R"({"experimentId":"exp1","variantId":"B","user_id":"u1","timestamp":"2023-11-14T22:13:20Z","bucket":17})",
       "SELECT experiment_id, variant_id, user_id, event_timestamp, metadata FROM _e.ab_assignment",
       "exp1\tB\tu1\t2023-11-14 22:13:20.000000\t{\"bucket\":17}"},
      {"branch_event_q", "branch_event.tx", "INSTALL",
       R"({"id":"771","name":"INSTALL","timestamp":1700000000123,"attributed":true,"days_from_last_attributed_touch_to_event":2,"last_attributed_touch_type":"CLICK","last_attributed_touch_data":{"~campaign":"diwali","~tags":["a","b"],"~feature":"ads","$og":"t"},"user_data":{"os":"IOS","geo_country_code":"IN","idfv":"f1","limit_ad_tracking":false},"event_data":{"revenue":12.5},"content_items":[],"custom_data":{"k":"v"},"new_in_api":1})",
       "SELECT event_name, event_timestamp, attributed, touch_campaign, touch_tags, os, country, event_data, "
       "custom_data, user_data, other FROM _e.branch_event WHERE event_name = 'INSTALL'",
       "INSTALL\t2023-11-14 22:13:20.123000\ttrue\tdiwali\t[\"a\",\"b\"]\tIOS\tIN\t{\"revenue\":12.5}\t{\"k\":\"v\"}\t"
       "{\"limit_ad_tracking\":false}\t{\"new_in_api\":1}"},
      {"graphy_event_q", "graphy_event.tx", "enrolled",
       R"({"event":"enrolled","learnerId":"l1","email":"a@b.c","productName":"Course","amount":499.0,"createdAt":"2023-11-14T22:13:20Z"})",
       "SELECT event_name, learner_id, email, product_name, amount, event_timestamp, properties FROM _e.graphy_event "
       "WHERE event_name = "
       "'enrolled'",
       "enrolled\tl1\ta@b.c\tCourse\t499\t2023-11-14 22:13:20.000000\t{\"event\":\"enrolled\"}"},
      {"trace_log", "identity.dx", "*",
       R"({"id":"t1","hostName":"h1","serviceName":"identity","timestamp":"2026-11-14 22:13:20","timeTaken":12,"method":"GET","uri":"/x","headers":{"a":"b"},"responseStatus":200,"remoteAddress":"10.0.0.1","onlyRequest":false,"requestBody":"","responseBody":"{}"})",
       "SELECT id, host_name, service_name, time_taken, method, headers, response_status, only_request, response_body "
       "FROM _e.trace_log_events",
       "t1\th1\tidentity\t12\tGET\t{\"a\":\"b\"}\t200\tfalse\t{}"},
      {"affiliate_orders_event_q", "affiliate.dx", "*",
       R"({"order_id":"o1","platform":"SHOP","referral_code":"ABC","meta":{"n":1},"created_on":"2023-11-14 22:13:20","last_modified_on":"2023-11-14 22:20:00","amount":1299.5,"status":"PAID"})",
       "SELECT order_id, platform, referral_code, meta, amount, status FROM _e.affiliate_order_events",
       "o1\tSHOP\tABC\t{\"n\":1}\t1299.5\tPAID"},
      {"bigboss_votes_log_q", "bigboss", "*",
       R"({"id":"v1","key":"k","vendorcode":"VC","country":"IN","meta":{},"contestantid":"7","identifier":"i","languages":["hi","en"],"timestamp":1700000000})",
       "SELECT id, vendorcode, contestantid, languages, event_timestamp FROM _e.bigboss_vote_log",
       "v1\tVC\t7\t[\"hi\",\"en\"]\t2023-11-14 22:13:20.000000"},
      {"post_log_events_q", "beat.dx", "post_log_events",
       beat(
           14,
           R"("profile_id":"p1","handle":"h","shortcode":"sc","publish_time":"2023-11-01 00:00:00","metrics":[{"key":"likes","value":5},{"key":"plays","value":50}],"dimensions":[{"key":"title","value":"T"}])"),
       "SELECT profile_id, shortcode, JSONExtractInt(metrics, 'likes'), JSONExtractInt(metrics, 'plays'), "
       "JSONExtractString(dimensions, 'title') FROM _e.post_log_events WHERE event_id = '" +
           id(14) + "'",
       "p1\tsc\t5\t50\tT"},
      {"sentiment_log_events_q", "beat.dx", "sentiment_log_events",
       beat(15, R"("shortcode":"sc","comment_id":"c1","comment":"so good","sentiment":"POSITIVE","score":0.93)"),
       "SELECT comment_id, comment, sentiment, score FROM _e.sentiment_log_events", "c1\tso good\tPOSITIVE\t0.93"},
      {"post_activity_log_events_q", "beat.dx", "post_activity_log_events",
       beat(
           16,
           R"("activity_type":"COMMENT","actor_profile_id":"a1","shortcode":"sc","publish_time":null,"metrics":[{"key":"likes","value":1}],"dimensions":[{"key":"text","value":"hi"},{"key":"lang","value":"en"}])"),
       "SELECT activity_type, actor_profile_id, publish_time, metrics, dimensions FROM _e.post_activity_log_events",
       "COMMENT\ta1\t\\N\t{\"likes\":1}\t{\"text\":\"hi\",\"lang\":\"en\"}"},
      {"profile_log_events_q", "beat.dx", "profile_log_events",
       beat(
           17,
           R"("profile_id":"p1","handle":"h","metrics":{"followers":10,"er":1.5},"dimensions":{"country":"IN","bio":"b"})"),
       "SELECT profile_id, handle, metrics, dimensions FROM _e.profile_log_events WHERE event_id = '" + id(17) + "'",
       "p1\th\t{\"followers\":10,\"er\":1.5}\t{\"country\":\"IN\",\"bio\":\"b\"}"},
      {"profile_relationship_log_events_q", "beat.dx", "profile_relationship_log_events",
       beat(
           18,
           R"("relationship_type":"FOLLOWER","source_profile_id":"p1","target_profile_id":"p2","source_metrics":[],"source_dimensions":[],"target_metrics":[{"key":"followers","value":3}],"target_dimensions":[{"key":"handle","value":"x"},{"key":"is_private","value":true}])"),
       "SELECT relationship_type, source_profile_id, target_profile_id, source_metrics, target_metrics, "
       "target_dimensions FROM _e.profile_relationship_log_events",
       "FOLLOWER\tp1\tp2\t{}\t{\"followers\":3}\t{\"handle\":\"x\",\"is_private\":true}"},
      {"scrape_request_log_events_q", "beat.dx", "scrape_request_log_events",
       R"({"event_id":")" + id(19) +
           R"(","scl_id":7,"platform":"YOUTUBE","flow":"refresh_yt_profiles","params":{"ids":["UC1"]},"status":"FAILED","priority":1,"reason":"quota","event_timestamp":"2026-11-14 22:13:20"})",
       "SELECT scl_id, flow, params, status, priority, reason, picked_at FROM _e.scrape_request_log_events",
       "7\trefresh_yt_profiles\t{\"ids\":[\"UC1\"]}\tFAILED\t1\tquota\t\\N"},
      {"order_log_events_q", "beat.dx", "order_log_events",
       beat(
           20,
           R"("platform_order_id":"900","store":"shop1","metrics":{"total_price":99.5,"quantity":2},"dimensions":{"currency":"INR","note":"n"})"),
       "SELECT platform_order_id, store, metrics, dimensions FROM _e.order_log_events",
       "900\tshop1\t{\"total_price\":99.5,\"quantity\":2}\t{\"currency\":\"INR\",\"note\":\"n\"}"},
      {"shopify_events_q", "shopify_event.dx", "shopify_events",
       R"({"topic":"orders/paid","shop":"x.myshop","webhook_id":"w1","body":{"id":450789469,"created_at":"2023-11-14T17:13:20-05:00","total_price":"409.94","currency":"USD","line_items":[{"sku":"a"}],"customer":{"id":1},"gateway":"g"}})",
       "SELECT topic, shop, id, created_at, total_price, currency, line_items, body FROM _e.shopify_event WHERE "
       "webhook_id = 'w1'",
       "orders/paid\tx.myshop\t450789469\t2023-11-14 22:13:20.000000\t409.94\tUSD\t[{\"sku\":\"a\"}]\t{\"gateway\":"
       "\"g\"}"},
      {"webengage_ch_event_q", "webengage_event.dx", "EVENT",
       R"({"userId":"u1","eventName":"Added","eventTime":"2023-11-14T22:13:20+0000","eventData":{"n":1},"extra":true})",
       "SELECT user_id, event_name, event_timestamp, event_data, details FROM _e.webengage_event WHERE event_name = "
       "'Added'",
       "u1\tAdded\t2023-11-14 22:13:20.000000\t{\"n\":1}\t{\"extra\":true}"},
      {"post_log_events_q_bkp", "beat.dx", "post_log_events_bkp",
       beat(25, R"("profile_id":"p1","shortcode":"old","metrics":{"likes":4},"dimensions":{})"),
       "SELECT shortcode, metrics FROM _e.post_log_events WHERE event_id = '" + id(25) + "'", "old\t{\"likes\":4}"},
      {"activity_tracker_q", "coffee.dx", "activity_tracker_rk",
       R"({"partnerId":3,"accountId":4,"userId":"u","activityType":"PROFILE_OPENED","entityType":"PROFILE","entityId":"p1","metadata":{"a":1},"time":"2023-11-14T22:13:20Z"})",
       "SELECT partner_id, account_id, user_id, activity_type, entity_type, entity_id, metadata, event_timestamp FROM "
       "_e.activity_tracker WHERE user_id = 'u'",
       "3\t4\tu\tPROFILE_OPENED\tPROFILE\tp1\t{\"a\":1}\t2023-11-14 22:13:20.000000"},
  };
}

TEST(EventsStreams, EveryWarehouseQueueMakesItsRow) {
  auto& house = EventsHouse::shared();
  const auto cases = warehouse_cases();
  // Each twice with the same bytes and ids, as after a lost confirm: one row comes out.
  for (int round = 0; round < 2; ++round)
    for (const auto& c : cases) house.publish(c.exchange, c.key, c.body);
  for (const auto& c : cases) EXPECT_EQ(house.query_until(c.sql, c.wanted), c.wanted) << c.queue;
  std::set<std::string> covered{"create_user_account_q", "event.account_profile_complete", "webengage_event_q",
                                "webengage_user_event_q"};
  for (const auto& c : cases) covered.insert(c.queue);
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  for (const auto& s : catalogue.streams()) EXPECT_TRUE(covered.contains(s.queue)) << s.queue;
}

// There is no cluster here to run them on; that each is a statement the engine says.
TEST(EventsStreams, TheEngineReadsEachStatementThatIsForACluster) {
  WarehouseHttp warehouse(TestHome::shared().warehouse_url());
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  auto statements = events::shared_ddl("main");
  for (const auto& stream : catalogue.streams())
    for (auto& sql : events::stream_ddl(stream, "main")) statements.push_back(std::move(sql));
  ASSERT_GT(statements.size(), 26u);
  const auto read = [&](const std::string& sql) {
    return warehouse.value("SELECT formatQuerySingleLine({sql:String})", {{"param_sql", sql}});
  };
  for (const auto& sql : statements) EXPECT_THAT(read(sql), testing::HasSubstr("ON CLUSTER main")) << sql;
  EXPECT_THROW(read("CREATE TABLE a ON CLUSTER main (x Int64 CODEC(Delta) ENGINE = Log"), Permanent);
}

TEST(EventsStreams, ReferralsGoToPostgresOnceHoweverOftenTheyCome) {
  auto& house = EventsHouse::shared();
  const std::string created =
      R"({"accountId":"acc1","userId":"u1","clientId":"app","referralCode":"ABC","referrerAccountId":"acc0","timestamp":"2023-11-14T22:13:20Z","city":"Pune"})";
  const std::string completed = R"({"account_id":"acc1","platform":"INSTAGRAM","handle":"h","timestamp":1700000100})";
  for (int i = 0; i < 3; ++i) {
    house.publish("identity.dx", "user.client.account.create", created);
    house.publish("identity.dx", "user.client.account.profile.completed", completed);
  }
  EXPECT_EQ(house.sql_until("SELECT referral_code || ' ' || referrer_account_id || ' ' || (completed_at - created_at) "
                            "FROM referral_account WHERE account_id = 'acc1'",
                            "ABC acc0 00:01:40"),
            "ABC acc0 00:01:40");
  house.publish("identity.dx", "user.client.account.create", R"({"accountId":"last"})");
  EXPECT_EQ(house.sql_until("SELECT count(*) FROM referral WHERE account_id = 'last'", "1"), "1");
  EXPECT_EQ(house.sql("SELECT count(*) FROM referral WHERE account_id = 'acc1'"), "2");
  EXPECT_EQ(house.sql("SELECT details->>'city' FROM referral WHERE account_id = 'acc1' AND event_type LIKE '%create'"),
            "Pune");
}

TEST(EventsStreams, AReferralThatPostgresRefusesIsParkedAndItsNeighboursAreNot) {
  auto& house = EventsHouse::shared();
  // Text that JSON allows and jsonb does not: an escaped NUL inside the rest.
  std::string lines;
  for (int i = 0; i < 20; ++i)
    lines += fmt::format(R"({{"accountId":"n{}","note":"{}"}})", i, i == 13 ? "\\u0000" : "fine") + "\n";
  house.publish("identity.dx", "user.client.account.create", lines, "application/x-ndjson");
  EXPECT_EQ(house.sql_until("SELECT count(*) FROM referral WHERE account_id ~ '^n[0-9]+$'", "19"), "19");
  EXPECT_EQ(house.query_until("SELECT count(), any(position(body, '\"n13\"') > 0) FROM events.parked FINAL WHERE "
                              "stream = 'create_user_account'",
                              "1\t1"),
            "1\t1");
}

TEST(EventsStreams, WebengageEventsAreForwardedRetriedAndParked) {
  auto& house = EventsHouse::shared();
  auto& receiver = house.receiver();
  const std::string event =
      R"({"userId":"w1","eventName":"Forwarded","eventTime":"2023-11-14T22:13:20Z","eventData":{}})";
  house.publish("webengage_event.dx", "EVENT", event);
  auto taken = receiver.wait_for("Forwarded", 1, std::chrono::seconds{20});
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].path, "/events");
  EXPECT_EQ(taken[0].body, event);
  EXPECT_EQ(taken[0].authorization, std::string("Bearer ") + EventsHouse::kWebengageKey);
  EXPECT_NO_THROW(Uuid::parse(taken[0].idempotency_key));

  // Refused for now: it comes again after the retry queue's wait, with the same key, and its sibling queue sees it
  // once.
  receiver.answer_next({503});
  house.publish("webengage_event.dx", "USER_EVENT", R"({"userId":"w2","firstName":"Again"})");
  taken = receiver.wait_for("Again", 2, std::chrono::seconds{30});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].path, "/users");
  EXPECT_EQ(taken[0].idempotency_key, taken[1].idempotency_key);

  // Refused for good.
  receiver.answer_next({422});
  house.publish("webengage_event.dx", "USER_EVENT", R"({"userId":"w3","firstName":"Refused"})");
  EXPECT_EQ(
      house.query_until(
          "SELECT reason, body FROM events.parked FINAL WHERE stream = 'webengage_user_event' AND body LIKE '%w3%'",
          "HTTP 422: answer 422 (tried 1 time)\t{\"userId\":\"w3\",\"firstName\":\"Refused\"}"),
      "HTTP 422: answer 422 (tried 1 time)\t{\"userId\":\"w3\",\"firstName\":\"Refused\"}");
  EXPECT_EQ(receiver.wait_for("Refused", 2, std::chrono::seconds{1}).size(), 1u);
  EXPECT_EQ(house.query_until("SELECT count() FROM _e.webengage_event WHERE event_name = 'Forwarded'", "1"), "1");
}

TEST(EventsStreams, WhatAnAppSentBrokenIsParkedAndInTheErrorTable) {
  auto& house = EventsHouse::shared();
  house.publish("grpc_event.tx", "CLICK",
                R"({"eventId":")" + id(90) + R"(","type":"CLICK","timestamp":"never","header":{"deviceId":"d"}})");
  const std::string wanted = "grpc_clickhouse_event_q\ttimestamp\ttimestamp: \\'never\\' is no time\t0";
  EXPECT_EQ(house.query_until("SELECT queue, field, error, retry_count FROM _e.error_event WHERE field = 'timestamp'",
                              wanted),
            wanted);
  EXPECT_EQ(house.query("SELECT count() FROM events.parked FINAL WHERE stream = 'event' AND field = 'timestamp'"), "1");
}

}  // namespace
}  // namespace dalgona::test
