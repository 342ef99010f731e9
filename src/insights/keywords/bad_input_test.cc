// Texts that are hardly texts: keywords or none, in both modes, never an error, and within a time that is bounded.
#include <chrono>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "base/text.h"
#include "insights/keywords/keywords.h"

namespace dalgona::insights {
namespace {

// The i-th of many words of small letters; words with digits among them are no keywords in YAKE.
std::string word(size_t i) {
  std::string letters = "creator";
  for (int n = 0; n < 4; ++n, i /= 26) letters += static_cast<char>('a' + i % 26);
  return letters;
}

class BadText : public testing::TestWithParam<TextMode> {
 protected:
  std::vector<Keyword> keywords(std::string_view text) {
    auto found = extractor_.extract(text);
    EXPECT_LE(found.size(), 10u);
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_FALSE(found[i].text.empty());
      EXPECT_TRUE(is_utf8(found[i].text));
      EXPECT_TRUE(std::isfinite(found[i].score)) << found[i].text;
      EXPECT_GE(found[i].score, 0) << found[i].text;
      if (i) {
        EXPECT_LE(found[i - 1].score, found[i].score);
      }
    }
    return found;
  }
  static bool has(const std::vector<Keyword>& found, std::string_view word) {
    return std::any_of(found.begin(), found.end(),
                       [&](const Keyword& k) { return k.text.find(word) != std::string::npos; });
  }

  KeywordExtractor extractor_{{.top = 10, .mode = GetParam()}, StopWords::of_language("en")};
};

TEST_P(BadText, NothingGivesNothing) {
  for (const std::string_view text : {"", " ", "\t \r\n \n\n", "\xC2\xA0\xE2\x80\x83\xE3\x80\x80", "...", "!?", "-"})
    EXPECT_TRUE(keywords(text).empty()) << '"' << text << '"';
  for (int byte = 0; byte < 256; ++byte) keywords(std::string(1, static_cast<char>(byte)));
  for (const std::string_view one : {"a", "é", "क", "中", "\xF0\x9F\x98\x80", "\xE2\x80\x8F"})
    EXPECT_LE(keywords(one).size(), 1u) << one;
}

TEST_P(BadText, IllFormedUtf8AndNulDoNotHideTheRest) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"Mumbai \xFF\xFE cricket stadium"sv, "Mumbai \0 cricket\0 stadium"sv, "Mumbai \xC0\xAF cricket stadium"sv,
        "Mumbai \xED\xA0\x80 cricket stadium"sv, "Mumbai cricket stadium \xF0\x9F\x98"sv,
        "Mumbai cricket stadium \xF4\x90\x80\x80"sv}) {
    const auto found = keywords(text);
    EXPECT_TRUE(has(found, "Mumbai") || has(found, "mumbai")) << text;
    EXPECT_TRUE(has(found, "stadium")) << text;
  }
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    std::string noise(random() % 400, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    keywords(noise);
  }
}

TEST_P(BadText, OnlyEmoji) {
  keywords("😀😀 🎉 👨‍👩‍👧‍👦 🇮🇳 ❤️ 👍🏽");
  if (GetParam() == TextMode::kProduct) {
    EXPECT_TRUE(keywords("😀😀 🎉 👨‍👩‍👧‍👦 🇮🇳 ❤️ 👍🏽").empty());
  }
}

TEST_P(BadText, DirectionMarks) {
  keywords("\u200F\u200E\u202B\u202C\u2067\u2069");
  const auto found = keywords("\u202Eمسلسل جديد\u202C \u200Fمسلسل\u200F Dubai");
  EXPECT_FALSE(found.empty());
  EXPECT_TRUE(has(found, "ubai"));
}

TEST_P(BadText, AThousandWords) {
  std::string different, same;
  for (size_t i = 0; i < 1000; ++i) {
    different += word(i) + " ";
    same += "cricket ";
  }
  EXPECT_EQ(keywords(different).size(), 10u);
  EXPECT_FALSE(keywords(same).empty());
}

// Much slower than linear it would take minutes; the limit leaves room for a sanitizer on a busy machine.
TEST_P(BadText, TenMegabytesInOneLine) {
  constexpr size_t kSize = 10 << 20;
  const auto started = std::chrono::steady_clock::now();
  std::string text;
  std::mt19937 random(8);
  while (text.size() < kSize) text += word(random() % 5000) + (random() % 11 ? " " : " of ");
  EXPECT_EQ(keywords(text).size(), 10u);
  keywords(std::string(kSize, 'a'));
  keywords(std::string(kSize, ' '));
  keywords(std::string(kSize, '('));
  keywords(std::string(kSize, '\xF0'));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{100});
}

INSTANTIATE_TEST_SUITE_P(Modes, BadText, testing::Values(TextMode::kProduct, TextMode::kReference),
                         [](const auto& mode) { return mode.param == TextMode::kProduct ? "Product" : "Reference"; });

TEST(ProductText, ScriptsAddressesMentionsHashtagsAndEmoji) {
  KeywordExtractor extractor({.n = 1, .top = 50}, StopWords::of_language("en"));
  std::vector<std::string> words;
  for (const auto& keyword : extractor.extract(
           "हिन्दी में क्रिकेट 🏏 और தமிழ் by @ravi.kumar #IPL2018 "
           "https://example.com/watch?v=a_b caf\u0065\u0301"))
    words.push_back(keyword.text);
  const auto has = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  const auto all = [&] {
    std::string text;
    for (const auto& word : words) text += word + " | ";
    return text;
  };
  EXPECT_TRUE(has("क्रिकेट")) << all();  // marks stay with their letters
  EXPECT_TRUE(has("தமிழ்")) << all();
  for (const auto& word : words) {
    EXPECT_EQ(word.find("http"), std::string::npos) << all();
    EXPECT_EQ(word.find("example"), std::string::npos) << all();
    EXPECT_EQ(word.find("🏏"), std::string::npos) << all();
  }
}

}  // namespace
}  // namespace dalgona::insights
