#include "coffee/discovery/filters.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::coffee::discovery {
namespace {

namespace json = boost::json;

struct Made {
  FilterSql sql;
  postgres::Params params;
};
Made made(const char* text) {
  const json::value filters = json::parse(text);
  Made out;
  out.sql = filters_to_sql(&filters.as_array(), out.params);
  return out;
}

TEST(Filters, ValuesAreBoundAndNeverPartOfTheSql) {
  const std::string hostile = "x' OR 1=1; DROP TABLE beat.youtube_account; --";
  const auto eq = made((R"([{"filterType": "EQ", "field": "title", "value": ")" + hostile + "\"}]").c_str());
  EXPECT_EQ(eq.sql.condition, "p.title = $1::text");
  EXPECT_EQ(eq.params, (postgres::Params{hostile}));
  const auto in = made(R"([{"filterType": "IN", "field": "country", "value": ["US", "a\"}b,\\"]}])");
  EXPECT_EQ(in.sql.condition, "p.country = any($1::text[])");
  EXPECT_EQ(in.params[0], R"({"US","a\"}b,\\"})");
}

TEST(Filters, AreJoinedByAndAndCountTheirParameters) {
  postgres::Params params{"before"};
  const json::value filters = json::parse(
      R"([{"filterType": "GTE", "field": "followers", "value": 5}, {"filterType": "LTE", "field": "followers", "value": 9}])");
  const auto sql = filters_to_sql(&filters.as_array(), params);
  EXPECT_EQ(sql.condition,
            "coalesce(p.followers, -1) >= $2::bigint AND coalesce(p.followers, -1) BETWEEN 0 AND $3::bigint");
  EXPECT_FALSE(sql.needs_leaderboard);
  EXPECT_EQ(params, (postgres::Params{"before", "5", "9"}));
  EXPECT_TRUE(made(R"([{"filterType": "EQ", "field": "category", "value": "Music"}])").sql.needs_leaderboard);
  EXPECT_EQ(filters_to_sql(nullptr, params).condition, "");
}

TEST(Filters, LikeTakesItsTextLiterally) {
  EXPECT_EQ(like_pattern("abc"), "%abc%");
  EXPECT_EQ(like_pattern("50%_\\"), "%50\\%\\_\\\\%");
  EXPECT_EQ(like_pattern("ab"), "% ab%");
  EXPECT_EQ(like_pattern("\u0939\u093f"), "% \u0939\u093f%");             // two characters of six bytes
  EXPECT_EQ(like_pattern("\u0939\u093f\u0928"), "%\u0939\u093f\u0928%");  // three
  const auto name = made(R"([{"filterType": "LIKE", "field": "name", "value": "asha"}])");
  EXPECT_EQ(name.sql.condition, "((' ' || p.title) ILIKE $1 OR (' ' || p.handle) ILIKE $1)");
}

TEST(Filters, WrongOnesNameTheirPlace) {
  const auto complaint = [](const char* text) -> std::string {
    try {
      made(text);
    } catch (const InvalidInput& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(complaint(R"([{"filterType": "EQ", "field": "folowers", "value": 1}])").substr(0, 73),
            "filters[0].field: unknown field 'folowers', did you mean 'followers'? Kno");
  EXPECT_EQ(complaint(R"([{"filterType": "EQ", "field": "uploads", "value": 1.5}])"),
            "filters[0].value must be a whole number");
  EXPECT_EQ(complaint(R"([{"filterType": "IN", "field": "uploads", "value": [1, "2"]}])"),
            "filters[0].value[1] must be a whole number");
  EXPECT_EQ(complaint(R"([{"filterType": "GTE", "field": "engagementRate", "value": "x"}])"),
            "filters[0].value must be a number");
  EXPECT_EQ(complaint(R"([{"filterType": "EQ", "field": "title", "value": null}])"), "filters[0].value is missing");
  EXPECT_EQ(complaint(R"([{"field": "title", "value": "x"}])"), "filters[0].filterType must be a text");
}

}  // namespace
}  // namespace dalgona::coffee::discovery
