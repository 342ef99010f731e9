// A log's table outlives the file that it was made from: one that keeps microseconds and the time of the insert goes on
// as it is when the file wants less, and what is looked for in it is found all the same.
#include <atomic>
#include <set>
#include <span>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/async.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/ids.h"
#include "dalgona/probe.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"
#include "events/ddl.h"
#include "support/small_log.h"
#include "support/test_home.h"
#include "support/warehouse_http.h"
#include "support/warehouse_way.h"

namespace dalgona::test {
namespace {

using event_grpc::StopFlag;
using event_grpc::Store;
using warehouse::Block;

constexpr const char* kStream = R"(# A log.
stream: {0}
exchange: {{name: x.dx, kind: direct}}
queue: {0}_q
routing_key: s
target: {{kind: warehouse, table: {0}}}
id: event_id
fields:
  - {{name: event_id, type: uuid, required: true, keep: {1}}}
  - {{name: profile_id, type: string, required: true}}
  - {{name: at, type: time, required: true{2}}}
  - {{name: followers, type: int64, optional: true{3}}}
order: [profile_id, at]
partition: month(at)
{4}rollups:
  - {{table: {0}_daily, view: {0}_series, by: [profile_id], day: at, last: [followers]}}
)";

class SinkLayout : public testing::Test {
 protected:
  SinkLayout()
      : warehouse_(TestHome::shared().warehouse_url()),
        client_(http_, TestHome::shared().warehouse_url()),
        store_(client_, "", stop_),
        name_(TestHome::shared().unique_name("log")) {}

  events::Stream before() const { return parse("90d", "", "", ""); }
  events::Stream now() const {
    return parse("30d", ", digits: 3, codec: \"Delta, ZSTD(3)\"", ", codec: \"DoubleDelta, ZSTD(3)\"",
                 "inserted_after: at\n");
  }
  events::Stream parse(const char* keep, const char* digits, const char* codec, const char* after) const {
    return events::Catalogue::parse(fmt::format(fmt::runtime(kStream), name_, keep, digits, codec, after), "s.yaml");
  }
  // One row; `at` in microseconds.
  static Block block(const Uuid& id, int64_t at, int64_t followers) { return small_log_block(id, "p", at, followers); }
  static Uuid new_id() { return make_uuid7(system_clock().now()); }
  std::string value(const std::string& columns) {
    return warehouse_.value("SELECT " + columns + " FROM events." + name_);
  }

  WarehouseHttp warehouse_;
  http::Client http_;
  warehouse::Client client_;
  StopFlag stop_;
  Store store_;
  std::shared_ptr<std::string> encoded_;
  std::string name_;
  // An hour before the test, in microseconds.
  const int64_t at_ = system_clock().now().time_since_epoch().count() / 1'000'000 * 1'000'000 - 3'600'000'000 + 123'456;
};

TEST_F(SinkLayout, ANewTableKeepsMillisecondsAndFindsWhatWasFiner) {
  const auto stream = now();
  store_.prepare(stream);
  store_.prepare(stream);  // changes nothing
  const Block mine = block(new_id(), at_, 5), other = block(new_id(), at_ + 100, 6);
  store_.insert(stream, mine, "one", encoded_);
  EXPECT_EQ(value("toUnixTimestamp64Micro(at::DateTime64(6))"), std::to_string(at_ - 456));
  EXPECT_EQ(store_.present(stream, mine, {0}), std::vector<size_t>{0});
  EXPECT_TRUE(store_.present(stream, other, {0}).empty());  // the same millisecond, another event
  // insert_timestamp is computed, to the second, and the newest ids are found by it.
  EXPECT_EQ(value("insert_timestamp BETWEEN now() - 60 AND now() + 1, toUnixTimestamp64Milli(insert_timestamp) % 1000"),
            "1\t0");
  EXPECT_EQ(value("insert_delay BETWEEN 3590 AND 3700"), "1");
  std::vector<std::string> ids;
  store_.recent_ids(stream, 10, [&](std::span<const Uuid> some) {
    for (const auto& id : some) ids.push_back(id.text());
  });
  EXPECT_EQ(ids, std::vector<std::string>{mine.columns[0].uuid(0).text()});
  // Rollup and log agree about the time, or the log's latest event would not be the rollup's.
  EXPECT_EQ(warehouse_.value("SELECT toUnixTimestamp64Micro(observed_at), followers FROM events." + name_ + "_series"),
            fmt::format("{}\t5", at_ - 456));
  store_.repair_rollups(stream, mine, {0});
  EXPECT_EQ(warehouse_.value("SELECT followers FROM events." + name_ + "_series"), "5");
}

TEST_F(SinkLayout, ATableOfBeforeGoesOnAsItIs) {
  const auto old = before(), fresh = now();
  store_.prepare(old);
  const Block first = block(new_id(), at_, 5), second = block(new_id(), at_ + 1'000, 6);
  store_.insert(old, first, "one", encoded_);
  const auto part = warehouse_.value("SELECT name FROM system.parts WHERE active AND table = '" + name_ + "'");
  const auto waits = [&] {
    return warehouse_.value(
        "SELECT create_table_query LIKE '%min_parts_to_merge_at_once = 24%' FROM system.tables WHERE "
        "database = 'events' AND name = '" +
        name_ + "'");
  };
  warehouse_.value("ALTER TABLE events." + name_ + " RESET SETTING min_parts_to_merge_at_once");
  EXPECT_EQ(waits(), "0");
  store_.prepare(fresh);
  EXPECT_EQ(waits(), "1");
  EXPECT_EQ(warehouse_.value("SELECT name FROM system.parts WHERE active AND table = '" + name_ + "'"), part);
  EXPECT_EQ(warehouse_.value("SELECT compression_codec FROM system.columns WHERE name = 'followers' AND table = '" +
                             name_ + "'"),
            "CODEC(DoubleDelta, ZSTD(3))");
  store_.insert(fresh, second, "two", encoded_);
  EXPECT_EQ(value("count(), max(toUnixTimestamp64Micro(at)), min(insert_timestamp) > now() - 60"),
            fmt::format("2\t{}\t1", at_ + 1'000));
  for (const auto& block : {&first, &second}) EXPECT_EQ(store_.present(fresh, *block, {0}), std::vector<size_t>{0});
  size_t ids = 0;
  store_.recent_ids(fresh, 10, [&](std::span<const Uuid> some) { ids += some.size(); });
  EXPECT_EQ(ids, 2u);
  EXPECT_EQ(warehouse_.value("SELECT followers FROM events." + name_ + "_series"), "6");
}

// What a sink knows at its start, though merges put old rows and new ones into one part, and a part's time says nothing
// then.
TEST_F(SinkLayout, TheNewestIdsAreKnownAtAStartWhateverMergesDid) {
  const auto stream = now();
  store_.prepare(stream);
  const auto insert = [&](int64_t n) {
    const Block one = block(new_id(), at_ + n * 1'000, n);
    store_.insert(stream, one, std::to_string(n), encoded_);
    return one.columns[0].uuid(0);
  };
  const auto found = [&](size_t limit) {
    std::set<Uuid> ids;
    store_.recent_ids(stream, limit, [&](std::span<const Uuid> some) { ids.insert(some.begin(), some.end()); });
    return ids;
  };
  EXPECT_TRUE(found(10).empty());
  const Uuid first = insert(0);
  const auto second = warehouse_.value("SELECT toUnixTimestamp(now())");
  ASSERT_TRUE(probe::wait_until([&] { return warehouse_.value("SELECT toUnixTimestamp(now())") != second; },
                                [] { return true; }, std::chrono::seconds{30}));
  Uuid last;
  for (int n = 1; n <= 8; ++n) last = insert(n);
  const auto check = [&] {
    const auto newest = found(8);
    EXPECT_TRUE(newest.contains(last));
    EXPECT_FALSE(newest.contains(first));
    EXPECT_EQ(found(100).size(), 9u);
  };
  check();
  warehouse_.value("OPTIMIZE TABLE events." + name_ + " FINAL");
  ASSERT_EQ(warehouse_.value("SELECT count() FROM system.parts WHERE active AND table = '" + name_ + "'"), "1");
  check();
}

// With the engine's own choice it was written anew together with each small one that came (docs/traps.md).
TEST_F(SinkLayout, ALargePartIsNotMergedWithASmallOne) {
  const auto stream = now();
  store_.prepare(stream);
  const auto parts = [&](const std::string& what) {
    return warehouse_.value(
        fmt::format("SELECT {} FROM system.parts WHERE active AND database = 'events' AND table = '{}'", what, name_));
  };
  warehouse_.value(
      fmt::format("INSERT INTO events.{} (event_id, profile_id, at, followers) SELECT generateUUIDv7(), "
                  "hex(randomString(16)), {}, number FROM numbers(200000) SETTINGS max_insert_threads = 1, "
                  "max_block_size = 200000, min_insert_block_size_rows = 200000",
                  name_, fmt::format("toDateTime64({}, 3)", at_ / 1'000'000)));
  ASSERT_EQ(parts("count()"), "1");
  const std::string large = parts("name");
  constexpr int kInserts = 100, kMost = 64;
  for (int i = 0; i < kInserts; ++i) {
    store_.insert(stream, block(new_id(), at_, i), fmt::format("insert {}", i), encoded_);
    ASSERT_TRUE(probe::wait_until([&] { return std::stoi(parts("count()")) <= kMost; }, [] { return true; },
                                  std::chrono::seconds{60}));
  }
  EXPECT_EQ(parts("sum(rows)"), std::to_string(200'000 + kInserts));
  EXPECT_EQ(parts("countIf(name = '" + large + "')"), "1");
  EXPECT_EQ(parts("max(level) > 0"), "1");  // the small ones were
}

// The step of docs/catalogue.md.
TEST_F(SinkLayout, ATableOfBeforeIsMadeAnewByHand) {
  const auto old = before(), fresh = now();
  store_.prepare(old);
  const Block event = block(new_id(), at_, 5);
  store_.insert(old, event, "one", encoded_);
  const auto inserted = value("toUnixTimestamp(insert_timestamp)");
  const std::string table = "events." + name_;
  warehouse_.value("DROP VIEW " + table + "_daily_mv");
  warehouse_.value("RENAME TABLE " + table + " TO " + table + "_before");
  for (const auto& sql : events::stream_ddl(fresh, "")) warehouse_.value(sql);
  warehouse_.value("INSERT INTO " + table +
                   " SELECT * EXCEPT (insert_timestamp), toUnixTimestamp(insert_timestamp) - "
                   "intDiv(toUnixTimestamp64Milli(at), 1000) AS insert_delay FROM " +
                   table + "_before SETTINGS max_partitions_per_insert_block = 0");
  warehouse_.value("DROP TABLE " + table + "_before");
  EXPECT_EQ(value("toUnixTimestamp64Milli(at), toUnixTimestamp(insert_timestamp), followers"),
            fmt::format("{}\t{}\t5", at_ / 1000, inserted));
  EXPECT_EQ(store_.present(fresh, event, {0}), std::vector<size_t>{0});
  store_.insert(fresh, block(new_id(), at_ + 5'000, 6), "two", encoded_);
  EXPECT_EQ(warehouse_.value("SELECT followers FROM " + table + "_series"), "6");
}

class SinkOnABadWay : public SinkLayout {
 protected:
  enum Fault { kNone, kRefused, kAnswerLost };
  // What becomes of the next insert.
  void strike(Fault fault) { fault_ = fault; }

  // What a server that does not know a setting says of statements that name it.
  std::atomic<bool> is_old_{false};
  std::atomic<bool> has_secrets_{false};  // from the user: system.parts

 private:
  Task<http::Response> pass(http::Request& request) {
    const bool insert = request.target.find("query=INSERT") != std::string::npos;
    const Fault fault = insert ? fault_.exchange(kNone) : kNone;
    if (fault == kRefused) throw Retryable("refused");
    if (is_old_ && request.body.find("merge_selector_base") != std::string::npos)
      co_return WarehouseWay::refusal(
          404, 115,
          "Code: 115. DB::Exception: Unknown setting 'merge_selector_base': for storage MergeTree. (UNKNOWN_SETTING)");
    if (has_secrets_ && request.body.find("system.parts") != request.body.npos)
      co_return WarehouseWay::refusal(
          403, 497,
          "Code: 497. DB::Exception: sink: Not enough privileges. To execute this query, it's necessary to have "
          "the grant SELECT(...) ON system.parts. (ACCESS_DENIED)");
    auto answer = co_await way_.hand_on(request);
    EXPECT_EQ(answer.status, 200) << std::get<std::string>(answer.body);
    if (fault == kAnswerLost) throw Retryable("the answer is lost");
    co_return answer;
  }

  std::atomic<Fault> fault_{kNone};
  WarehouseWay way_{TestHome::shared().warehouse_url(), [this](http::Request& request) { return pass(request); }};
  warehouse::Client far_client_{http_, way_.url()};

 protected:
  Store far_{far_client_, "", stop_};
};

TEST_F(SinkOnABadWay, AnOlderServerChoosesWhatToMergeByItself) {
  const auto stream = now();
  is_old_ = true;
  far_.prepare(stream);
  far_.prepare(stream);
  const auto settings = warehouse_.value(
      "SELECT create_table_query FROM system.tables WHERE database = 'events' AND name = '" + name_ + "'");
  EXPECT_EQ(settings.find("merge_selector"), std::string::npos) << settings;
  EXPECT_NE(settings.find("min_bytes_for_wide_part = 268435456"), std::string::npos) << settings;
  EXPECT_NE(settings.find("min_age_to_force_merge_seconds = 3600"), std::string::npos) << settings;
  is_old_ = false;  // it was upgraded
  far_.prepare(stream);
  EXPECT_EQ(warehouse_.value("SELECT create_table_query LIKE '%merge_selector_base = 100%' FROM system.tables WHERE "
                             "database = 'events' AND name = '" +
                             name_ + "'"),
            "1");
}

TEST_F(SinkOnABadWay, AServerWhoseUserMaySeeNoPartsTellsTheNewestIdsAllTheSame) {
  const auto stream = now();
  const Block one = block(new_id(), at_, 5);
  store_.prepare(stream);
  store_.insert(stream, one, "one", encoded_);
  has_secrets_ = true;
  std::vector<Uuid> ids;
  far_.recent_ids(stream, 10, [&](std::span<const Uuid> some) { ids.insert(ids.end(), some.begin(), some.end()); });
  EXPECT_EQ(ids, std::vector<Uuid>{one.columns[0].uuid(0)});
}

// The engine's own memory of tokens is switched off, as a power cut may damage it.
TEST_F(SinkOnABadWay, AnInsertWhoseAnswerIsLostIsThereOnce) {
  const auto stream = now();
  far_.prepare(stream);
  for (const auto* table : {"", "_daily"})
    warehouse_.value("ALTER TABLE events." + name_ + table + " MODIFY SETTING non_replicated_deduplication_window = 0");
  strike(kAnswerLost);
  far_.insert(stream, block(new_id(), at_, 5), "one", encoded_);
  EXPECT_EQ(value("count()"), "1");
  EXPECT_EQ(warehouse_.value("SELECT followers FROM events." + name_ + "_series"), "5");
}

// A token that the warehouse knows though it has not the rows: it notes the one before it moves the others in.
TEST_F(SinkOnABadWay, ATokenThatSwallowsASecondAttemptLosesNothing) {
  const auto stream = now();
  far_.prepare(stream);
  far_.insert(stream, block(new_id(), at_, 4), "one", encoded_);
  warehouse_.value("ALTER TABLE events." + name_ + " DELETE WHERE true SETTINGS mutations_sync = 2");
  far_.insert(stream, block(new_id(), at_, 5), "one", encoded_);
  ASSERT_EQ(value("count()"), "0");  // so it does swallow
  strike(kRefused);
  far_.insert(stream, block(new_id(), at_, 6), "one", encoded_);
  EXPECT_EQ(value("count(), any(followers)"), "1\t6");
}

}  // namespace
}  // namespace dalgona::test
