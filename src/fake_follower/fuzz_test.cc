#include "fake_follower/fuzz.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

using insights::unicode::from_utf8;
namespace json = boost::json;

std::filesystem::path reference_folder() {
  if (const char* given = std::getenv("DALGONA_DATA")) return given;
  const char* source = std::getenv("DALGONA_SOURCE");
  return std::filesystem::path(source ? source : ".") / "../shared/data";
}

TEST(Fuzz, EqualsTheReferenceOnEveryPair) {
  const auto path = reference_folder() / "follower/fuzz.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << ": set DALGONA_DATA";
  std::ifstream file(path);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const json::object pair = json::parse(line).as_object();
    const std::u32string a = from_utf8(std::string_view(pair.at("a").as_string()));
    const std::u32string b = from_utf8(std::string_view(pair.at("b").as_string()));
    EXPECT_NEAR(ratio(a, b), pair.at("ratio").to_number<double>(), 1e-9) << line;
    EXPECT_NEAR(partial_ratio(a, b), pair.at("partial_ratio").to_number<double>(), 1e-9) << line;
    EXPECT_NEAR(token_sort_ratio(a, b), pair.at("token_sort_ratio").to_number<double>(), 1e-9) << line;
    EXPECT_NEAR(token_set_ratio(a, b), pair.at("token_set_ratio").to_number<double>(), 1e-9) << line;
  }
  EXPECT_GE(lines, 3000);
}

size_t plain_common(std::u32string_view a, std::u32string_view b) {
  std::vector<std::vector<size_t>> best(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j)
      best[i][j] = a[i - 1] == b[j - 1] ? best[i - 1][j - 1] + 1 : std::max(best[i - 1][j], best[i][j - 1]);
  return best[a.size()][b.size()];
}

double plain_partial(std::u32string_view a, std::u32string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  double best = 0;
  const auto consider = [&](std::u32string_view needle, std::u32string_view part) {
    best = std::max(
        best, ratio_of(needle.size() + part.size() - 2 * plain_common(needle, part), needle.size() + part.size()));
  };
  for (int turn = 0; turn < (a.size() == b.size() ? 2 : 1); ++turn) {
    for (size_t at = 0; at + a.size() <= b.size(); ++at) consider(a, b.substr(at, a.size()));
    for (size_t size = 1; size < a.size(); ++size) {
      consider(a, b.substr(0, size));
      consider(a, b.substr(b.size() - size));
    }
    std::swap(a, b);
  }
  return best;
}

// The bits against the textbook's table, short and long, ASCII and not.
TEST(Fuzz, BitsEqualTheTable) {
  std::mt19937 random(7);
  for (int round = 0; round < 600; ++round) {
    const size_t longest = round % 3 == 0 ? 200 : 24;
    const auto make = [&] {
      std::u32string text(1 + random() % longest, U' ');
      for (auto& c : text) c = (round % 5 == 0 ? 0x915 : 'a') + random() % 5;
      return text;
    };
    const auto a = make(), b = make();
    ASSERT_EQ(common_subsequence(a, b), plain_common(a, b));
    if (longest == 24) {
      ASSERT_NEAR(partial_ratio(a, b), plain_partial(a, b), 1e-9);
    }
    ASSERT_EQ(ratio(a, b), ratio(b, a));
  }
}

TEST(Fuzz, LongNeedlesTakeTheSameBest) {
  std::u32string needle, text(80, U'x');
  for (int i = 0; i < 70; ++i) needle.push_back(U'a' + static_cast<char32_t>(i % 7));
  text += needle + text;
  EXPECT_EQ(partial_ratio(needle, text), 100);
  needle[35] = U'z';
  EXPECT_NEAR(partial_ratio(needle, text), plain_partial(needle, text), 1e-9);
}

TEST(Fuzz, EmptyStrings) {
  EXPECT_EQ(ratio(U"", U""), 100);
  EXPECT_EQ(partial_ratio(U"", U""), 100);
  EXPECT_EQ(token_set_ratio(U"", U""), 0);
  EXPECT_EQ(partial_ratio(U"", U"a"), 0);
  EXPECT_EQ(token_sort_ratio(U" \t", U""), 100);
}

}  // namespace
}  // namespace dalgona::fake_follower
