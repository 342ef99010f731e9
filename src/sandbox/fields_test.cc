#include "sandbox/fields.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::sandbox {
namespace {

const char* const kReply =
    R"({"kind":"k","items":[{"id":"1","snippet":{"title":"a","tags":["x","y"],"thumbnails":{"default":{"url":"u","width":1},"high":{"url":"v","width":2}}}},)"
    R"({"id":"2","snippet":{"title":"b"},"statistics":{"viewCount":"5"}}],"pageInfo":{"totalResults":2}})";

std::string select(std::string_view fields) {
  return boost::json::serialize(FieldMask::parse(fields).apply(boost::json::parse(kReply)));
}

TEST(Fields, SelectsByNamePathAndGroup) {
  EXPECT_EQ(select("kind"), R"({"kind":"k"})");
  EXPECT_EQ(select("items/id"), R"({"items":[{"id":"1"},{"id":"2"}]})");
  EXPECT_EQ(select("items(id,statistics)"), R"({"items":[{"id":"1"},{"id":"2","statistics":{"viewCount":"5"}}]})");
  EXPECT_EQ(
      select("items(id,snippet/title),pageInfo"),
      R"({"items":[{"id":"1","snippet":{"title":"a"}},{"id":"2","snippet":{"title":"b"}}],"pageInfo":{"totalResults":2}})");
  EXPECT_EQ(select("items/snippet(title,tags)"),
            R"({"items":[{"snippet":{"title":"a","tags":["x","y"]}},{"snippet":{"title":"b"}}]})");
  EXPECT_EQ(select(" items ( id , snippet / title ) "), select("items(id,snippet/title)"));
}

TEST(Fields, Wildcards) {
  EXPECT_EQ(boost::json::parse(select("*")), boost::json::parse(kReply));
  EXPECT_EQ(select("items/snippet/thumbnails/*/url"),
            R"({"items":[{"snippet":{"thumbnails":{"default":{"url":"u"},"high":{"url":"v"}}}},{"snippet":{}}]})");
  EXPECT_EQ(select("items(*/title)"), R"({"items":[{"snippet":{"title":"a"}},{"snippet":{"title":"b"}}]})");
}

TEST(Fields, TheSameNameTwiceIsTheUnion) {
  EXPECT_EQ(select("items/id,items/snippet/title"), select("items(id,snippet/title)"));
  EXPECT_EQ(select("pageInfo/totalResults,pageInfo"), select("pageInfo"));
  EXPECT_EQ(select("pageInfo,pageInfo/totalResults"), select("pageInfo"));
}

TEST(Fields, WhatIsNotThereIsLeftOut) {
  EXPECT_EQ(select("nothing"), "{}");
  EXPECT_EQ(select("kind/deeper"), "{}");
}

TEST(Fields, MalformedSelectionsAreRefused) {
  for (const char* bad :
       {"", ",", "a,", "a(", "a()", "a)", "a(b", "a//b", "/a", "a/", "a b", "a(b)c", "(a)", "a/(b)", "%"})
    EXPECT_THROW(FieldMask::parse(bad), InvalidInput) << bad;
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "a(";
  EXPECT_THROW(FieldMask::parse(deep), InvalidInput);
  std::string path = "a";
  for (int i = 0; i < 10'000; ++i) path += "/a";
  EXPECT_THROW(FieldMask::parse(path), InvalidInput);
}

TEST(Fields, ASchemaNamesWhatItLacks) {
  const FieldMask schema = FieldMask::parse("kind,items(id,snippet(title,localized(title)),map(*(title)),any(*))");
  const auto unknown = [&](const char* fields) { return FieldMask::parse(fields).unknown_in(schema); };
  EXPECT_EQ(unknown("kind,items(id,snippet/localized/title)"), "");
  EXPECT_EQ(unknown("items"), "");
  EXPECT_EQ(unknown("foo"), "foo");
  EXPECT_EQ(unknown("items/foo"), "items/foo");
  EXPECT_EQ(unknown("items(id/deeper)"), "items/id/deeper");
  EXPECT_EQ(unknown("items/map/de/title"), "");
  EXPECT_EQ(unknown("items/map/de/name"), "items/map/de/name");
  EXPECT_EQ(unknown("items/*/title"), "");
  EXPECT_EQ(unknown("items/any/thing"), "");
}

}  // namespace
}  // namespace dalgona::sandbox
