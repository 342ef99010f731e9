// Bad input among good, and what a person does with it afterwards.
#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/events_house.h"

namespace dalgona::test {
namespace {

using testing::HasSubstr;

std::string post_log(size_t n, const std::string& more = "") {
  return fmt::format(
      R"({{"event_id":"01890a5d-ac96-774b-bcce-{:012x}","source":"bad","platform":"YOUTUBE","profile_id":"bad-input","shortcode":"s{}","event_timestamp":"2026-11-01 00:00:00","metrics":{{"likes":{}}},"dimensions":{{}}{}}})",
      n, n % 100, n, more);
}

struct Kind {
  const char *name, *field;
  std::string body;
};
std::vector<Kind> kinds(size_t long_text) {
  const auto with = [](const std::string& from, const std::string& to) {
    auto text = post_log(0);
    return text.replace(text.find(from), from.size(), to);
  };
  std::string deep = "1";
  for (int i = 0; i < 200; ++i) deep = "[" + deep + "]";
  return {{"not JSON", "", "hello"},
          {"truncated", "profile_id", post_log(0).substr(0, 100)},
          {"wrong type", "metrics.likes", with("\"likes\":0", "\"likes\":\"many\"")},
          {"missing field", "shortcode", with("\"shortcode\":\"s0\",", "")},
          {"unknown field", "surprise", post_log(0, ",\"surprise\":1")},
          {"out of range", "metrics.likes", with("\"likes\":0", "\"likes\":92233720368547758080")},
          {"NaN", "metrics.likes", with("\"likes\":0", "\"likes\":NaN")},
          {"long text", "dimensions.title",
           with("\"dimensions\":{}", "\"dimensions\":{\"title\":\"" + std::string(long_text, 'x') + "\"}")},
          {"invalid UTF-8", "profile_id", with("bad-input", "bad\xff")},
          {"NUL", "profile_id", with("bad-input", "bad\\u0000")},
          {"year 0", "event_timestamp", with("2026-", "0000-")},
          {"year 9999", "event_timestamp", with("2026-", "9999-")},
          {"deep nesting", "dimensions.x", with("\"dimensions\":{}", "\"dimensions\":{\"x\":" + deep + "}")}};
}

// BAD_INPUT_EACH=N: N of each kind among N * 1000 good ones, the long texts 10 MB each. Without it a run of a
// minute.
TEST(EventsParked, GoodOnesLandAndEachBadOneIsParkedWithItsField) {
  auto& house = EventsHouse::shared();
  const char* wanted_size = std::getenv("BAD_INPUT_EACH");
  const size_t rounds = wanted_size ? std::strtoull(wanted_size, nullptr, 10) : 40;
  ASSERT_GT(rounds, 0u);
  const size_t good_before = 250, good_after = wanted_size ? 750 : 250;
  const auto bad = kinds(wanted_size ? 10'000'000 : 2'000'000);
  const size_t long_ones = wanted_size ? rounds : 5;
  const auto began = std::chrono::steady_clock::now();
  // In each round one of each kind, in turn among the lines of one message, and alone.
  size_t n = 1;
  std::map<std::string, size_t> expected;
  for (size_t round = 0; round < rounds; ++round) {
    std::string lines;
    for (size_t i = 0; i < good_before; ++i) lines += post_log(n++) + "\n";
    for (const auto& kind : bad) {
      if (kind.body.size() > 100'000 && round >= long_ones) continue;
      // The bytes differ, so that each is an event of its own.
      const auto body = kind.body + std::string(round % 50 + 1, ' ') + std::string(round / 50, '\t');
      ++expected[kind.field];
      if (round % 2)
        house.publish("beat.dx", "post_log_events", body);
      else
        lines += body + "\n" + post_log(n++) + "\n";
    }
    for (size_t i = 0; i < good_after; ++i) lines += post_log(n++) + "\n";
    house.publish("beat.dx", "post_log_events", lines, "application/x-ndjson");
  }
  const auto good = std::to_string(n - 1);
  const auto sql = "SELECT count(), uniqExact(event_id) FROM _e.post_log_events WHERE profile_id = 'bad-input'";
  const auto limit = std::chrono::seconds{wanted_size ? 1800 : 120};
  EXPECT_EQ(house.query_until(sql, good + "\t" + good, limit), good + "\t" + good);
  std::string wanted;
  size_t parked = 0;
  for (const auto& [field, count] : expected) {
    wanted += (wanted.empty() ? "" : "\n") + field + "\t" + std::to_string(count);
    parked += count;
  }
  EXPECT_EQ(
      house.query_until("SELECT field, count() FROM events.parked FINAL WHERE stream = 'post_log_events' AND state "
                        "= 'parked' GROUP BY field ORDER BY field",
                        wanted, limit),
      wanted);
  EXPECT_EQ(house.query("SELECT count() FROM events.parked FINAL WHERE stream = 'post_log_events' AND NOT "
                        "(startsWith(reason, field) AND (field != '' OR startsWith(reason, 'not JSON')))"),
            "0");
  fmt::print("{} good events landed, {} bad ones of {} kinds parked, {:.1f} s\n", good, parked, bad.size(),
             std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

TEST(EventsParked, ListShowReplayAndDrop) {
  auto& house = EventsHouse::shared();
  auto& home = house.home();
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"event-grpc", "parked"});
    const auto outcome = home.run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    return outcome.output;
  };
  const std::string first = R"({"experimentId":"parked-1","timestamp":"soon"})",
                    second = R"({"experimentId":"parked-2","timestamp":"later"})";
  for (const auto& body : {first, second}) house.publish("ab.dx", "ab_assignments", body);
  const std::string where = " FROM events.parked FINAL WHERE stream = 'ab_assignment'";
  ASSERT_EQ(house.query_until("SELECT count()" + where, "2"), "2");

  EXPECT_THAT(run({"list", "--stream", "ab_assignment"}), HasSubstr("timestamp: 'soon' is no time"));
  const auto all = boost::json::parse(run({"list", "--stream", "ab_assignment", "--json"})).as_array();
  ASSERT_EQ(all.size(), 2u);
  const auto id_of = [&](const std::string& word) {
    for (const auto& row : all)
      if (std::string(row.at("reason").as_string()).find(word) != std::string::npos)
        return std::string(row.at("id").as_string());
    return std::string();
  };
  EXPECT_THAT(run({"show", id_of("soon").substr(0, 13)}), HasSubstr(first));

  // Still wrong: parked again, the second time.
  EXPECT_THAT(run({"replay", id_of("soon")}), HasSubstr("1 event sent again"));
  EXPECT_EQ(house.query_until("SELECT count, state" + where + " AND id = '" + id_of("soon") + "'", "2\tparked"),
            "2\tparked");
  EXPECT_EQ(house.query("SELECT routing_key, exchange" + where + " AND id = '" + id_of("soon") + "'"),
            "ab_assignments\tab.dx");

  EXPECT_THAT(run({"drop", id_of("later")}), HasSubstr("1 event given up"));
  EXPECT_EQ(house.query("SELECT state, body" + where + " AND id = '" + id_of("later") + "'"), "dropped\t");
  EXPECT_EQ(boost::json::parse(run({"list", "--stream", "ab_assignment", "--json"})).as_array().size(), 1u);

  // What was refused for a while comes through once it is not.
  house.receiver().answer_next({422});
  house.publish("webengage_event.dx", "USER_EVENT", R"({"userId":"r1","firstName":"Replayed"})");
  ASSERT_EQ(house.query_until(
                "SELECT count() FROM events.parked FINAL WHERE body LIKE '%Replayed%' AND state = 'parked'", "1"),
            "1");
  run({"replay", "--stream", "webengage_user_event", "--all"});
  const auto taken = house.receiver().wait_for("Replayed", 2, std::chrono::seconds{20});
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].idempotency_key, taken[1].idempotency_key);
  EXPECT_EQ(house.query_until("SELECT state FROM events.parked FINAL WHERE body LIKE '%Replayed%'", "replayed"),
            "replayed");

  const auto none = home.run({"event-grpc", "parked", "drop"});
  EXPECT_NE(none.exit_code, 0);
  EXPECT_THAT(none.output, HasSubstr("which? give ids, --stream, --field, or --all"));
}

// Of beat's own stream, as its user sees it: list, metrics and status count the one, and its neighbours are there.
TEST(EventsParked, AMalformedProfileLogIsListedAndCounted) {
  auto& house = EventsHouse::shared();
  const auto log = [](int n, const std::string& followers) {
    return fmt::format(
        R"({{"event_id":"01890a5d-ac96-774b-bccf-{:012x}","source":"test","platform":"YOUTUBE","profile_id":"malformed-{}","handle":"h","event_timestamp":"2026-11-01 00:00:00","metrics":{{"followers":{}}},"dimensions":{{}}}})",
        n, n, followers);
  };
  const auto metric = [&] {
    http::ClientRequest request;
    request.url = house.role().url() + "/metrics";
    const auto text = house.http().send_blocking(std::move(request)).body;
    const std::string name = "dalgona_event_grpc_parked_total{stream=\"profile_log_events\"} ";
    const auto at = text.find(name);
    return at == text.npos ? 0.0 : std::strtod(text.c_str() + at + name.size(), nullptr);
  };
  const auto status = [&] {
    const auto outcome = house.home().run({"event-grpc", "status", "--once", "--json", "--url", house.role().url()});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    const auto all = boost::json::parse(outcome.output);
    for (const auto& line : all.as_array())
      if (line.at("stream") == "profile_log_events") return line.at("parked").to_number<double>();
    return -1.0;
  };
  const auto before = metric();
  house.publish("beat.dx", "profile_log_events", log(1, "10") + "\n" + log(2, "\"a lot\"") + "\n" + log(3, "30"),
                "application/x-ndjson");
  house.publish("beat.dx", "profile_log_events", log(4, "40"));
  const auto sql =
      "SELECT groupArray(profile_id) FROM (SELECT profile_id FROM _e.profile_log_events WHERE profile_id "
      "LIKE 'malformed-%' ORDER BY profile_id)";
  const std::string good = "['malformed-1','malformed-3','malformed-4']";
  EXPECT_EQ(house.query_until(sql, good), good);
  EXPECT_EQ(
      house.query_until("SELECT field FROM events.parked FINAL WHERE body LIKE '%malformed-2%'", "metrics.followers"),
      "metrics.followers");
  EXPECT_EQ(metric(), before + 1);
  EXPECT_EQ(status(), before + 1);
  const auto list = house.home().run({"event-grpc", "parked", "list", "--stream", "profile_log_events"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.output, HasSubstr("metrics.followers: must be a whole number"));
  const auto json = boost::json::parse(
      house.home().run({"event-grpc", "parked", "list", "--stream", "profile_log_events", "--json"}).output);
  EXPECT_EQ(json.as_array().size(), 1u);
}

TEST(EventsParked, StatusShowsEveryStream) {
  auto& house = EventsHouse::shared();
  const auto outcome = house.home().run({"event-grpc", "status", "--once", "--json", "--url", house.role().url()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  const auto all = boost::json::parse(outcome.output).as_array();
  EXPECT_EQ(all.size(), 26u);
  for (const auto& line : all) {
    EXPECT_GE(line.at("connected").to_number<double>(), 1) << line.at("stream");
    EXPECT_TRUE(line.at("queued").is_number()) << line.at("stream");
  }
}

}  // namespace
}  // namespace dalgona::test
