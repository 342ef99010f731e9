#include "fake_follower/follower_input.h"

#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::fake_follower {
namespace {

using insights::Line;

std::string outcome(FollowerInput::Parser& parser, std::string_view text, uint64_t number = 2) {
  Follower f;
  try {
    if (!parser.parse(Line{text, number}, f)) return "header";
  } catch (const Error& e) {
    return std::string("error: ") + e.what();
  }
  std::string out = f.handle + "|" + f.full_name;
  for (const auto& [name, value] :
       {std::pair{"followers", f.account.followers}, std::pair{"followings", f.account.followings},
        std::pair{"posts", f.account.posts}, std::pair{"bio", f.account.bio_length}})
    if (value) out += fmt::format(" {}={}", name, *value);
  if (f.account.has_picture) out += fmt::format(" picture={}", *f.account.has_picture);
  if (f.account.is_private) out += fmt::format(" private={}", *f.account.is_private);
  return out;
}

TEST(FollowerInput, ReadsJson) {
  FollowerInput input(FollowerFormat::kNdjson);
  FollowerInput::Parser parser(input);
  EXPECT_EQ(outcome(parser, R"({"follower_handle":"asha1","follower_full_name":"Asha"})"), "asha1|Asha");
  EXPECT_EQ(outcome(parser, R"({"follower_handle":"a","followers":3,"followings":4.0,"posts":0,"biography":"नमस्ते",
      "has_picture":true,"is_private":0,"other":[1]})"),
            "a| followers=3 followings=4 posts=0 bio=6 picture=true private=false");
  EXPECT_EQ(outcome(parser, R"({"follower_handle":"a","follower_full_name":null,"followers":null})"), "a|");
  EXPECT_EQ(outcome(parser, "\xEF\xBB\xBF{\"follower_handle\":\"a\"}", 1), "a|");
  // What one line told is forgotten by the next.
  EXPECT_EQ(outcome(parser, R"({"follower_handle":"b"})"), "b|");
}

TEST(FollowerInput, RefusesBadJsonAndNamesTheField) {
  FollowerInput input(FollowerFormat::kNdjson);
  FollowerInput::Parser parser(input);
  for (const auto& [line, reason] : std::initializer_list<std::pair<std::string, std::string>>{
           {"", "empty"},
           {"   ", "empty"},
           {"{", "not JSON"},
           {"[]", "not a JSON object"},
           {"\xff", "not JSON"},
           {std::string("\0", 1), "not JSON"},
           {"{}", "'follower_handle' is missing"},
           {R"({"follower_handle":null})", "'follower_handle' is not a text"},
           {R"({"follower_handle":" "})", "'follower_handle' is empty"},
           {R"({"follower_handle":7})", "'follower_handle' is not a text"},
           {R"({"follower_handle":"a","followers":-1})", "'followers' is not a count"},
           {R"({"follower_handle":"a","followers":1.5})", "'followers' is not a count"},
           {R"({"follower_handle":"a","followers":1e99})", "'followers' is not a count"},
           {R"({"follower_handle":"a","followers":"9"})", "'followers' is not a number"},
           {R"({"follower_handle":"a","followers":true})", "'followers' is not a count"},
           {R"({"follower_handle":"a","is_private":2})", "'is_private' is neither true nor false"},
           {R"({"follower_handle":"a","biography":3})", "'biography' is not a text"}})
    EXPECT_THAT(outcome(parser, line), testing::StartsWith("error: " + reason)) << line;
  EXPECT_EQ(outcome(parser, R"({"follower_handle":"fine"})"), "fine|");
}

TEST(FollowerInput, ReadsCsvByItsHeader) {
  FollowerInput input(FollowerFormat::kCsv);
  FollowerInput::Parser parser(input);
  EXPECT_EQ(outcome(parser,
                    "\xEF\xBB\xBF"
                    "id,Follower_Handle,follower_full_name,posts,is_private",
                    1),
            "header");
  EXPECT_EQ(outcome(parser, R"(7,asha,"Asha, ""the"" one",12,true)"), R"(asha|Asha, "the" one posts=12 private=true)");
  EXPECT_EQ(outcome(parser, "8,asha,,,"), "asha|");
  EXPECT_EQ(outcome(parser, "id,follower_handle,follower_full_name,posts,is_private"), "header");
  EXPECT_EQ(outcome(parser, "8,asha"), "error: 2 cells, but the header has 5");
  EXPECT_EQ(outcome(parser, "8,asha,x,many,0"), "error: 'posts' is not a number");
  EXPECT_EQ(outcome(parser, "8,asha,x,3,2"), "error: 'is_private' is neither true nor false");
  EXPECT_EQ(outcome(parser, "8,asha,\"x,3,0"), "error: a quote is left open");
  EXPECT_EQ(outcome(parser, "8,,x,3,0"), "error: 'follower_handle' is empty");
}

TEST(FollowerInput, AHeaderThatIsNoGoodEndsItAllForEveryThread) {
  for (const std::string header : {"name,posts", "follower_handle,follower_handle", "", "\"open"}) {
    FollowerInput input(FollowerFormat::kCsv);
    FollowerInput::Parser first(input), second(input);
    std::jthread waits([&] { EXPECT_THAT(outcome(second, "a,b"), testing::StartsWith("error: line 1, the header")); });
    Follower f;
    EXPECT_THROW(first.parse(Line{header, 1}, f), Permanent) << header;
    EXPECT_THAT(input.header_error(), testing::StartsWith("line 1, the header"));
  }
  FollowerInput input(FollowerFormat::kCsv);
  FollowerInput::Parser parser(input);
  std::jthread waits([&] { EXPECT_THAT(outcome(parser, "a,b"), testing::HasSubstr("longer")); });
  EXPECT_THROW(input.refused(Line{"x", 1, true}, "longer than 5 bytes"), Permanent);
}

TEST(SplitCsv, KeepsEmptyCellsAndQuotes) {
  std::vector<std::string> cells;
  const auto split = [&](std::string_view line) {
    split_csv(line, cells);
    return cells;
  };
  EXPECT_EQ(split(""), (std::vector<std::string>{""}));
  EXPECT_EQ(split(","), (std::vector<std::string>{"", ""}));
  EXPECT_EQ(split("a,\"b,c\",\"\"\"\""), (std::vector<std::string>{"a", "b,c", "\""}));
  EXPECT_EQ(split("\"a\"b,c"), (std::vector<std::string>{"ab", "c"}));
  EXPECT_THROW(split("\"a"), InvalidInput);
}

}  // namespace
}  // namespace dalgona::fake_follower
