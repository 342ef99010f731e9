#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "fake_follower/configured_files.h"

namespace dalgona::fake_follower {
namespace {

std::vector<std::string> lines_of(std::string_view file) {
  const std::string text = read_file(resource("config/names") / file);
  std::vector<std::string> lines;
  for (const auto line : split(text, '\n')) lines.emplace_back(line);
  EXPECT_EQ(lines.back(), "") << file << " must end in a newline";
  lines.pop_back();
  return lines;
}

TEST(NamesList, SortedDistinctAndPlain) {
  std::set<std::string> all;
  for (const char* file : {"given.txt", "family.txt"}) {
    const auto lines = lines_of(file);
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string& name = lines[i];
      EXPECT_TRUE(name.size() >= 2 && name.size() <= 24) << file << ": " << name;
      EXPECT_TRUE(std::all_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
          << file << ": " << name;
      if (i > 0) {
        EXPECT_LT(lines[i - 1], name) << file << ": not sorted, or double";
      }
    }
    all.insert(lines.begin(), lines.end());
  }
  EXPECT_GE(all.size(), 5000u);
}

// Every region and religion is there: a few names of each that nobody would miss.
TEST(NamesList, HoldsNamesOfAllOfIndia) {
  const auto given_lines = lines_of("given.txt"), family_lines = lines_of("family.txt");
  const std::set<std::string> given(given_lines.begin(), given_lines.end());
  const std::set<std::string> family(family_lines.begin(), family_lines.end());
  for (const char* name :
       {"rahul",    "sourav",      "gurpreet", "jignesh", "dnyaneshwar",  "karthik", "venkatesh", "manjunath",
        "sreejith", "kanhucharan", "pranjal",  "temjen",  "lalthanhawla", "ibomcha", "pynshai",   "tsering",
        "ayesha",   "mohammed",    "cyrus",    "agnelo",  "thomas",       "arshid"})
    EXPECT_TRUE(given.contains(name)) << name;
  for (const char* name :
       {"sharma", "chatterjee", "gill", "patel", "kulkarni", "iyer", "reddy", "gowda", "nair", "mohapatra", "borah",
        "longkumer", "sailo", "lyngdoh", "ansari", "dsouza", "irani", "kaul", "yadav"})
    EXPECT_TRUE(family.contains(name)) << name;
}

TEST(NamesList, TheConfiguredListsAreOneIndex) {
  const auto names = load_names(name_files(Config::load({})));
  EXPECT_GE(names->size(), 5000u);
  EXPECT_EQ(names->best(U"sharma").score, 100);
  EXPECT_THROW(load_names({}), InvalidInput);
}

}  // namespace
}  // namespace dalgona::fake_follower
