#include "fake_follower/name_index.h"

#include <random>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

using insights::unicode::from_utf8;

std::vector<std::string> made_up_names(size_t count, uint32_t seed) {
  constexpr const char* kParts[] = {"ra", "ja", "mi", "su", "ni", "l",   "ka", "vi",
                                    "sh", "an", "de", "ep", "a",  "pri", "ya"};
  std::mt19937 random(seed);
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) {
    std::string name;
    for (size_t parts = 1 + random() % 4; parts > 0; --parts) name += kParts[random() % std::size(kParts)];
    names.push_back(name);
  }
  return names;
}

// The score of equal rank may come from another name only when the scores round differently: they never do for words.
TEST(NameIndex, AnswersAsTheScanDoes) {
  auto names = made_up_names(4000, 1);
  names.push_back("mary ann");
  names.push_back("josé");
  names.push_back("王");
  const NameIndex index(names);
  std::mt19937 random(2);
  auto words = made_up_names(250, 3);
  for (auto& word : words)  // typing errors
    if (random() % 2) word[random() % word.size()] = static_cast<char>('a' + random() % 26);
  for (const char* odd : {"", "a", "zzzzzzzz", "xqj", "jose", "josé", "mary ann", "ann mary", "王小明", "r4j"})
    words.push_back(odd);
  words.push_back(std::string(64, 'a'));
  words.push_back(std::string(65, 'a'));
  words.push_back(std::string(200, 'r'));
  for (const auto& word : words) {
    const auto fast = index.best(from_utf8(word));
    const auto slow = index.best_by_scan(from_utf8(word));
    EXPECT_EQ(fast.score, slow.score) << word;
    EXPECT_EQ(fast.entry, slow.entry) << word << ": " << index.name(fast.entry) << " / " << index.name(slow.entry);
  }
}

// Names and words made to defeat the bounds: few letters in every order, so that counts say nothing and ties abound;
// all lengths to 64 and beyond; the best one far from the word in length.
TEST(NameIndex, AnswersAsTheScanDoesOnAdversarialNames) {
  std::mt19937 random(5);
  const auto make = [&](size_t longest, size_t letters) {
    std::string name(1 + random() % longest, 'a');
    for (char& c : name) c = static_cast<char>('a' + random() % letters);
    return name;
  };
  for (const size_t letters : {1u, 2u, 3u, 5u, 26u}) {
    std::vector<std::string> names;
    for (int i = 0; i < 400; ++i) names.push_back(make(i % 4 == 0 ? 80 : 12, letters));
    for (int i = 0; i < 30; ++i) {  // the same letters in other orders
      std::string name = "lakshminarayana";
      std::shuffle(name.begin(), name.end(), random);
      names.push_back(name);
    }
    names.push_back("mary ann");
    const NameIndex index(names);
    for (int i = 0; i < 150; ++i) {
      std::string word = make(i % 5 == 0 ? 300 : 14, letters);
      if (i % 7 == 0) word.insert(0, names[random() % names.size()]);
      if (i % 11 == 0) word[random() % word.size()] = '7';
      const auto fast = index.best(from_utf8(word));
      const auto slow = index.best_by_scan(from_utf8(word));
      EXPECT_EQ(fast.score, slow.score) << word;
      EXPECT_EQ(fast.entry, slow.entry) << word << ": " << index.name(fast.entry) << " / " << index.name(slow.entry);
    }
  }
}

TEST(NameIndex, AnEmptyListGivesNothing) {
  const NameIndex index(std::vector<std::string>{"", ""});
  EXPECT_EQ(index.size(), 0u);
  EXPECT_EQ(index.best(U"ravi").entry, SIZE_MAX);
  EXPECT_EQ(index.best(U"ravi").score, 0);
}

TEST(NameIndex, DoublesCountOnce) {
  EXPECT_EQ(NameIndex({"ravi", "ravi", "asha"}).size(), 2u);
}

TEST(NameIndex, AMissingFileIsNamed) {
  try {
    NameIndex::from_file("/nowhere/names.txt");
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("/nowhere/names.txt"), std::string::npos);
  }
}

}  // namespace
}  // namespace dalgona::fake_follower
