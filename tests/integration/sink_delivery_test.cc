// From RabbitMQ to the warehouse through `dalgona event-grpc`: rows and rollups appear, what is wrong is parked, and no
// event is lost or doubled whoever is killed.
#include <csignal>
#include <cstdlib>
#include <set>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/amqp/amqp.h"
#include "base/clock.h"
#include "base/http/coding.h"
#include "base/ids.h"
#include "base/resources.h"
#include "dalgona/probe.h"
#include "events/catalogue.h"
#include "events/topology.h"
#include "support/test_home.h"
#include "support/warehouse_http.h"

namespace dalgona::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const auto kForEver = [] { return true; };

amqp::Topology topology() {
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  return events::topology(catalogue.streams());
}

std::string profile_event(const std::string& id, const std::string& profile, const std::string& time,
                          int64_t followers) {
  return fmt::format(
      R"({{"event_id":"{}","source":"test","platform":"YOUTUBE","profile_id":"{}","handle":"@h","event_timestamp":"{}",)"
      R"("metrics":{{"followers":{},"views":{},"uploads":3,"shares":5}},"dimensions":{{"title":"T \"x\"","country":"IN","lang":"hi"}}}})",
      id, profile, time, followers, followers * 100);
}

std::string new_id() {
  return make_uuid7(system_clock().now()).text();
}

class Sink : public testing::Test {
 protected:
  Sink() : home_(TestHome::shared()), warehouse_(home_.warehouse_url()), publisher_(options()) {
    profile_ = home_.unique_name("UC");
    home_.postgres();  // where some streams end
    role_ = home_.start_role("event-grpc");
  }

  amqp::Publisher::Options options() {
    amqp::Publisher::Options o;
    o.url = home_.rabbitmq_url();
    o.name = "test";
    o.topology = topology();
    return o;
  }

  void publish(std::vector<std::string> bodies, const std::string& content_type = "application/json") {
    std::vector<amqp::Message> messages;
    for (auto& body : bodies) {
      amqp::Message m;
      m.exchange = "beat.dx";
      m.routing_key = "profile_log_events";
      m.body = std::move(body);
      m.properties.content_type = content_type;
      messages.push_back(std::move(m));
    }
    publisher_.publish_blocking(std::move(messages));
  }

  std::string rows() {
    try {
      return warehouse_.value("SELECT count() FROM events.profile_log WHERE profile_id = '" + profile_ + "'");
    } catch (const Error&) {  // it is being killed
      return "";
    }
  }
  bool rows_become(const std::string& count, seconds limit = seconds{30}) {
    return probe::wait_until([&] { return rows() == count; }, kForEver, limit);
  }
  // The profile's series. A block is in the table a moment before it is in the rollups, so `wanted` is waited for.
  std::string series(const std::string& columns, const std::string& wanted) {
    const std::string sql =
        "SELECT " + columns + " FROM events.profile_series WHERE profile_id = '" + profile_ + "' ORDER BY date";
    probe::wait_until([&] { return warehouse_.value(sql) == wanted; }, kForEver, seconds{10});
    return warehouse_.value(sql);
  }
  bool queue_is_empty() {
    amqp::Connection connection({.url = home_.rabbitmq_url(), .name = "test"});
    return probe::wait_until([&] { return connection.counts("profile_log_events_q").messages == 0; }, kForEver,
                             seconds{30});
  }

  // Of the profile logs' stream, as the role shows it.
  int metric(const std::string& name) {
    const std::string line = "\n" + name + "{stream=\"profile_log_events\"} ";
    const std::string metrics = WarehouseHttp(role_.url()).get("/metrics").body;
    const auto at = metrics.find(line);
    return at == std::string::npos ? -1 : std::atoi(metrics.c_str() + at + line.size());
  }

  TestHome& home_;
  WarehouseHttp warehouse_;
  amqp::Publisher publisher_;
  std::string profile_;
  Role role_;
};

TEST_F(Sink, RowsViewsAndRollupsAppear) {
  publish({profile_event(new_id(), profile_, "2026-11-20 10:00:00", 10),
           profile_event(new_id(), profile_, "2026-11-20 23:59:59", 12),
           profile_event(new_id(), profile_, "2026-11-21 00:00:00", 11)});
  ASSERT_TRUE(rows_become("3"));
  EXPECT_EQ(series("date, followers, views, uploads", "2026-11-20\t12\t1200\t3\n2026-11-21\t11\t1100\t3"),
            "2026-11-20\t12\t1200\t3\n2026-11-21\t11\t1100\t3");
  EXPECT_EQ(warehouse_.value("SELECT JSONExtractInt(metrics, 'followers'), JSONExtractInt(metrics, 'shares'), "
                             "JSONExtractString(dimensions, 'title'), JSONExtractString(dimensions, 'lang'), handle "
                             "FROM _e.profile_log_events WHERE profile_id = '" +
                             profile_ + "' ORDER BY event_timestamp LIMIT 1"),
            "10\t5\tT \"x\"\thi\t@h");
  // An older observation of the same day that comes late does not replace the newer one.
  publish({profile_event(new_id(), profile_, "2026-11-21 00:00:00", 11),
           profile_event(new_id(), profile_, "2026-11-20 01:00:00", 999)});
  ASSERT_TRUE(rows_become("5"));
  ASSERT_TRUE(queue_is_empty());
  EXPECT_EQ(series("followers", "12\n11"), "12\n11");
}

TEST_F(Sink, ADaysMetricsMayComeInSeveralEvents) {
  const auto event = [&](const char* time, const char* metrics) {
    return fmt::format(
        R"({{"event_id":"{}","source":"test","platform":"YOUTUBE","profile_id":"{}","event_timestamp":"{}","metrics":{},"dimensions":{{}}}})",
        new_id(), profile_, time, metrics);
  };
  publish({event("2026-11-20 10:00:00", R"({"followers":10,"views":100})"),
           event("2026-11-20 12:00:00", R"({"views":120,"followers":null})"),
           event("2026-11-20 11:00:00", R"({"followers":11})"), event("2026-11-21 11:00:00", R"({"uploads":0})")});
  ASSERT_TRUE(rows_become("4"));
  const std::string wanted =
      "2026-11-20\t11\t120\t\\N\t2026-11-20 12:00:00.000000\n2026-11-21\t\\N\t\\N\t0\t2026-11-21 11:00:00.000000";
  EXPECT_EQ(series("date, followers, views, uploads, observed_at", wanted), wanted);
}

// A home of before, whose rollups were maxima of (time, value) or ordered by their columns.
TEST_F(Sink, RollupsOfAnOldShapeAreFilledAnew) {
  publish({profile_event(new_id(), profile_, "2026-11-20 10:00:00", 10)});
  ASSERT_TRUE(rows_become("1"));
  ASSERT_TRUE(queue_is_empty());
  const auto again_with = [&](const std::string& columns, const std::string& engine) {
    role_.stop();
    warehouse_.value("DROP VIEW events.profile_daily_mv");
    warehouse_.value("DROP TABLE events.profile_daily");
    warehouse_.value(
        "CREATE TABLE events.profile_daily (platform LowCardinality(String), profile_id String, date Date, " + columns +
        ") ENGINE = " + engine + " ORDER BY (platform, profile_id, date)");
    role_ = home_.start_role("event-grpc");
  };
  const auto left = [&] {
    return warehouse_.value("SELECT count() FROM system.tables WHERE database = 'events' AND name LIKE '%_before'");
  };
  again_with("followers SimpleAggregateFunction(max, Tuple(time DateTime64(6, 'UTC'), value Int64))",
             "AggregatingMergeTree");
  publish({profile_event(new_id(), profile_, "2026-11-21 10:00:00", 12)});
  ASSERT_TRUE(rows_become("2"));
  EXPECT_EQ(series("followers", "10\n12"), "10\n12");
  EXPECT_EQ(left(), "0");
  again_with("given UInt64, followers Int64, observed_at DateTime64(6, 'UTC')", "ReplacingMergeTree(observed_at)");
  publish({profile_event(new_id(), profile_, "2026-11-22 10:00:00", 13)});
  ASSERT_TRUE(rows_become("3"));
  EXPECT_EQ(series("followers", "10\n12\n13"), "10\n12\n13");
  EXPECT_EQ(left(), "0");
}

TEST_F(Sink, ALoneEventDoesNotWaitForCompany) {
  publish({profile_event(new_id(), profile_, "2026-11-20 10:00:00", 1)});
  ASSERT_TRUE(rows_become("1"));
  const auto began = std::chrono::steady_clock::now();
  publish({profile_event(new_id(), profile_, "2026-11-20 10:00:01", 1)});
  ASSERT_TRUE(rows_become("2"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds{10});
}

TEST_F(Sink, ManyEventsInOneMessage) {
  std::string lines;
  for (int i = 0; i < 1000; ++i)
    lines += profile_event(new_id(), profile_, fmt::format("2026-11-20 10:{:02}:{:02}", i / 60, i % 60), i) + "\n";
  publish({lines}, "application/x-ndjson");
  EXPECT_TRUE(rows_become("1000"));
  EXPECT_EQ(series("followers", "999"), "999");
}

// Or it would all be delivered again, and looked for in the warehouse, at the next start.
TEST_F(Sink, AStopAcknowledgesWhatIsDurable) {
  constexpr int kEvents = 60'000;  // more than a channel has acknowledgements of a thousand under way
  std::vector<std::string> events;
  for (int i = 0; i < kEvents; ++i)
    events.push_back(
        profile_event(new_id(), profile_, fmt::format("2026-11-20 10:{:02}:{:02}", i / 60 % 60, i % 60), i));
  publish(std::move(events));
  ASSERT_TRUE(rows_become(std::to_string(kEvents)));
  role_.stop();
  amqp::Connection connection({.url = home_.rabbitmq_url(), .name = "test"});
  EXPECT_EQ(connection.counts("profile_log_events_q").messages, 0u);
  role_ = home_.start_role("event-grpc");
  publish({profile_event(new_id(), profile_, "2026-11-21 10:00:00", 1)});
  ASSERT_TRUE(rows_become(std::to_string(kEvents + 1)));
  EXPECT_EQ(metric("dalgona_event_grpc_duplicates_total"), 0);
}

TEST_F(Sink, WhatIsWrongIsParkedWithItsReasonAndHarmsNobody) {
  const std::string good = new_id();
  publish(
      {"not json", R"({"event_id":)", profile_event("no-uuid", profile_, "2026-11-20 10:00:00", 1),
       profile_event(new_id(), profile_, "yesterday " + profile_, 1),
       fmt::format(
           R"({{"event_id":"{}","source":"test","platform":"YOUTUBE","profile_id":"{}","event_timestamp":"2026-11-20 10:00:00","metrics":{{"followers":"many"}},"dimensions":{{}}}})",
           new_id(), profile_),
       fmt::format(
           R"({{"event_id":"{}","source":"test","platform":"YOUTUBE","event_timestamp":"2026-11-20 10:00:00","metrics":{{}},"dimensions":{{"p":"{}"}}}})",
           new_id(), profile_),
       profile_event(good, profile_, "2026-11-20 10:00:00", 1)});
  ASSERT_TRUE(rows_become("1"));
  ASSERT_TRUE(queue_is_empty());
  const auto field_of = [&](const std::string& where) {
    return warehouse_.value(
        "SELECT any(field), count() FROM events.parked FINAL WHERE stream = 'profile_log_events' AND state = 'parked' "
        "AND " +
        where);
  };
  const std::string mine = " AND body LIKE '%" + profile_ + "%'";
  EXPECT_EQ(field_of("body = 'not json'"), "\t1");
  EXPECT_EQ(field_of("body LIKE '%no-uuid%'" + mine), "event_id\t1");
  EXPECT_EQ(field_of("body LIKE '%yesterday%'" + mine), "event_timestamp\t1");
  EXPECT_EQ(field_of("body LIKE '%many%'" + mine), "metrics.followers\t1");
  EXPECT_EQ(field_of("body NOT LIKE '%profile_id%'" + mine), "profile_id\t1");
  EXPECT_EQ(warehouse_.value("SELECT countIf(reason = '') FROM events.parked"), "0");
}

// Ours come with lz4, which every test with many events in a message shows; others have codings of their own.
TEST_F(Sink, CompressedMessagesAreReadAndDamagedOnesParked) {
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += profile_event(new_id(), profile_, fmt::format("2026-11-20 10:00:{:02}", i % 60), i) + "\n";
  std::string gzip;
  http::Encoder(http::Coding::kGzip).encode(lines, gzip, http::Encoder::Flush::kEnd);
  amqp::Message coded{"beat.dx", "profile_log_events", gzip, {}};
  coded.properties.content_type = "application/x-ndjson";
  coded.properties.content_encoding = "gzip";
  amqp::Message damaged = coded;
  damaged.body = gzip.substr(0, gzip.size() / 2);
  amqp::Message charset{
      "beat.dx", "profile_log_events", profile_event(new_id(), profile_, "2026-11-20 11:00:00", 1), {}};
  charset.properties.content_encoding = "utf-8";
  publisher_.publish_blocking({damaged, coded, charset});
  ASSERT_TRUE(rows_become("101"));
  ASSERT_TRUE(queue_is_empty());
  const auto parked = [&](const std::string& columns) {
    return warehouse_.value("SELECT " + columns +
                            " FROM events.parked FINAL WHERE state = 'parked' AND startsWith(reason, "
                            "'content_encoding gzip')");
  };
  EXPECT_EQ(parked("count(), any(length(body)), any(count)"), fmt::format("1\t{}\t1", damaged.body.size()));
  // It is sent again as it came.
  const auto replayed = home_.run({"event-grpc", "parked", "replay", parked("any(id)")});
  EXPECT_EQ(replayed.exit_code, 0) << replayed.output;
  EXPECT_TRUE(probe::wait_until([&] { return parked("any(count)") == "2"; }, kForEver, seconds{20}));
  EXPECT_EQ(parked("count(), any(length(body))"), fmt::format("1\t{}", damaged.body.size()));
  EXPECT_EQ(rows(), "101");
}

TEST_F(Sink, ACopyInTheNextBatchWaitsForTheFirst) {
  ASSERT_TRUE(queue_is_empty());
  const std::string event = profile_event(new_id(), profile_, "2026-11-20 10:00:00", 1);
  const pid_t warehouse = home_.warehouse().pid();
  ASSERT_EQ(::kill(warehouse, SIGSTOP), 0);
  publish({event});
  std::this_thread::sleep_for(milliseconds{2'500});  // the batch is sealed after its time, 2 s, whatever it holds
  // Three eighths of what may be under way are a batch, which is sealed while the first one is being inserted.
  std::vector<std::string> more;
  for (int i = 0; i < 1'500; ++i)
    more.push_back(i % 100 == 0 ? event
                                : profile_event(new_id(), profile_, fmt::format("2026-11-20 11:{:02}:00", i % 60), i));
  publish(std::move(more));
  std::this_thread::sleep_for(milliseconds{500});
  ASSERT_EQ(::kill(warehouse, SIGCONT), 0);
  ASSERT_TRUE(rows_become("1486"));
  ASSERT_TRUE(queue_is_empty());
  EXPECT_EQ(rows(), "1486");
}

TEST_F(Sink, AnEventThatComesTwiceIsThereOnce) {
  const std::string event = profile_event(new_id(), profile_, "2026-11-20 10:00:00", 1);
  publish({event, event});
  ASSERT_TRUE(rows_become("1"));
  publish({event});
  publish({profile_event(new_id(), profile_, "2026-11-20 11:00:00", 1)});
  ASSERT_TRUE(rows_become("2"));
  // And another process knows what this one wrote.
  EXPECT_EQ(role_.stop(), 0);
  role_.start();
  publish({event});
  publish({profile_event(new_id(), profile_, "2026-11-20 12:00:00", 1)});
  ASSERT_TRUE(rows_become("3"));
  ASSERT_TRUE(queue_is_empty());
  EXPECT_EQ(rows(), "3");
}

// Events flow while `disturb` does its worst; in the end each is there once, in the table and in the rollup.
class SinkUnderFaults : public Sink {
 protected:
  template <typename F>
  void run(F disturb) {
    constexpr int kMessages = 400, kEach = 50;
    std::thread feeder([&] {
      for (int m = 0; m < kMessages; ++m) {
        std::string lines;
        for (int i = 0; i < kEach; ++i) {
          const int n = m * kEach + i;
          lines += profile_event(
                       new_id(), profile_,
                       fmt::format("2026-{:02}-{:02} 10:{:02}:{:02}", 1 + n % 11, 1 + n % 28, n / 60 % 60, n % 60), n) +
                   "\n";
        }
        publish({std::move(lines)}, "application/x-ndjson");
        std::this_thread::sleep_for(milliseconds{10});
      }
    });
    disturb();
    feeder.join();
    EXPECT_TRUE(rows_become(std::to_string(kMessages * kEach), seconds{60})) << rows();
    ASSERT_TRUE(queue_is_empty());
    std::this_thread::sleep_for(milliseconds{500});  // what would come twice has time to come
    const std::string where = " WHERE profile_id = '" + profile_ + "'";
    EXPECT_EQ(warehouse_.value("SELECT count(), uniqExact(event_id) FROM events.profile_log" + where),
              fmt::format("{0}\t{0}", kMessages * kEach));
    EXPECT_EQ(
        warehouse_.value(
            "SELECT count() FROM (SELECT date, followers FROM events.profile_series" + where +
            ") AS served FULL OUTER JOIN (SELECT toDate(event_timestamp) AS date, argMax(followers, (event_timestamp, "
            "followers)) AS "
            "followers FROM events.profile_log" +
            where +
            " GROUP BY date) AS computed USING (date) WHERE served.followers IS DISTINCT FROM computed.followers"),
        "0");
  }
};

TEST_F(SinkUnderFaults, TheWarehouseIsKilled) {
  run([&] {
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(milliseconds{700});
      home_.warehouse().kill();
      std::this_thread::sleep_for(milliseconds{300});
      home_.warehouse().start();
    }
  });
}

TEST_F(SinkUnderFaults, TheSinkIsKilled) {
  run([&] {
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(milliseconds{500});
      role_.kill();
      role_.start();
    }
  });
}

TEST_F(SinkUnderFaults, BothAreKilledAtOnce) {
  run([&] {
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(milliseconds{700});
      home_.warehouse().kill();
      role_.kill();
      home_.warehouse().start();
      role_.start();
    }
  });
}

TEST_F(Sink, StopsCleanlyWhileTheWarehouseIsAway) {
  publish({profile_event(new_id(), profile_, "2026-11-20 10:00:00", 1)});
  ASSERT_TRUE(rows_become("1"));
  home_.warehouse().kill();
  publish({profile_event(new_id(), profile_, "2026-11-20 11:00:00", 1)});
  std::this_thread::sleep_for(milliseconds{300});
  EXPECT_EQ(role_.stop(), 0);
  home_.warehouse().start();
  role_.start();
  EXPECT_TRUE(rows_become("2"));
}

// What fits small messages is far too much of large ones: the broker would hold gigabytes for a connection that takes
// them at its own pace.
TEST_F(Sink, PrefetchFollowsTheMessagesSizeBothWays) {
  const auto prefetch = [&] { return metric("dalgona_event_grpc_prefetch"); };
  constexpr seconds kBatchTime{2};  // that of profile_log_events
  // Batches grow while the warehouse does not answer.
  const auto publish_while_stopped = [&](int count, const std::string& title, int full) {
    ASSERT_TRUE(probe::wait_until([&] { return prefetch() > 0; }, kForEver, seconds{10}));
    ASSERT_TRUE(queue_is_empty());  // rows are there before the sink knows it, and its batch is still in hand then
    const int before = metric("dalgona_event_grpc_deliveries_total");
    const pid_t warehouse = home_.warehouse().pid();
    ASSERT_EQ(::kill(warehouse, SIGSTOP), 0);
    std::vector<std::string> events;
    for (int i = 0; i < count; ++i) {
      auto event = profile_event(new_id(), profile_, fmt::format("2026-11-20 10:{:02}:{:02}", i / 60 % 60, i % 60), i);
      events.push_back(event.replace(event.find("T \\\"x"), 1, title));
    }
    // A batch is sealed after its time, whatever it holds, and waits for the warehouse then: the first one has one
    // event. Those behind it take what they can hold, `full` messages at least.
    ASSERT_GT(count, 2 * full);
    publish({events.begin(), events.begin() + 1});
    const auto taken = [&] { return metric("dalgona_event_grpc_deliveries_total") - before; };
    ASSERT_TRUE(probe::wait_until([&] { return taken() == 1; }, kForEver, seconds{10}));
    std::this_thread::sleep_for(kBatchTime + milliseconds{500});
    publish({events.begin() + 1, events.end()});
    auto since = std::chrono::steady_clock::now();
    const auto limit = since + seconds{60};
    for (int last = -1; last < full || std::chrono::steady_clock::now() - since < milliseconds{700};) {
      ASSERT_LT(std::chrono::steady_clock::now(), limit) << last;
      const int now = taken();
      if (now != last) since = std::chrono::steady_clock::now();
      last = now;
      std::this_thread::sleep_for(milliseconds{50});
    }
    ASSERT_EQ(::kill(warehouse, SIGCONT), 0);
  };
  publish_while_stopped(6'000, "T", 1'333);
  ASSERT_TRUE(rows_become("6000"));
  EXPECT_TRUE(probe::wait_until([&] { return prefetch() == 64'000; }, kForEver, seconds{10})) << prefetch();
  constexpr int kLarge = 200'000, kTimes = 1'100;  // 220 MB, more than three batches may have
  publish_while_stopped(kTimes, std::string(kLarge, 'x'), 290);
  ASSERT_TRUE(rows_become("7100", seconds{60})) << rows();
  EXPECT_TRUE(probe::wait_until([&] { return prefetch() > 0 && prefetch() <= 4'000; }, kForEver, seconds{10}))
      << prefetch();
  ASSERT_TRUE(queue_is_empty());
  EXPECT_EQ(rows(), "7100");  // what came again through the new connection is not there twice
}

}  // namespace
}  // namespace dalgona::test
