#include "event_grpc/parser.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/resources.h"

namespace dalgona::event_grpc {
namespace {

const events::Catalogue& shipped_catalogue() {
  static const auto c = events::Catalogue::load(resource("config/streams"));
  return c;
}

constexpr const char* kId = "01890a5d-ac96-774b-bcce-b302099a8057";

struct Parsed {
  warehouse::Block block;
  std::vector<Rejected> rejected;
  std::string text(const char* column) const { return std::string(find(column).text(block.rows() - 1)); }
  int64_t integer(const char* column) const { return find(column).integer(block.rows() - 1); }
  const warehouse::Column& find(std::string_view name) const {
    for (const auto& c : block.columns)
      if (c.name() == name) return c;
    throw std::runtime_error("no column");
  }
};

Parsed parse(std::string body, std::string_view type = "application/json", const char* stream = "profile_log_events") {
  Parser parser(shipped_catalogue().stream(stream));
  Parsed p{parser.new_block(), {}};
  const size_t size = body.size();
  body.append(Parser::kPadding, '\0');
  parser.parse({std::string_view(body).substr(0, size), type, "", "key"}, p.block, p.rejected);
  for (const auto& c : p.block.columns) EXPECT_EQ(c.rows(), p.block.rows()) << c.name();
  return p;
}

std::string event(const std::string& metrics = R"({"followers":10,"views":20})",
                  const std::string& dimensions = R"({"title":"A \"b\" ü","country":"IN","x":{"y":[1,null,true]}})",
                  const std::string& time = "\"2017-09-13 00:00:01.000002\"", const std::string& more = "") {
  return std::string(R"({"event_id":")") + kId +
         R"(","source":"s","platform":"YOUTUBE","profile_id":"UC1","handle":null,"event_timestamp":)" + time +
         R"(,"metrics":)" + metrics + R"(,"dimensions":)" + dimensions + more + "}";
}

TEST(Parser, TakesTypedFieldsAndKeepsTheRestAsJson) {
  const auto p = parse(event());
  ASSERT_TRUE(p.rejected.empty()) << p.rejected[0].reason;
  ASSERT_EQ(p.block.rows(), 1u);
  EXPECT_EQ(p.find("event_id").uuid(0).text(), kId);
  EXPECT_EQ(p.text("platform"), "YOUTUBE");
  EXPECT_EQ(p.text("title"), "A \"b\" ü");
  EXPECT_EQ(p.integer("followers"), 10);
  EXPECT_EQ(p.integer("views"), 20);
  EXPECT_EQ(p.integer("event_timestamp"), parse_time("2017-09-13T00:00:01.000002Z").time_since_epoch().count());
  EXPECT_EQ(p.text("dimensions_rest"), R"("x":{"y":[1,null,true]})");
  EXPECT_TRUE(p.find("uploads").all_default());
  EXPECT_TRUE(p.find("handle").all_default());
}

TEST(Parser, TakesTheOriginalsPairs) {
  const auto p =
      parse(event(R"([{"key":"followers","value":"12"},{"value":3.0,"key":"views"},{"key":"er","value":1.5}])",
                  R"([{"key":"title","value":"t"},{"key":"bio","value":"b"}])"));
  ASSERT_TRUE(p.rejected.empty()) << p.rejected[0].reason;
  EXPECT_EQ(p.integer("followers"), 12);
  EXPECT_EQ(p.integer("views"), 3);
  EXPECT_EQ(p.text("metrics_rest"), R"("er":1.5)");
  EXPECT_EQ(p.text("title"), "t");
  EXPECT_EQ(p.text("dimensions_rest"), R"("bio":"b")");
}

TEST(Parser, TimesInAllForms) {
  const auto expected = parse_time("2017-09-13T10:20:30Z").time_since_epoch().count();
  for (const char* form : {"\"2017-09-13 10:20:30\"", "\"2017-09-13T10:20:30Z\"", "\"2017-09-13T12:20:30+02:00\"",
                           "\"2017-09-13 10:20:30.000\"", "1505298030", "1505298030000", "1505298030000000"}) {
    const auto p = parse(event("{}", "{}", form));
    ASSERT_TRUE(p.rejected.empty()) << form << p.rejected[0].reason;
    EXPECT_EQ(p.integer("event_timestamp"), expected) << form;
  }
}

struct Case {
  const char* name;
  std::string body;
  const char* field;
};

std::vector<Case> bad_cases() {
  std::string deep, long_text;
  long_text.resize(10'000'000, 'x');
  for (int i = 0; i < 500; ++i) deep += "{\"a\":";
  deep += "1" + std::string(500, '}');
  const auto without = [](std::string text, const std::string& member) {
    const auto at = text.find("\"" + member + "\"");
    return text.erase(at, text.find(',', at) - at + 1);
  };
  return {
      {"not JSON", "hello", ""},
      {"empty", "", ""},
      {"an array", "[1,2]", ""},
      {"a bare number", "17", ""},
      {"truncated", event().substr(0, 100), "profile_id"},
      {"two events in one", event() + event(), ""},
      {"trailing", event() + " x", ""},
      {"wrong type of metric", event(R"({"followers":"many"})"), "metrics.followers"},
      {"metric is an object", event(R"({"followers":{}})"), "metrics.followers"},
      {"metric is a fraction", event(R"({"followers":1.5})"), "metrics.followers"},
      {"metric is true", event(R"({"followers":true})"), "metrics.followers"},
      {"metrics is a text", event("\"x\""), "metrics"},
      {"pair without key", event(R"([{"value":1}])"), "metrics"},
      {"pair without value", event(R"([{"key":"followers"}])"), "metrics.followers"},
      {"missing profile", without(event(), "profile_id"), "profile_id"},
      {"missing id", without(event(), "event_id"), "event_id"},
      {"id is no UUID",
       [&] {
         auto e = event();
         return e.replace(e.find(kId), 36, "nonsense");
       }(),
       "event_id"},
      {"unknown field", event("{}", "{}", "\"2017-09-13 00:00:00\"", R"(,"surprise":1)"), "surprise"},
      {"given twice", event("{}", "{}", "\"2017-09-13 00:00:00\"", R"(,"source":"s")"), "source"},
      {"out of range", event(R"({"followers":92233720368547758080})"), "metrics.followers"},
      {"unsigned out of range", event(R"({"followers":18446744073709551615})"), "metrics.followers"},
      {"huge exponent", event(R"({"followers":1e400})"), "metrics.followers"},
      {"NaN", event(R"({"followers":NaN})"), "metrics.followers"},
      {"NaN in the rest", event(R"({"er":NaN})"), "metrics.er"},
      {"half a literal in the rest", event("{}", R"({"x":tru})"), "dimensions.x"},
      {"10 MB text", event("{}", R"({"title":")" + long_text + "\"}"), "dimensions.title"},
      {"invalid UTF-8", event("{}", "{\"title\":\"\xff\xfe\"}"), "dimensions.title"},
      {"raw NUL", event("{}", std::string("{\"title\":\"a\0b\"}", 15)), ""},
      {"escaped NUL", event("{}", R"({"title":"a\u0000b"})"), "dimensions.title"},
      {"lone surrogate", event("{}", R"({"title":"\ud800"})"), "dimensions.title"},
      {"year 0", event("{}", "{}", "\"0000-01-01 00:00:00\""), "event_timestamp"},
      {"year 9999", event("{}", "{}", "\"9999-12-31 00:00:00\""), "event_timestamp"},
      {"31 February", event("{}", "{}", "\"2017-02-31 00:00:00\""), "event_timestamp"},
      {"a number before 1970", event("{}", "{}", "-1"), "event_timestamp"},
      // Times a million it is 2017 again, in 64 bits.
      {"a number far before 1970", event("{}", "{}", "-288230374651711744"), "event_timestamp"},
      {"the least number", event("{}", "{}", "-9223372036854775808"), "event_timestamp"},
      {"the largest number", event("{}", "{}", "9223372036854775807"), "event_timestamp"},
      {"no time", event("{}", "{}", "\"yesterday\""), "event_timestamp"},
      {"time is null", event("{}", "{}", "null"), "event_timestamp"},
      {"deep nesting", event("{}", "{\"x\":" + deep + "}"), "dimensions.x"},
      {"very deep nesting", event("{}", "{\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"),
       "dimensions.x"},
  };
}

TEST(Parser, EachBadInputIsRejectedWithItsFieldAndLeavesNoRow) {
  for (const auto& c : bad_cases()) {
    const auto p = parse(c.body);
    EXPECT_EQ(p.block.rows(), 0u) << c.name;
    ASSERT_EQ(p.rejected.size(), 1u) << c.name;
    EXPECT_EQ(p.rejected[0].field, c.field) << c.name << ": " << p.rejected[0].reason;
    EXPECT_TRUE(p.rejected[0].reason.starts_with(c.field)) << p.rejected[0].reason;
    EXPECT_EQ(p.rejected[0].body, c.body) << c.name;
  }
}

TEST(Parser, ABadLineDoesNotHarmItsNeighbours) {
  for (const auto& c : bad_cases()) {
    if (c.body.empty() || c.body.find('\n') != c.body.npos) continue;
    const auto p = parse(event() + "\n" + c.body + "\n\n" + event() + "\r\n", "application/x-ndjson");
    EXPECT_EQ(p.block.rows(), 2u) << c.name;
    EXPECT_EQ(p.rejected.size(), 1u) << c.name;
    EXPECT_EQ(p.integer("followers"), 10) << c.name;
  }
}

TEST(Parser, EveryTruncationIsRejected) {
  const auto whole = event();
  for (size_t n = 0; n < whole.size(); ++n) {
    const auto p = parse(whole.substr(0, n));
    EXPECT_EQ(p.block.rows(), 0u) << n;
    EXPECT_EQ(p.rejected.size(), 1u) << n;
  }
}

TEST(Parser, EveryFlippedByteGivesARowOrAReasonNeverBoth) {
  const auto whole = event();
  for (size_t n = 0; n < whole.size(); ++n)
    for (const char c : {'\0', '"', '\\', '{', ']', '9', '\x80'}) {
      auto changed = whole;
      changed[n] = c;
      const auto p = parse(changed);
      EXPECT_EQ(p.block.rows() + p.rejected.size(), 1u) << n;
    }
}

TEST(Parser, AnIdMadeFromBytesIsTheSameForTheSameBytes) {
  EXPECT_EQ(uuid_of_bytes("abc"), uuid_of_bytes("abc"));
  EXPECT_NE(uuid_of_bytes("abc"), uuid_of_bytes("abd"));
  EXPECT_EQ(uuid_of_bytes("abc").text()[14], '8');
}

}  // namespace
}  // namespace dalgona::event_grpc
