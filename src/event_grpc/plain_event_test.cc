#include "event_grpc/plain_event.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/resources.h"
#include "event_grpc/parser.h"

namespace dalgona::event_grpc {
namespace {

const events::Stream& profile_stream() {
  static const auto c = events::Catalogue::load(resource("config/streams"));
  return c.stream("profile_log_events");
}

constexpr const char* kPlain =
    R"({"event_id":"01890a5d-ac96-774b-bcce-b302099a8057","source":"youtube","platform":"YOUTUBE","profile_id":"UC1",)"
    R"("handle":null,"event_timestamp":"2017-09-13 00:00:01.000002","metrics":{"followers":10,"following":0,)"
    R"("views":-20,"shares":5,"live":true},"dimensions":{"title":"Tänzerin","country":"IN","bio":"x","flag":null}})";

bool is_plain(std::string text) {
  FieldTree tree(profile_stream());
  const size_t size = text.size();
  text.append(Parser::kPadding, '\0');
  return read_plain_event(tree, std::string_view(text).substr(0, size));
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kPlain;
  return text.replace(text.find(from), from.size(), to);
}

struct Outcome {
  std::string rows;
  std::vector<std::string> reasons;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string text, Parser::Reading reading) {
  Parser parser(profile_stream(), reading);
  auto block = parser.new_block();
  std::vector<Rejected> rejected;
  const size_t size = text.size();
  text.append(Parser::kPadding, '\0');
  parser.parse({std::string_view(text).substr(0, size), "application/json", "", "key"}, block, rejected);
  Outcome outcome{block.encode(), {}};
  for (const auto& why : rejected) outcome.reasons.push_back(why.reason);
  return outcome;
}

TEST(PlainEvent, TakesWhatEventsLookLike) {
  FieldTree tree(profile_stream());
  std::string text = kPlain;
  text.append(Parser::kPadding, '\0');
  ASSERT_TRUE(read_plain_event(tree, std::string_view(text).substr(0, text.size() - Parser::kPadding)));
  const auto slot = [&](const char* name) { return tree.slots[tree.stream.index_of(name)]; };
  EXPECT_EQ(slot("event_id").uuid.text(), "01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(slot("title").text, "Tänzerin");
  EXPECT_EQ(slot("followers").integer, 10);
  EXPECT_EQ(slot("views").integer, -20);
  EXPECT_TRUE(slot("handle").seen);
  EXPECT_FALSE(slot("handle").given);
  EXPECT_FALSE(slot("uploads").seen);
  EXPECT_EQ(slot("event_timestamp").integer, parse_time("2017-09-13T00:00:01.000002Z").time_since_epoch().count());
  EXPECT_EQ(tree.scratch[tree.stream.index_of("metrics_rest")], R"("shares":5,"live":true)");
  EXPECT_EQ(tree.scratch[tree.stream.index_of("dimensions_rest")], R"("bio":"x","flag":null)");
}

TEST(PlainEvent, TakesWhiteSpaceAnyOrderAndNumberedTimes) {
  EXPECT_TRUE(is_plain(std::string(" \t\r\n") + kPlain + "\r\n "));
  EXPECT_TRUE(is_plain(changed(R"({"followers":10,"following":0,)", "{ \"following\" : 0 ,\n\"followers\":10 , ")));
  EXPECT_TRUE(is_plain(changed(R"("2017-09-13 00:00:01.000002")", "1505298030")));
  EXPECT_TRUE(is_plain(R"({"metrics":{},"dimensions":null})"));
}

TEST(PlainEvent, LeavesTheUncommonToTheCarefulReader) {
  for (const auto& text :
       {changed("Tänzerin", "T\\u00e4nzerin"), changed("Tänzerin", "T\xe4nzerin"), changed(":10,", ":1e1,"),
        changed(":10,", ":010,"), changed(":10,", ":-0,"), changed(":10,", ":9999999999999999999,"),
        changed(":10,", ":\"10\","), changed(R"("bio":"x")", R"("bio":["x"])"), changed(R"("bio":"x")", R"("bio":1.5)"),
        changed(R"("source")", R"("sourc\u0065")"), changed(R"("source")", R"("surprise":1,"source")"),
        changed(R"("source")", R"("platform":"a","source")"), changed("5d-ac96", "5d_ac96"),
        changed(R"("2017-09-13 00:00:01.000002")", "-288230374651711744"), changed("2017-09-13", "2017-02-31"),
        changed("true", "tru"), std::string(kPlain) + "x", std::string(kPlain) + "}"})
    EXPECT_FALSE(is_plain(text)) << text;
  const std::string whole = kPlain;
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(is_plain(whole.substr(0, n))) << n;
}

// Whatever is done to a byte, both ways to read give the same row or the same reason.
TEST(PlainEvent, TheTwoReadersAgreeAfterEveryChange) {
  const std::string whole = kPlain;
  for (size_t n = 0; n < whole.size(); ++n)
    for (const char* byte : {"", "\x01", "\"", "\\", "{", "}", "]", ",", ":", " ", "9", "-", ".", "e", "\x80", "\n"}) {
      auto text = whole;
      text.replace(n, 1, byte);
      EXPECT_EQ(read(text, Parser::Reading::kQuick), read(text, Parser::Reading::kCareful)) << text;
      text = whole;
      text.insert(n, byte);
      EXPECT_EQ(read(text, Parser::Reading::kQuick), read(text, Parser::Reading::kCareful)) << text;
    }
}

}  // namespace
}  // namespace dalgona::event_grpc
