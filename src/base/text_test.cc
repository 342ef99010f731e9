#include "base/text.h"

#include <gtest/gtest.h>

namespace dalgona {
namespace {

TEST(Text, NamesTheNearestWord) {
  const std::vector<std::string> known{"concurrency", "lease", "poll_interval"};
  EXPECT_EQ(nearest("concurency", known), "concurrency");
  EXPECT_EQ(nearest("zzzzzzzz", known), "");
  EXPECT_EQ(did_you_mean("leese", known), ", did you mean 'lease'?");
}

TEST(Text, SplitsAndTrims) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(trim(" \n a b\t"), "a b");
  EXPECT_EQ(trim(" \n\t"), "");
}

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_utf8("a\xC3\xA9\xE0\xA4\x85\xF0\x9F\x98\x80"));
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "\xC3", "\x80"})
    EXPECT_FALSE(is_utf8(bad));
  EXPECT_EQ(to_utf8_lossy("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_TRUE(is_utf8(to_utf8_lossy("\xF0\x9F\x98 \xC3 \xED\xA0\x80")));
}

TEST(Text, RandomHexIsNotRepeated) {
  EXPECT_EQ(random_hex(16).size(), 32u);
  EXPECT_NE(random_hex(16), random_hex(16));
}

}  // namespace
}  // namespace dalgona
