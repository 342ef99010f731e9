// Conformance with the reference implementation, line by line.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "insights/keywords/keywords.h"

namespace dalgona::insights {
namespace {

namespace json = boost::json;

std::filesystem::path data_folder() {
  if (const char* given = std::getenv("DALGONA_DATA")) return given;
  const char* source = std::getenv("DALGONA_SOURCE");
  return std::filesystem::path(source ? source : ".") / "../shared/data";
}

std::string describe(const std::vector<Keyword>& got, const json::array& wanted) {
  std::string out;
  for (size_t i = 0; i < std::max(got.size(), wanted.size()); ++i) {
    out += "  " + (i < got.size() ? got[i].text + " " + std::to_string(got[i].score) : std::string("-")) + "   |   " +
           (i < wanted.size() ? json::serialize(wanted[i]) : std::string("-")) + "\n";
  }
  return out;
}

TEST(YakeReference, EveryVector) {
  const auto folder = data_folder() / "yake";
  if (!std::filesystem::exists(folder / "vectors.jsonl")) GTEST_SKIP() << "no " << folder << ": set DALGONA_DATA";
  std::map<std::string, std::shared_ptr<const StopWords>> lists;
  for (const char* language : {"en", "fr"})
    lists[language] = StopWords::from_file(folder / ("stopwords_" + std::string(language) + ".txt"));
  std::ifstream file(folder / "vectors.jsonl");
  int number = 0, passed = 0, shown = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const json::object vector = json::parse(line).as_object();
    KeywordOptions options;
    options.mode = TextMode::kReference;
    options.n = static_cast<int>(vector.at("n").as_int64());
    options.top = static_cast<int>(vector.at("top").as_int64());
    if (vector.contains("dedup_lim")) options.dedup_limit = vector.at("dedup_lim").to_number<double>();
    if (vector.contains("dedup_func")) options.dedup = parse_dedup(vector.at("dedup_func").as_string());
    KeywordExtractor extractor(options, lists.at(std::string(vector.at("lan").as_string())));
    const auto got = extractor.extract(std::string(vector.at("text").as_string()));
    const auto& wanted = vector.at("keywords").as_array();
    bool same = got.size() == wanted.size();
    for (size_t i = 0; same && i < got.size(); ++i) {
      const double score = wanted[i].at(1).to_number<double>();
      same = got[i].text == std::string_view(wanted[i].at(0).as_string()) &&
             std::abs(got[i].score - score) <= 1e-9 * std::abs(score);
    }
    passed += same;
    if (!same && shown++ < 12) {
      ADD_FAILURE() << "line " << number << " (" << vector.at("source").as_string() << ")\n"
                    << std::string(vector.at("text").as_string()).substr(0, 6000) << "\n"
                    << describe(got, wanted);
    }
  }
  EXPECT_EQ(passed, number);
  EXPECT_GE(number, 591);
}

}  // namespace
}  // namespace dalgona::insights
