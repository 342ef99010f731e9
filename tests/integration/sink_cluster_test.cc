// On a cluster: Distributed tables over Replicated ones. The engine has neither a Keeper nor the servers' own protocol,
// so what only these can do is taken out of the statements on the way, after a look at whether it was in; the rest is
// the cluster `main` of one shard, whose first replica is the engine itself and whose second one is dead.
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <regex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/amqp/amqp.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/ids.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/probe.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"
#include "events/topology.h"
#include "support/small_log.h"
#include "support/test_home.h"
#include "support/warehouse_http.h"
#include "support/warehouse_way.h"

namespace dalgona::test {
namespace {

using event_grpc::StopFlag;
using event_grpc::Store;
using std::chrono::seconds;
using testing::IsEmpty;
using warehouse::Block;
using warehouse::Column;

const events::Catalogue& shipped() {
  static const auto catalogue = events::Catalogue::load(resource("config/streams"));
  return catalogue;
}

// A warehouse of its own, one server of the cluster.
class Node {
 public:
  static Node& shared() {
    static Node node;
    return node;
  }
  std::string url() { return home_.warehouse_url(); }

 private:
  Node() {
    // The engine reads what is in the folder of its file's name. A server is "itself" by its name and port; nobody
    // listens there. The second replica is dead.
    const auto folder = home_.path() / "warehouse/engine.d";
    std::filesystem::create_directories(folder);
    write_file(folder / "cluster.xml", R"(<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers><main><shard>
    <internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica>
    <replica><host>127.0.0.1</host><port>1</port></replica>
  </shard></main></remote_servers>
</clickhouse>
)");
  }
  TestHome home_;
};

class SinkOnACluster : public testing::Test {
 protected:
  // What was wrong with a statement for a cluster; none: nothing.
  std::vector<std::string> wrong() {
    const std::scoped_lock lock(mutex_);
    return wrong_;
  }
  std::string value(const std::string& sql) { return warehouse_.value(sql); }

  events::Stream stream(const char* gained = "") {
    return events::Catalogue::parse(fmt::format(R"(# A log.
stream: {0}
exchange: {{name: x.dx, kind: direct}}
queue: {0}_q
routing_key: s
target: {{kind: warehouse, table: {0}}}
id: event_id
fields:
  - {{name: event_id, type: uuid, required: true, keep: 30d}}
  - {{name: profile_id, type: string, required: true}}
  - {{name: at, type: time, required: true, digits: 3}}
  - {{name: followers, type: int64, optional: true}}
{1}order: [profile_id, at]
partition: month(at)
shard: profile_id
inserted_after: at
rollups:
  - {{table: {0}_daily, view: {0}_series, by: [profile_id], day: at, last: [followers]}}
)",
                                                name_, gained),
                                    "s.yaml");
  }
  Block block(const std::string& profile, int64_t followers) const {
    return small_log_block(make_uuid7(system_clock().now()), profile, at_, followers);
  }

  std::atomic<bool> answer_lost_{false};  // of the next insert
  const int64_t at_ = system_clock().now().time_since_epoch().count() - 3'600'000'000;
  const std::string name_ = TestHome::shared().unique_name("log");

 private:
  Task<http::Response> pass(http::Request& request) {
    static const std::regex kReplicated(
        R"(Replicated(\w*MergeTree)\('/clickhouse/tables/\{shard\}/events/\w+', '\{replica\}'(?:, )?)");
    const bool insert = request.target.find("query=INSERT") != std::string::npos;
    const auto& sql = request.body;
    if (!insert) {
      static const std::regex kChange("^(CREATE|ALTER|DROP|RENAME)");
      const bool change = std::regex_search(sql, kChange);
      note(change && !take_out(request.body, " ON CLUSTER `main`"), sql);
      const bool keeps = change && sql.find("MergeTree(") != std::string::npos;
      note(keeps && !std::regex_search(sql, kReplicated), sql);
      if (keeps) request.body = std::regex_replace(sql, kReplicated, "$1(");
    }
    for (const char* setting : {"load_balancing=in_order", "prefer_localhost_replica=0"})
      note(request.target.find(setting) == std::string::npos, setting);
    note(insert && request.target.find("distributed_foreground_insert=1") == std::string::npos, "in the background");
    // Or the engine would speak to itself by the servers' protocol.
    take_out(request.target, "&prefer_localhost_replica=0");
    auto answer = co_await way_.hand_on(request);
    EXPECT_EQ(answer.status, 200) << std::get<std::string>(answer.body) << request.body.substr(0, 2000);
    if (answer.status != 200) stop_.stop();  // or the store would try again for ever
    if (insert && answer_lost_.exchange(false)) throw Retryable("the answer is lost");
    co_return answer;
  }
  static bool take_out(std::string& text, std::string_view what) {
    const auto at = text.find(what);
    if (at != text.npos) text.erase(at, what.size());
    return at != text.npos;
  }
  void note(bool is_wrong, const std::string& what) {
    if (!is_wrong) return;
    const std::scoped_lock lock(mutex_);
    wrong_.push_back(what.substr(0, 300));
  }

  std::mutex mutex_;
  std::vector<std::string> wrong_;
  WarehouseHttp warehouse_{Node::shared().url()};
  http::Client http_;
  StopFlag stop_;

 protected:
  WarehouseWay way_{Node::shared().url(), [this](http::Request& request) { return pass(request); }};

 private:
  warehouse::Client client_{http_, way_.url()};

 protected:
  Store store_{client_, "main", stop_};
  std::shared_ptr<std::string> encoded_;
};

TEST_F(SinkOnACluster, EveryStreamHasItsTablesAndMakingThemAgainChangesNothing) {
  std::set<std::string> tables{"parked"};  // streams may share one
  for (const auto& s : shipped().streams()) {
    if (s.target.kind != events::TargetKind::kWarehouse) continue;
    store_.prepare(s);
    store_.prepare(s);
    tables.insert(s.target.table);
    for (const auto& rollup : s.rollups) tables.insert(rollup.table);
  }
  EXPECT_THAT(wrong(), IsEmpty());
  const std::string distributed =
      "SELECT count() FROM system.tables WHERE database = 'events' AND engine = 'Distributed'";
  EXPECT_EQ(value(distributed + " AND name NOT LIKE 'log_%'"), std::to_string(tables.size()));
  // Each column that is inserted has a place in the table under it, and is served.
  EXPECT_EQ(value("SELECT count() FROM system.columns AS d LEFT ANTI JOIN system.columns AS l ON l.database = "
                  "d.database AND l.table = d.table || '_local' AND l.name = d.name WHERE d.database = 'events' AND "
                  "(d.database, d.table) IN (SELECT database, name FROM system.tables WHERE engine = 'Distributed')"),
            "0");
  for (const auto& s : shipped().streams()) {
    if (s.target.kind != events::TargetKind::kWarehouse || s.target.view.empty()) continue;
    EXPECT_EQ(value("SELECT count() FROM (SELECT * FROM _e." + s.target.view + ")"), "0") << s.name;
  }
}

TEST_F(SinkOnACluster, ARowIsThereOnceAndInItsRollups) {
  store_.prepare(stream());
  answer_lost_ = true;
  const auto one = block("a", 5);
  store_.insert(stream(), one, "one", encoded_);
  store_.insert(stream(), block("b", 7), "two", encoded_);
  EXPECT_FALSE(answer_lost_);
  for (const char* table : {"", "_local"})
    EXPECT_EQ(value("SELECT count(), sum(followers) FROM events." + name_ + table), "2\t12") << table;
  const std::string series = "SELECT profile_id, followers FROM events." + name_ + "_series ORDER BY profile_id";
  EXPECT_EQ(value(series), "a\t5\nb\t7");
  EXPECT_EQ(store_.present(stream(), one, {0}), std::vector<size_t>{0});
  EXPECT_THAT(store_.present(stream(), block("a", 5), {0}), IsEmpty());
  std::set<std::string> ids;
  store_.recent_ids(stream(), 10, [&](std::span<const Uuid> some) {
    for (const auto& id : some) ids.insert(id.text());
  });
  EXPECT_TRUE(ids.contains(one.columns[0].uuid(0).text()));
  EXPECT_EQ(ids.size(), 2u);
  value("TRUNCATE TABLE events." + name_ + "_daily_local");
  store_.repair_rollups(stream(), one, {0});
  EXPECT_EQ(value(series), "a\t5");
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(SinkOnACluster, AFieldThatTheFileHasGainedIsInBothTables) {
  store_.prepare(stream());
  const auto more = stream("  - {name: likes, type: int64, optional: true}\n");
  store_.prepare(more);
  Block b = block("a", 5);
  b.columns.emplace_back("likes", "Nullable(Int64)", Column::Kind::kInt64, true);
  b.columns[4].add(int64_t{9});
  store_.insert(more, b, "one", encoded_);
  for (const char* table : {"", "_local"})
    EXPECT_EQ(value("SELECT followers, likes FROM events." + name_ + table), "5\t9") << table;
  EXPECT_THAT(wrong(), IsEmpty());
}

TEST_F(SinkOnACluster, EventsBecomeRowsAndWhatIsWrongIsParked) {
  auto& home = TestHome::shared();
  amqp::Publisher::Options options;
  options.url = home.rabbitmq_url();
  options.name = "test";
  options.topology = events::topology(shipped().streams());
  amqp::Publisher publisher(options);
  home.postgres();  // where some streams end
  const std::string profile = home.unique_name("UC");
  const Role role = home.start_role("event-grpc", {{"warehouse.url", way_.url()}, {"warehouse.cluster", "main"}});
  std::vector<amqp::Message> messages;
  constexpr int kEvents = 500, kDays = 20;
  for (int i = 0; i <= kEvents; ++i) {
    amqp::Message m;
    m.exchange = "beat.dx";
    m.routing_key = "profile_log_events";
    m.properties.content_type = "application/json";
    m.body = fmt::format(
        R"({{"event_id":"{}","source":"test","platform":"YOUTUBE","profile_id":"{}","event_timestamp":"2026-11-{:02} 10:{:02}:00",)"
        R"("metrics":{{"followers":{}}},"dimensions":{{"country":"IN"}}}})",
        make_uuid7(system_clock().now()).text(), profile, 1 + i % kDays, i / kDays,
        i == kEvents ? "\"many\"" : std::to_string(i));
    messages.push_back(std::move(m));
  }
  publisher.publish_blocking(std::move(messages));
  const auto become = [&](const std::string& sql, const std::string& wanted) {
    std::string last;
    probe::wait_until(
        [&] {
          try {
            last = value(sql);
          } catch (const Error& e) {  // the tables are not there yet
            last = e.what();
          }
          return last == wanted;
        },
        [] { return true; }, seconds{60});
    return last;
  };
  const std::string of_profile = " WHERE profile_id = '" + profile + "'";
  EXPECT_EQ(become("SELECT count() FROM _e.profile_log_events" + of_profile, std::to_string(kEvents)), "500");
  EXPECT_EQ(become("SELECT count(), sum(followers) FROM events.profile_series" + of_profile, "20\t9790"), "20\t9790");
  EXPECT_EQ(become("SELECT count(), any(field) FROM events.parked FINAL WHERE body LIKE '%" + profile + "%'",
                   "1\tmetrics.followers"),
            "1\tmetrics.followers");
  EXPECT_THAT(wrong(), IsEmpty());
}

}  // namespace
}  // namespace dalgona::test
