// `dalgona insights keywords` as a user runs it.
#include <boost/json.hpp>
#include <gmock/gmock.h>

#include "command_line.h"

namespace dalgona::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::StartsWith;

class InsightsKeywords : public CommandLine {
 protected:
  Outcome keywords(std::vector<std::string> more, std::string_view input = {}) {
    more.insert(more.begin(), {"insights", "keywords"});
    return run(more, input);
  }
};

TEST_F(InsightsKeywords, AnswersEveryLineWithItsNumber) {
  const auto outcome = keywords({"--output", "ndjson", "--n", "2", "--top", "3"},
                                "Cricket stadium in Mumbai\n\nNew film trailer of the year\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  const auto lines = outcome.lines();
  ASSERT_EQ(lines.size(), 3u);
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto row = json::parse(lines[i]).as_object();
    EXPECT_EQ(row.at("line").as_int64(), static_cast<int64_t>(i + 1));
    EXPECT_LE(row.at("keywords").as_array().size(), 3u);
    EXPECT_EQ(row.at("keywords").as_array().empty(), i == 1);
  }
}

TEST_F(InsightsKeywords, BadLinesAreNumberedAndTheRestGoesOn) {
  const std::string good = "{\"text\":\"Cricket stadium in Mumbai\",\"id\":7}\n";
  const auto outcome = keywords({"--input", "ndjson", "--output", "ndjson"},
                                good + "\n{\"text\":\"open\n{\"caption\":\"x\"}\n\xFF\n" + good);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.error, HasSubstr("4 of 6 lines were no good"));
  const auto lines = outcome.lines();
  ASSERT_EQ(lines.size(), 6u);
  for (size_t i = 1; i < 5; ++i) EXPECT_TRUE(json::parse(lines[i]).as_object().contains("error")) << lines[i];
  EXPECT_EQ(lines[3], "{\"line\":4,\"error\":\"no text in field 'text'\"}");
  EXPECT_THAT(lines[5], StartsWith("{\"line\":6,\"id\":7,\"keywords\":[{"));
}

TEST_F(InsightsKeywords, TenMegabytesInOneLineAndWhatIsHardlyText) {
  std::string big;
  while (big.size() < (10 << 20)) big += "cricket stadium of Mumbai, ";
  using namespace std::string_literals;
  const std::string input = big + "\n\0\n \xE2\x80\x8F\n\xF0\x9F\x98\x80\n\xFF\xFE\nCricket stadium\n"s;
  const auto outcome = keywords({"--output", "ndjson", "--threads", "2"}, input);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  const auto lines = outcome.lines();
  ASSERT_EQ(lines.size(), 6u);
  for (size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(json::parse(lines[i]).as_object().at("line").as_int64(), static_cast<int64_t>(i + 1));
  EXPECT_FALSE(json::parse(lines[0]).as_object().at("keywords").as_array().empty());
  const auto limited = keywords({"--output", "ndjson", "--longest-line", "1"}, input);
  EXPECT_EQ(limited.exit_code, 3);
  EXPECT_THAT(limited.lines().at(0), HasSubstr("longer than"));
  EXPECT_EQ(limited.lines().size(), 6u);
}

TEST_F(InsightsKeywords, WrongUse) {
  EXPECT_EQ(keywords({(folder_ / "none.txt").string()}).exit_code, 2);
  EXPECT_EQ(keywords({"--language", "xx"}).exit_code, 2);
  EXPECT_EQ(keywords({"--dedup", "sometimes"}).exit_code, 2);
  EXPECT_EQ(keywords({"--n", "0"}).exit_code, 2);
  EXPECT_EQ(keywords({"--stopwords", (folder_ / "none.txt").string()}).exit_code, 2);
}

}  // namespace
}  // namespace dalgona::test
