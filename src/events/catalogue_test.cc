#include "events/catalogue.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resources.h"
#include "events/ddl.h"
#include "events/reference.h"
#include "events/topology.h"

namespace dalgona::events {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const Catalogue& shipped() {
  static const auto c = Catalogue::load(resource("config/streams"));
  return c;
}

// What users of the original know: these names are the public contract.
struct Contract {
  const char *queue, *exchange, *key, *table;
  TargetKind kind = TargetKind::kWarehouse;
};
const Contract kContract[] = {
    {"grpc_clickhouse_event_q", "grpc_event.tx", "*", "event"},
    {"grpc_clickhouse_event_error_q", "grpc_event_error.dx", "error.grpc_clickhouse_event_q", "error_event"},
    {"clickhouse_click_event_q", "grpc_event.dx", "CLICK", "click_event"},
    {"app_init_event_q", "event.dx", "APP_INIT", "app_init_event"},
    {"launch_refer_event_q", "event.dx", "LAUNCH_REFER_EVENT", "launch_refer_event"},
    {"create_user_account_q", "identity.dx", "user.client.account.create", "referral", TargetKind::kPostgres},
    {"event.account_profile_complete", "identity.dx", "user.client.account.profile.completed", "referral",
     TargetKind::kPostgres},
    {"ab_assignments", "ab.dx", "ab_assignments", "ab_assignment"},
    {"branch_event_q", "branch_event.tx", "*", "branch_event"},
    {"graphy_event_q", "graphy_event.tx", "*", "graphy_event"},
    {"trace_log", "identity.dx", "*", "trace_log_events"},
    {"affiliate_orders_event_q", "affiliate.dx", "*", "affiliate_order_events"},
    {"bigboss_votes_log_q", "bigboss", "*", "bigboss_vote_log"},
    {"post_log_events_q", "beat.dx", "post_log_events", "post_log_events"},
    {"sentiment_log_events_q", "beat.dx", "sentiment_log_events", "sentiment_log_events"},
    {"post_activity_log_events_q", "beat.dx", "post_activity_log_events", "post_activity_log_events"},
    {"profile_log_events_q", "beat.dx", "profile_log_events", "profile_log_events"},
    {"profile_relationship_log_events_q", "beat.dx", "profile_relationship_log_events",
     "profile_relationship_log_events"},
    {"scrape_request_log_events_q", "beat.dx", "scrape_request_log_events", "scrape_request_log_events"},
    {"order_log_events_q", "beat.dx", "order_log_events", "order_log_events"},
    {"shopify_events_q", "shopify_event.dx", "shopify_events", "shopify_event"},
    {"webengage_event_q", "webengage_event.dx", "EVENT", "", TargetKind::kHttp},
    {"webengage_ch_event_q", "webengage_event.dx", "EVENT", "webengage_event"},
    {"webengage_user_event_q", "webengage_event.dx", "USER_EVENT", "", TargetKind::kHttp},
    {"post_log_events_q_bkp", "beat.dx", "post_log_events_bkp", "post_log_events"},
    {"activity_tracker_q", "coffee.dx", "activity_tracker_rk", "activity_tracker"},
};

TEST(Catalogue, HoldsTheTwentySixQueuesByTheirNames) {
  EXPECT_EQ(shipped().streams().size(), std::size(kContract));
  for (const auto& c : kContract) {
    const auto& s = shipped().stream(c.queue);
    EXPECT_EQ(s.queue, c.queue);
    EXPECT_EQ(s.exchange, c.exchange) << c.queue;
    EXPECT_EQ(s.routing_key, c.key) << c.queue;
    EXPECT_EQ(s.target.kind, c.kind) << c.queue;
    EXPECT_EQ(c.kind == TargetKind::kWarehouse ? s.target.view : s.target.table, c.table) << c.queue;
    EXPECT_EQ(s.exchange_kind, s.exchange.ends_with(".dx") ? "direct" : "topic") << c.queue;
    EXPECT_FALSE(s.about.empty()) << c.queue;
  }
}

TEST(Catalogue, TheSecondQueueOfPostLogsSharesTheTable) {
  const auto& first = shipped().stream("post_log_events");
  const auto& second = shipped().stream("post_log_events_bkp");
  EXPECT_EQ(stream_ddl(first, ""), stream_ddl(second, ""));
  EXPECT_EQ(second.queue, "post_log_events_q_bkp");
  EXPECT_EQ(second.index_of("views"), first.index_of("views"));
}

TEST(Catalogue, BranchHasItsFortyNineFields) {
  const auto& s = shipped().stream("branch_event");
  EXPECT_EQ(std::count_if(s.fields.begin(), s.fields.end(), [](const Field& f) { return f.type != FieldType::kRest; }),
            49);
}

TEST(Catalogue, TheReferencePageIsUpToDate) {
  EXPECT_EQ(read_file(resource("docs/streams.md")), reference_page(shipped()))
      << "run: dalgona event-grpc docs > docs/streams.md";
}

TEST(Topology, DeclaresEachThingOnceAndRetryQueuesForWhatIsSentOn) {
  const auto t = topology(shipped().streams());
  std::set<std::string> exchanges, queues;
  for (const auto& e : t.exchanges) EXPECT_TRUE(exchanges.insert(e.name).second) << e.name;
  for (const auto& q : t.queues) {
    EXPECT_TRUE(queues.insert(q.name).second) << q.name;
    EXPECT_EQ(std::get<std::string>(q.arguments.at("x-queue-type")), "quorum") << q.name;
  }
  for (const auto& b : t.bindings) {
    EXPECT_TRUE(exchanges.contains(b.exchange)) << b.exchange;
    EXPECT_TRUE(queues.contains(b.queue)) << b.queue;
  }
  for (const auto& c : kContract) EXPECT_TRUE(queues.contains(c.queue)) << c.queue;
  EXPECT_TRUE(queues.contains("webengage_event_q.retry.7"));
  EXPECT_FALSE(queues.contains("webengage_event_q.retry.8"));
  // The error queue is a stream's, so none is made for it.
  EXPECT_FALSE(queues.contains("grpc_event_error.dx.error.grpc_clickhouse_event_q"));
  EXPECT_EQ(retry_wait(shipped().stream("webengage_event"), 3), std::chrono::seconds(20));
}

TEST(Ddl, OneNodeAndCluster) {
  for (const auto& s : shipped().streams()) {
    const auto one = stream_ddl(s, ""), many = stream_ddl(s, "main");
    if (s.target.kind != TargetKind::kWarehouse) {
      EXPECT_TRUE(one.empty()) << s.name;
      continue;
    }
    EXPECT_THAT(one[0], HasSubstr("CREATE TABLE IF NOT EXISTS events." + s.target.table + " ("));
    EXPECT_THAT(one[0], HasSubstr("fsync_after_insert = 1"));
    EXPECT_THAT(many[0], HasSubstr("events." + s.target.table + "_local ON CLUSTER `main`"));
    EXPECT_THAT(many[0], HasSubstr("ENGINE = Replicated"));
    EXPECT_THAT(many, Contains(HasSubstr("ENGINE = Distributed(`main`, events, " + s.target.table + "_local")));
    for (const auto& sql : many) EXPECT_THAT(sql, HasSubstr("ON CLUSTER `main`"));
  }
}

// Rows of one key replace each other within a shard only.
TEST(Ddl, OnAClusterRowsOfOneKeyMeet) {
  const auto made = [](const char* stream) { return stream_ddl(shipped().stream(stream), "main"); };
  EXPECT_THAT(made("trace_log"), Contains(HasSubstr("trace_log_events_local, cityHash64(id))")));
  EXPECT_THAT(made("affiliate_order"), Contains(HasSubstr("_local, cityHash64(order_id))")));
  EXPECT_THAT(made("scrape_request_log_events"), Contains(HasSubstr("_local, rand())")));
}

// A field that the file has gained must be in the table that is inserted into as well as in the one that keeps it.
TEST(Ddl, OnAClusterBothTablesGainAField) {
  const auto& profile = shipped().stream("profile_log_events");
  const auto many = stream_ddl(profile, "main");
  EXPECT_THAT(many, Contains(AllOf(HasSubstr("ALTER TABLE events.profile_log_local ON CLUSTER `main` "),
                                   HasSubstr("ADD COLUMN IF NOT EXISTS followers Nullable(Int64) CODEC("))));
  const auto made = std::find_if(many.begin(), many.end(), [](const std::string& sql) {
    return sql.starts_with("CREATE TABLE IF NOT EXISTS events.profile_log ON CLUSTER");
  });
  ASSERT_LT(made + 1, many.end());
  EXPECT_THAT(made[1], AllOf(HasSubstr("ALTER TABLE events.profile_log ON CLUSTER `main` "),
                             HasSubstr("ADD COLUMN IF NOT EXISTS followers Nullable(Int64)")));
  EXPECT_THAT(made[1], Not(HasSubstr("CODEC")));  // a Distributed table keeps nothing
  EXPECT_THAT(made[1], Not(HasSubstr("TTL")));
  EXPECT_THAT(stream_ddl(profile, ""), Not(Contains(HasSubstr("ADD COLUMN IF NOT EXISTS followers Nullable(Int64),"))));
}

TEST(Ddl, ALogKeepsMillisecondsAndTheDelayOfItsInsert) {
  const auto& profile = shipped().stream("profile_log_events");
  const auto table = stream_ddl(profile, "")[0];
  EXPECT_THAT(table, HasSubstr("event_timestamp DateTime64(3, 'UTC') CODEC(Delta, ZSTD(3))"));
  EXPECT_THAT(table, HasSubstr("insert_delay Int64 DEFAULT "));
  EXPECT_THAT(table, HasSubstr("insert_timestamp DateTime64(3, 'UTC') ALIAS toStartOfSecond(event_timestamp) + "
                               "toIntervalSecond(insert_delay)"));
  // What blocks carry is another matter: the table cuts it.
  EXPECT_EQ(column_type(*profile.field("event_timestamp")), "DateTime64(6, 'UTC')");
  // A table that was made before keeps its columns; codecs are for its new parts, and a cluster is left alone.
  EXPECT_THAT(stream_ddl(profile, "")[1], HasSubstr("MODIFY COLUMN views CODEC(Delta, ZSTD(3))"));
  EXPECT_THAT(stream_ddl(profile, "main")[1], Not(HasSubstr("MODIFY COLUMN")));
  EXPECT_THAT(table, HasSubstr("min_bytes_for_wide_part = 268435456, min_parts_to_merge_at_once = 24"));
  // Of rows of which the latest counts many parts are slow to read.
  EXPECT_THAT(stream_ddl(shipped().stream("trace_log"), "")[0], Not(HasSubstr("min_parts_to_merge_at_once")));
  const auto other = stream_ddl(shipped().stream("event"), "")[0];
  EXPECT_THAT(other, HasSubstr("insert_timestamp DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')"));
  EXPECT_THAT(other, Not(HasSubstr("insert_delay")));
}

TEST(Ddl, TheViewHasTheOriginalsNames) {
  const auto profile = stream_ddl(shipped().stream("profile_log_events"), "").back();
  for (const char* name :
       {"event_id", "handle", "event_timestamp", " AS metrics", " AS dimensions", "insert_timestamp"})
    EXPECT_THAT(profile, HasSubstr(name));
  EXPECT_THAT(profile, HasSubstr("VIEW _e.profile_log_events"));
  const auto event = stream_ddl(shipped().stream("event"), "").back();
  for (const char* name : {"session_id", "utm_campaign", "event_params", "app_version_code"})
    EXPECT_THAT(event, HasSubstr(name));
  EXPECT_THAT(stream_ddl(shipped().stream("trace_log"), "").back(), HasSubstr(" FINAL"));
}

// A file that is right; cases below change it.
constexpr const char* kGood = R"(# About it.
stream: s
exchange: {name: x.dx, kind: direct}
queue: s_q
routing_key: s
target: {kind: warehouse, table: s, view: s}
id: event_id
fields:
  - {name: event_id, type: uuid, required: true}
  - {name: at, type: time, required: true}
  - {name: n, type: int64, from: m.n, optional: true}
  - {name: rest, type: rest, from: m}
order: [at]
)";

struct Wrong {
  const char *find, *replace, *said;
};
const Wrong kWrong[] = {
    {"queue: s_q", "queu: s_q", "s.yaml:4: unknown key 'queu' in a stream, did you mean 'queue'?"},
    {"type: int64", "type: int46", "s.yaml:11: unknown type 'int46', did you mean 'int64'?"},
    {"kind: direct", "kind: dirct", "s.yaml:3: unknown kind of exchange 'dirct', did you mean 'direct'?"},
    {"order: [at]", "order: [att]", "s.yaml:13: order names no field: 'att', did you mean 'at'?"},
    {"order: [at]", "order: [n]", "s.yaml:13: 'n' can't be in the order: it is null or is dropped"},
    {"order: [at]", "order: [event_id]\nlatest: at\nshard: at",
     "s.yaml:15: 'shard' must be one of 'order' beside 'latest'"},
    {"order: [at]", "", "s.yaml:2: a warehouse stream needs 'order'"},
    {"order: [at]", "order: at", "s.yaml:13: 'order' must be a list"},
    {"name: at,", "name: event_id,", "s.yaml:10: field 'event_id' is given twice"},
    {"from: m.n", "from: m..n", "s.yaml:11: 'm..n' is no path of names joined by dots"},
    {"from: m.n", "from: 'm.a\"b'", "s.yaml:11: 'm.a\"b' has a character that JSON writes with an escape"},
    {"from: m.n", "from: 'm.a\\b'", "has a character that JSON writes with an escape"},
    {"from: m.n", "from: at", "s.yaml:11: 'at' is read by two fields"},
    {"from: m.n", "from: m.n, also: [at]", "s.yaml:11: 'at' is read by two fields"},
    {"from: m.n", "from: m", "'m' is taken whole by one field and its rest by another"},
    {"from: m.n", "from: at.n", "'at.n' is inside 'at', which a field takes whole"},
    {"from: m.n", "from: \"@when\"", "s.yaml:11: unknown source '@when'"},
    {"optional: true", "optional: maybe", "s.yaml:11: 'optional' must be true or false"},
    {"view: s", "view: s, json: [n]", "s.yaml:6: group 'n' has no field of type rest"},
    {"table: s,", "table: \"s; DROP\",", "s.yaml:6: 's; DROP' must be letters, digits and '_'"},
    {"id: event_id", "id: at", "s.yaml:7: 'id' must be a required uuid field, or one from @id"},
    {"queue: s_q", "queue: s_q\nconsumers: 0", "s.yaml:5: 'consumers' must be a whole number from 1 to 64"},
    {"queue: s_q", "queue: s_q\nbatch: {time: 5}", "s.yaml:5: "},
    {"queue: s_q", "queue: s_q\nbatch: {events: 10, rows: 2}", "s.yaml:5: unknown key 'rows' in 'batch'"},
    {"queue: s_q", "queue: s_q\nqueue: t_q", "s.yaml:5: 'queue' is given twice"},
    {"queue: s_q", "queue: s_q\nsame_as: t", "comes from t"},
    {"queue: s_q", "queue: s_q\ningest: [{path: event}]", "s.yaml:5: 'path' must begin with '/' and be plain"},
    {"queue: s_q", "queue: s_q\ningest: [{payload: x, has: y}]", "s.yaml:5: 'has' is for the path of a webhook"},
    {"queue: s_q", "queue: s_q\ningest: [{path: /x, signature: {kind: md5, header: X, secret: a.b}}]",
     "s.yaml:5: unknown kind of signature 'md5'"},
    {"queue: s_q", "queue: s_q\nttl: {after: 1d, of: n2}", "s.yaml:5: of names no field: 'n2'"},
    {"queue: s_q", "queue: s_q\n[a]: b", "s.yaml:5: "},
    {"queue: s_q", "queue: {a", "s.yaml:"},
    {"stream: s", "stream: 9s", "s.yaml:2: '9s' must be letters"},
    {"type: time,", "type: time, digits: 4,", "s.yaml:10: 'digits' must be 0, 3 or 6"},
    {"type: time,", "type: time, digits: 9,", "s.yaml:10: 'digits' must be a whole number from 0 to 6"},
    {"from: m.n,", "from: m.n, digits: 3,", "s.yaml:11: 'digits' is for time fields"},
    {"name: rest,", "name: insert_delay,", "s.yaml:12: insert_delay is filled by the warehouse"},
    {"queue: s_q", "queue: s_q\ninserted_after: n", "s.yaml:5: 'inserted_after' must be a time field that is not null"},
    {"queue: s_q", "queue: s_q\ninserted_after: att", "s.yaml:5: inserted_after names no field: 'att'"},
};

TEST(Catalogue, AWrongFileIsRefusedWithLineAndReason) {
  EXPECT_EQ(Catalogue::parse(kGood, "s.yaml").about, "About it.");
  for (const auto& wrong : kWrong) {
    std::string text = kGood;
    const auto at = text.find(wrong.find);
    ASSERT_NE(at, text.npos) << wrong.find;
    text.replace(at, std::string_view(wrong.find).size(), wrong.replace);
    try {
      Catalogue::parse(text, "s.yaml");
      ADD_FAILURE() << "taken: " << wrong.replace;
    } catch (const InvalidInput& e) {
      EXPECT_THAT(e.what(), HasSubstr(wrong.said)) << wrong.replace;
    }
  }
}

TEST(Catalogue, NamesMustNotClashBetweenFiles) {
  const auto folder = std::filesystem::temp_directory_path() / ("catalogue-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto put = [&](const char* file, std::string text, const char* from, const char* to) {
    if (const auto at = text.find(from); at != text.npos) text.replace(at, std::string_view(from).size(), to);
    std::ofstream(folder / file) << text;
  };
  const auto refused = [&] {
    try {
      Catalogue::load(folder);
      return std::string();
    } catch (const InvalidInput& e) {
      return std::string(e.what());
    }
  };
  put("a.yaml", kGood, "-", "-");
  put("b.yaml", kGood, "stream: s", "stream: t");
  EXPECT_THAT(refused(), HasSubstr("b.yaml:1: queue 's_q' is also in"));
  put("b.yaml", kGood, "queue: s_q", "queue: t_q");
  EXPECT_THAT(refused(), HasSubstr("b.yaml:1: stream 's' is also in"));
  std::ofstream(folder / "b.yaml") << "stream: t\nexchange: {name: x.dx, kind: direct}\nqueue: t_q\nrouting_key: "
                                      "t\nsame_as: z\n";
  EXPECT_THAT(refused(), HasSubstr("b.yaml:1: same_as names no stream: 'z'"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace dalgona::events
