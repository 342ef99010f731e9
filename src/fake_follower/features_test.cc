#include "fake_follower/features.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "fake_follower/fold.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

namespace json = boost::json;

std::filesystem::path data_folder() {
  if (const char* given = std::getenv("DALGONA_DATA")) return given;
  const char* source = std::getenv("DALGONA_SOURCE");
  return std::filesystem::path(source ? source : ".") / "../shared/data";
}

FeatureExtractor extractor(std::vector<std::string> names = {"ravi", "asha", "kumar", "sharma"}) {
  return FeatureExtractor(std::make_shared<const NameIndex>(names));
}

TEST(Features, EqualTheOriginalsInEveryField) {
  const auto folder = data_folder() / "follower";
  if (!std::filesystem::exists(folder / "features.jsonl")) GTEST_SKIP() << "no " << folder << ": set DALGONA_DATA";
  FeatureExtractor features(std::make_shared<const NameIndex>(NameIndex::from_file(folder / "names.txt")));
  std::ifstream file(folder / "features.jsonl");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const json::object row = json::parse(line).as_object();
    const auto text = [&](const char* key) { return std::string(row.at(key).as_string()); };
    const auto number = [&](const char* key) { return row.at(key).to_number<double>(); };
    const Features f = features.extract(text("handle"), text("full_name"));
    EXPECT_EQ(f.folded, text("folded")) << line;
    EXPECT_EQ(f.foreign_script, number("foreign_script") == 1) << line;
    EXPECT_EQ(f.cleaned_handle, text("cleaned_handle")) << line;
    EXPECT_EQ(f.cleaned_name, text("cleaned_name")) << line;
    EXPECT_EQ(f.separator_rule, number("separator_rule")) << line;
    EXPECT_EQ(f.handle_digits, number("handle_digits")) << line;
    EXPECT_NEAR(f.similarity, number("similarity"), 1e-9) << line;
    EXPECT_NEAR(f.name_score, number("name_score"), 1e-9) << line;
    EXPECT_EQ(f.score, number("score")) << line;
  }
  EXPECT_GE(lines, 1200);
}

TEST(Features, BadInputGivesAResult) {
  auto features = extractor();
  const std::string megabytes(10 << 20, 'a');
  const std::string words = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "ravi ";
    return text;
  }();
  for (const std::string& text :
       {std::string(), std::string("   "), std::string("a"), megabytes, std::string("\xFF\xC0\x80\xED\xA0\x80"),
        std::string("ra\0vi", 5), std::string("😀🎉❤️👩‍👩‍👧"),
        std::string("\u200F\u202Eravi\u200E"), words}) {
    for (const std::string& other : {std::string(), text, std::string("ravi kumar")}) {
      const Features f = features.extract(text, other);
      EXPECT_TRUE(f.score == 0 || f.score == 0.33 || f.score == 1);
      EXPECT_TRUE(f.similarity >= 0 && f.similarity <= 100);
      EXPECT_TRUE(f.name_score >= 0 && f.name_score <= 100);
    }
  }
}

TEST(Features, RightToLeftMarksDoNotHideAName) {
  EXPECT_EQ(extractor().extract("ravi", "\u200F\u202Eravi\u202C").cleaned_name, "ravi");
}

TEST(Features, OrderOfTheRulesIsConfigurable) {
  Features f;
  f.similarity = 20;
  f.handle_digits = 6;
  EXPECT_EQ(rule_score(f, RuleOrder::kSimilarityEarly), 0.33);
  EXPECT_EQ(rule_score(f, RuleOrder::kSimilarityLast), 1);
}

TEST(Features, ForeignScriptsAreFiveAndNoMore) {
  auto features = extractor();
  for (const char* name : {"Ραχούλ", "Արամ", "გიორგი", "王小明", "김민수"})
    EXPECT_TRUE(features.extract("x", name).foreign_script) << name;
  for (const char* name : {"राहुल", "Иван", "ひろし", "محمد", "José", "π is 3"})
    EXPECT_EQ(features.extract("x", name).foreign_script, std::string_view(name).starts_with("π")) << name;
}

// Every letter of every mathematical alphabet, of the enclosed and full-width ones: each range has 26 capitals, then 26
// small letters, with holes that Unicode filled from the letter-like symbols.
TEST(Fold, EveryFancyAlphabet) {
  const auto folds = [](char32_t c, char plain) {
    EXPECT_EQ(fold(c), static_cast<char32_t>(plain)) << std::hex << static_cast<uint32_t>(c);
  };
  int checked = 0;
  for (char32_t base = 0x1D400; base < 0x1D6A4; base += 52) {
    for (int i = 0; i < 52; ++i) {
      const char32_t c = base + static_cast<char32_t>(i);
      if (insights::unicode::is(c, insights::unicode::kLetter)) {  // not a hole
        folds(c, static_cast<char>(i < 26 ? 'A' + i : 'a' + i - 26));
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 640);
  for (int i = 0; i < 50; ++i) folds(0x1D7CE + static_cast<char32_t>(i), static_cast<char>('0' + i % 10));
  for (int i = 0; i < 26; ++i) {
    const auto at = static_cast<char32_t>(i);
    const char capital = static_cast<char>('A' + i), small = static_cast<char>('a' + i);
    folds(0xFF21 + at, capital), folds(0xFF41 + at, small);      // full-width
    folds(0x24B6 + at, capital), folds(0x24D0 + at, small);      // circled
    folds(0x249C + at, small), folds(0x1F110 + at, capital);     // parenthesised
    folds(0x1F130 + at, capital), folds(0x1F150 + at, capital);  // squared, negative circled
    folds(0x1CCD6 + at, capital);                                // outlined
    folds(0x1F170 + at, capital), folds(0x1F1E6 + at, capital);  // negative squared, regional indicators
  }
  for (int i = 0; i < 10; ++i) {
    const auto at = static_cast<char32_t>(i);
    const char digit = static_cast<char>('0' + i);
    folds(0xFF10 + at, digit), folds(0x1CCF0 + at, digit), folds(0x1FBF0 + at, digit);
    if (i == 0) continue;
    folds(0x2460 + at - 1, digit), folds(0x2474 + at - 1, digit), folds(0x2488 + at - 1, digit);  // (1) 1.
    folds(0x24F5 + at - 1, digit), folds(0x2776 + at - 1, digit);
    folds(0x2780 + at - 1, digit), folds(0x278A + at - 1, digit);
  }
  for (const auto& [fancy, plain] :
       std::vector<std::pair<const char*, const char*>>{{"ℂℍℕℙℚℝℤℬℰℱℋℐℒℳℛℯℊℴ", "CHNPQRZBEFHILMRego"},
                                                        {"ʀᴀᴠɪ", "ravi"},
                                                        {"ⁿᵃᵐᵉ", "name"},
                                                        {"Ｒａｖｉ９", "Ravi9"},
                                                        {"ⓡⓐⓥⓘ", "ravi"},
                                                        {"①⓿❷", "102"},
                                                        {"राहुल", "राहुल"}})
    EXPECT_EQ(insights::unicode::to_utf8(fold(insights::unicode::from_utf8(fancy))), plain);
}

}  // namespace
}  // namespace dalgona::fake_follower
