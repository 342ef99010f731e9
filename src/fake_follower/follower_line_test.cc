#include "fake_follower/follower_line.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "fake_follower/findings.h"

namespace dalgona::fake_follower {
namespace {

std::string said(FollowerReader& reader, std::string_view line) {
  try {
    reader.read(line);
    return "";
  } catch (const InvalidInput& e) {
    return e.what();
  }
}

TEST(FollowerLine, Ndjson) {
  FollowerReader reader({});
  const auto row = reader.read(
      "\xEF\xBB\xBF{\"follower_full_name\": \"\\u0930\\u093e\\u091c\", \"x\": 1, \"follower_handle\": \"raj\"}");
  EXPECT_EQ(row.handle, "raj");
  EXPECT_EQ(row.full_name, "राज");
  EXPECT_EQ(reader.read(R"({"follower_handle":"a","follower_full_name":null})").full_name, "");
  EXPECT_EQ(reader.read(std::string_view("{\"follower_handle\":\"a\\u0000b\",\"follower_full_name\":\"\"}")).handle,
            std::string_view("a\0b", 3));
}

TEST(FollowerLine, BadNdjsonSaysWhatIsWrong) {
  FollowerReader reader({});
  for (const std::string line :
       {"", "   ", "{", "{\"follower_handle\":\"a\"", "]", "nonsense", "\xFF\xFE", "{\"follower_handle\":\"\xC0\"}"})
    EXPECT_TRUE(said(reader, line).starts_with("not JSON")) << line;
  EXPECT_TRUE(said(reader, std::string_view("{\0}", 3)).starts_with("not JSON"));
  EXPECT_EQ(said(reader, "[1]"), "not a JSON object");
  EXPECT_EQ(said(reader, R"({"follower_full_name":"x"})"), "no field 'follower_handle'");
  EXPECT_EQ(said(reader, R"({"follower_handle":"x"})"), "no field 'follower_full_name'");
  EXPECT_EQ(said(reader, R"({"follower_handle":7,"follower_full_name":"x"})"), "field 'follower_handle' is no text");
  EXPECT_EQ(said(reader, R"({"follower_handle":"x","follower_full_name":[]})"),
            "field 'follower_full_name' is no text");
  EXPECT_EQ(said(reader, R"({"follower_handle":"","follower_full_name":"x"})"), "the handle is empty");
  EXPECT_TRUE(said(reader, std::string(100'000, '[')).starts_with("not JSON"));
  EXPECT_EQ(said(reader, R"({"follower_handle":"x","follower_full_name":"y"})"), "");  // and it goes on
}

TEST(FollowerLine, AccountIsReadOnlyWhenAskedFor) {
  const std::string line =
      R"({"followers":3,"follower_handle":"a","follower_full_name":"A","biography":"नमस्ते","is_private":true,"posts":null})";
  FollowerReader without({});
  EXPECT_EQ(without.read(line).account.known(), kKnowsHandleOnly);
  FollowerReader with({.account = true});
  const auto account = with.read(line).account;
  EXPECT_EQ(account.known(), kKnowsFollowers | kKnowsBio | kKnowsPrivate);
  EXPECT_EQ(account.followers, 3);
  EXPECT_EQ(account.bio_length, 6);
  EXPECT_EQ(account.is_private, true);
  // What one line told is forgotten by the next.
  EXPECT_EQ(with.read(R"({"follower_handle":"a","follower_full_name":"A"})").account.known(), kKnowsHandleOnly);
  const std::string bad = R"({"follower_handle":"a","follower_full_name":"A","posts":-1})";
  EXPECT_EQ(said(with, bad), "'posts' is not a count");
  EXPECT_EQ(said(without, bad), "");
  // A field that was renamed to one of these is the handle.
  FollowerReader odd({.handle_field = "followers", .account = true});
  EXPECT_EQ(odd.read(R"({"followers":"asha","follower_full_name":"A"})").handle, "asha");
}

TEST(FollowerLine, Csv) {
  FollowerReader reader({.format = LineFormat::kCsv});
  EXPECT_TRUE(reader.read("follower_handle,follower_full_name").header);
  const auto row = reader.read(R"(ravi_k,"Kumar, ""Ravi""",more)");
  EXPECT_EQ(row.handle, "ravi_k");
  EXPECT_EQ(row.full_name, "Kumar, \"Ravi\"");
  EXPECT_EQ(reader.read("ravi,").full_name, "");
  EXPECT_EQ(said(reader, "ravi"), "1 columns, 2 are needed");
  EXPECT_EQ(said(reader, "ravi,\"Ravi"), "column 2: the quote is not closed on its line");
  EXPECT_EQ(said(reader, "\"ravi\"x,Ravi"), "column 1: text behind the closing quote");
  EXPECT_EQ(said(reader, ",Ravi"), "the handle is empty");
  FollowerReader other({.format = LineFormat::kCsv, .handle_column = 3, .name_column = 1});
  EXPECT_EQ(other.read("Ravi,7,ravi").handle, "ravi");
}

TEST(FollowerLine, Text) {
  FollowerReader reader({.format = LineFormat::kText});
  EXPECT_EQ(reader.read("ravi\tRavi\tKumar").full_name, "Ravi\tKumar");
  EXPECT_EQ(said(reader, "ravi"), "no tab between handle and name");
}

TEST(Findings, TheRuleThatDecidedComesFirst) {
  FeatureExtractor extractor(std::make_shared<const NameIndex>(std::vector<std::string>{"ravi", "kumar"}));
  const auto first = [&](const char* handle, const char* name, RuleOrder order) {
    return findings(extractor.extract(handle, name), order).front().code;
  };
  constexpr auto kEarly = RuleOrder::kSimilarityEarly, kLast = RuleOrder::kSimilarityLast;
  EXPECT_EQ(first("ravi", "王小明", kEarly), "foreign_script");
  EXPECT_EQ(first("xqzw12345r", "Ravi", kEarly), "low_similarity");
  EXPECT_EQ(first("xqzw12345r", "Ravi", kLast), "many_digits");
  EXPECT_EQ(first("ravi12345", "Ravi", kEarly), "many_digits");
  EXPECT_EQ(first("ravi_dhkm", "Ravio", kEarly), "separator_mismatch");
  EXPECT_EQ(first("ravi.kumar", "Ravi Kumar", kEarly), "separator_match");
  EXPECT_EQ(first("ravikumar", "Ravi Kumar", kEarly), "no_rule");
  EXPECT_EQ(findings(extractor.extract("ravi", "😀"), kEarly).back().code, "no_name");
  EXPECT_THROW(parse_rule_order("digits_first"), InvalidInput);
}

}  // namespace
}  // namespace dalgona::fake_follower
