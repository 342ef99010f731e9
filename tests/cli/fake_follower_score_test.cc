// `dalgona fake-follower score` as a user runs it.
#include <fstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/resources.h"
#include "command_line.h"

namespace dalgona::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class FakeFollowerScore : public CommandLine {
 protected:
  Outcome score(std::vector<std::string> more, std::string_view input = {}) {
    more.insert(more.begin(), {"fake-follower", "score"});
    return run(more, input);
  }
  static std::vector<json::object> rows(const Outcome& outcome) {
    std::vector<json::object> found;
    for (const auto& line : outcome.lines()) found.push_back(json::parse(line).as_object());
    return found;
  }
  // One follower, as NDJSON, without its braces.
  json::object one(const std::string& fields) {
    const auto outcome = score({"--output", "ndjson"}, "{" + fields + "}\n");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error << outcome.out;
    return rows(outcome).at(0);
  }
};

TEST_F(FakeFollowerScore, NdjsonOfHandleAndNameSaysThatTheModelIsUnsure) {
  const auto row = one(R"("follower_handle":"ravi_kumar","follower_full_name":"Ravi Kumar")");
  EXPECT_EQ(row.at("line").as_int64(), 1);
  EXPECT_EQ(row.at("follower_handle").as_string(), "ravi_kumar");
  EXPECT_EQ(row.at("cleaned_handle").as_string(), "ravi kumar");
  EXPECT_EQ(row.at("score").to_number<double>(), 0);
  EXPECT_EQ(row.at("similarity").to_number<double>(), 100);
  EXPECT_EQ(row.at("name_score").to_number<double>(), 100);
  EXPECT_EQ(row.at("reasons").at(0).at("code").as_string(), "separator_match");
  const auto& learned = row.at("learned").as_object();
  EXPECT_EQ(learned.at("verdict").as_string(), "unsure");
  EXPECT_TRUE(learned.at("probability").is_null());
  EXPECT_EQ(json::serialize(learned.at("missing")),
            R"(["followers","followings","posts","bio_length","has_picture","is_private"])");
}

TEST_F(FakeFollowerScore, CountsGiveALearnedVerdictWithItsReasons) {
  const auto fake =
      one(R"("follower_handle":"xq83771zz","follower_full_name":"","followers":3,"followings":4651,"posts":0,)"
          R"("biography":"","has_picture":false,"is_private":0)");
  const auto& learned = fake.at("learned").as_object();
  EXPECT_EQ(learned.at("verdict").as_string(), "fake");
  EXPECT_GT(learned.at("probability").to_number<double>(), 0.9);
  EXPECT_LE(learned.at("probability").to_number<double>(), 1);
  EXPECT_TRUE(learned.at("missing").as_array().empty());
  ASSERT_FALSE(learned.at("reasons").as_array().empty());
  double last = 1e9;
  for (const auto& reason : learned.at("reasons").as_array()) {
    const double weight = std::abs(reason.at("weight").to_number<double>());
    EXPECT_LE(weight, last);
    EXPECT_FALSE(reason.at("text").as_string().empty());
    last = weight;
  }
  const auto real = one(
      R"("follower_handle":"asha.rao","follower_full_name":"Asha Rao","followers":612,"followings":540,"posts":143,)"
      R"("biography":"Chai, books, Bengaluru","has_picture":true,"is_private":true)");
  EXPECT_EQ(real.at("learned").at("verdict").as_string(), "real");
  EXPECT_LT(real.at("learned").at("probability").to_number<double>(), 0.1);
  // The rule does not know the counts.
  EXPECT_EQ(real.at("score").to_number<double>(), 0);
}

TEST_F(FakeFollowerScore, WhatIsMissingIsNamedAndNeverMadeUp) {
  const auto some = one(R"("follower_handle":"asha","follower_full_name":"Asha","followings":700,"posts":null)");
  EXPECT_EQ(some.at("learned").at("verdict").as_string(), "unsure");
  EXPECT_EQ(json::serialize(some.at("learned").at("missing")),
            R"(["followers","posts","bio_length","has_picture","is_private"])");
  EXPECT_TRUE(some.at("learned").at("probability").is_double());
}

TEST_F(FakeFollowerScore, ModelCanBeTurnedOffChosenAndMissed) {
  const std::string line = R"({"follower_handle":"asha","follower_full_name":"Asha","followers":"many"})"
                           "\n";
  const auto without = score({"--output", "ndjson", "--no-model"}, line);
  EXPECT_EQ(without.exit_code, 0) << without.error;
  EXPECT_THAT(without.out, Not(HasSubstr("learned")));
  const auto with = score({"--output", "ndjson"}, line);
  EXPECT_EQ(with.exit_code, 3);
  EXPECT_EQ(with.out, "{\"line\":1,\"error\":\"'followers' is not a number\"}\n");

  const auto missing = score({"--model", (folder_ / "none.json").string()}, line);
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.error, HasSubstr("none.json"));
  EXPECT_EQ(missing.out, "");
  std::string model = read_file(resource("config/models/follower.json"));
  const auto same = score({"--output", "ndjson", "--model", file("same.json", model)}, "");
  EXPECT_EQ(same.exit_code, 0) << same.error;
  model[model.size() / 2] = model[model.size() / 2] == '1' ? '2' : '1';
  const auto damaged = score({"--model", file("damaged.json", model)}, line);
  EXPECT_EQ(damaged.exit_code, 2);
  EXPECT_THAT(damaged.error, HasSubstr("damaged.json"));
}

TEST_F(FakeFollowerScore, BadLinesAreNumberedAndTheRestGoesOn) {
  std::string input;
  const std::string good = R"({"follower_handle":"ravi","follower_full_name":"Ravi"})";
  for (const std::string& line :
       {good, std::string(), std::string("   "), good.substr(0, good.size() - 1), std::string("[]"),
        std::string(R"({"follower_handle":"ravi"})"), std::string(R"({"follower_full_name":"Ravi"})"),
        std::string("\xFF\xFE\x80"), std::string("\0\0", 2), good})
    input += line + "\n";
  const auto outcome = score({"--output", "ndjson"}, input);
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.error, HasSubstr("8 of 10 lines were no good"));
  const auto all = rows(outcome);
  ASSERT_EQ(all.size(), 10u);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].at("line").as_int64(), static_cast<int64_t>(i + 1));
    EXPECT_EQ(all[i].contains("error"), i > 0 && i < 9) << i;
  }
  EXPECT_EQ(all[5].at("error").as_string(), "no field 'follower_full_name'");
  EXPECT_EQ(all[6].at("error").as_string(), "no field 'follower_handle'");
  // A table says the same.
  const auto table = score({}, input);
  EXPECT_EQ(table.exit_code, 3);
  ASSERT_EQ(table.lines().size(), 11u);
  EXPECT_THAT(table.lines()[6], HasSubstr("6  error: no field 'follower_full_name'"));
}

TEST_F(FakeFollowerScore, LineOverTheLimitIsAnErrorOfItsOwn) {
  const std::string good = "{\"follower_handle\":\"ravi\",\"follower_full_name\":\"Ravi\"}\n";
  const auto outcome =
      score({"--output", "ndjson", "--longest-line", "1"}, good + std::string(10 << 20, 'x') + "\n" + good);
  EXPECT_EQ(outcome.exit_code, 3);
  const auto all = rows(outcome);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_THAT(std::string(all[1].at("error").as_string()), StartsWith("longer than"));
  EXPECT_EQ(all[2].at("score").to_number<double>(), 0);
}

TEST_F(FakeFollowerScore, CsvAndText) {
  const auto csv = file("list.csv",
                        "follower_handle,follower_full_name\nravi_k,\"Kumar, \"\"Ravi\"\"\"\nasha,\"open\n,Nobody\n"
                        "one\nlast,Last\n");
  const auto outcome = score({"--output", "ndjson", csv});
  EXPECT_EQ(outcome.exit_code, 3);
  const auto all = rows(outcome);
  ASSERT_EQ(all.size(), 5u);  // none of the header
  EXPECT_EQ(all[0].at("line").as_int64(), 2);
  EXPECT_EQ(all[0].at("follower_full_name").as_string(), "Kumar, \"Ravi\"");
  EXPECT_THAT(std::string(all[1].at("error").as_string()), HasSubstr("quote is not closed"));
  EXPECT_EQ(all[2].at("error").as_string(), "the handle is empty");
  EXPECT_EQ(all[3].at("error").as_string(), "1 columns, 2 are needed");
  EXPECT_EQ(all[4].at("follower_handle").as_string(), "last");
  EXPECT_EQ(all[4].at("learned").at("verdict").as_string(), "unsure");

  const auto columns = score({"--input", "csv", "--handle-column", "3", "--name-column", "1", "--output", "ndjson"},
                             "Ravi Kumar,7,ravi_kumar\n");
  EXPECT_EQ(rows(columns).at(0).at("follower_handle").as_string(), "ravi_kumar");

  const auto text = score({"--input", "text"}, "xqzw12345r\tRavi\n");
  EXPECT_EQ(text.exit_code, 0);
  ASSERT_EQ(text.lines().size(), 2u);
  EXPECT_THAT(text.lines()[0], StartsWith("#   line score"));
  EXPECT_THAT(text.lines()[1], HasSubstr("0.33"));
  EXPECT_THAT(text.lines()[1], HasSubstr("31 % alike"));
  EXPECT_THAT(text.lines()[1], HasSubstr("unsure"));
}

TEST_F(FakeFollowerScore, ThreadsChangeNothingNotEvenTheOrder) {
  std::string input;
  for (int i = 0; i < 60'000; ++i)  // some 4 MB: more batches than threads
    input += i % 97 == 5
                 ? "{\"broken\":\n"
                 : fmt::format(
                       "{{\"follower_handle\":\"ravi_{}\",\"follower_full_name\":\"Ravi Kumar\",\"followers\":{},"
                       "\"followings\":{},\"posts\":{}}}\n",
                       i, i % 1000, i * 7 % 5000, i % 40);
  const auto path = file("many.ndjson", input);
  const auto one = score({"--output", "ndjson", path});
  const auto four = score({"--output", "ndjson", "--threads", "4", path});
  EXPECT_EQ(one.exit_code, 3);
  EXPECT_EQ(four.exit_code, 3);
  EXPECT_TRUE(one.out == four.out);
  const auto lines = four.lines();
  ASSERT_EQ(lines.size(), 60'000u);
  for (size_t i = 0; i < lines.size(); ++i) ASSERT_THAT(lines[i], StartsWith(fmt::format("{{\"line\":{},", i + 1)));
}

TEST_F(FakeFollowerScore, WrongUseIsToldApartFromBadLines) {
  EXPECT_EQ(score({(folder_ / "none.ndjson").string()}).exit_code, 2);
  EXPECT_EQ(score({"--output", "xml"}).exit_code, 2);
  EXPECT_EQ(score({"--threads", "0"}).exit_code, 2);
  EXPECT_EQ(score({"--model", "x", "--no-model"}).exit_code, 2);
  EXPECT_EQ(score({"--names", file("empty.txt", "")}).exit_code, 2);
  const auto nothing = score({"--output", "ndjson"}, "");
  EXPECT_EQ(nothing.exit_code, 0) << nothing.error;
  EXPECT_EQ(nothing.out, "");
  const auto full = run({"fake-follower", "score", "--help"});
  EXPECT_EQ(full.exit_code, 0);
  EXPECT_THAT(full.out, HasSubstr("--no-model"));
}

TEST_F(FakeFollowerScore, EveryVectorThroughTheProgram) {
  const char* source = std::getenv("DALGONA_SOURCE");
  const char* given = std::getenv("DALGONA_DATA");
  const auto data = given ? std::filesystem::path(given)
                          : (source ? std::filesystem::path(source) : resource_root()) / "../shared/data";
  if (!std::filesystem::exists(data / "follower/features.jsonl")) GTEST_SKIP() << "no " << data << ": set DALGONA_DATA";
  const auto outcome = score({"--output", "ndjson", "--handle-field", "handle", "--name-field", "full_name", "--names",
                              data / "follower/names.txt", "--threads", "2", data / "follower/features.jsonl"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  const auto got = rows(outcome);
  std::ifstream wanted(data / "follower/features.jsonl");
  size_t row = 0;
  for (std::string line; std::getline(wanted, line); ++row) {
    const auto vector = json::parse(line).as_object();
    ASSERT_LT(row, got.size());
    for (const char* key : {"score", "similarity", "name_score"})
      if (vector.contains(key)) {
        const double number = vector.at(key).to_number<double>();
        EXPECT_NEAR(got[row].at(key).to_number<double>(), number, 1e-9 * std::max(1.0, number)) << line << " " << key;
      }
  }
  EXPECT_EQ(row, got.size());
  EXPECT_GE(row, 1200u);
}

}  // namespace
}  // namespace dalgona::test
