#include "fake_follower/model.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resources.h"
#include "fake_follower/logistic.h"

namespace dalgona::fake_follower {
namespace {

using testing::HasSubstr;

const Model& shipped() {
  static const Model model = Model::load(resource("config/models/follower.json"));
  return model;
}
std::string shipped_text() {
  return read_file(resource("config/models/follower.json"));
}

Account account(std::string_view handle, double followers, double followings, double posts, double bio, bool picture,
                bool is_private) {
  Account a = Account::of_handle(handle);
  a.followers = followers;
  a.followings = followings;
  a.posts = posts;
  a.bio_length = bio;
  a.has_picture = picture;
  a.is_private = is_private;
  return a;
}

std::string refusal(const std::string& text) {
  try {
    Model::parse(text, "m.json");
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "accepted";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// With a checksum that fits, so that what lies behind it is reached.
std::string changed(const std::function<void(boost::json::object&)>& change) {
  boost::json::object file = boost::json::parse(shipped_text()).as_object();
  change(file.at("model").as_object());
  file["checksum"] = checksum_of(boost::json::serialize(file.at("model")));
  return boost::json::serialize(file);
}

TEST(Account, CountsCharactersAndDigitsOfAnyScript) {
  const Account a = Account::of_handle("ravi_9०4");
  EXPECT_EQ(a.handle_length, 8);
  EXPECT_EQ(a.handle_digits, 3);
  EXPECT_EQ(a.known(), kKnowsHandleOnly);
  EXPECT_EQ(Account::of_handle("\xff\xfe").handle_length, 2);
  EXPECT_EQ(Account::of_handle(std::string(10 << 20, '1')).handle_length, kLongestHandle);
  EXPECT_EQ(account("a", 1, 1, 1, 1, true, true).known(), kKnowsAll);
}

TEST(Model, TellsClearCasesApart) {
  const Account real = account("asha.kumar", 420, 510, 120, 40, true, true);
  const Account fake = account("jxkw83920175", 3, 4800, 0, 0, false, false);
  EXPECT_LT(shipped().predict(real).probability, 0.02);
  EXPECT_EQ(shipped().predict(real).verdict, Verdict::kReal);
  EXPECT_GT(shipped().predict(fake).probability, 0.98);
  EXPECT_EQ(shipped().predict(fake).verdict, Verdict::kFake);
}

TEST(Model, SaysThatItDoesNotKnowByTheHandleAlone) {
  for (const char* handle : {"asha.kumar", "jxkw83920175", "x", ""}) {
    const Prediction p = shipped().predict(Account::of_handle(handle));
    EXPECT_EQ(p.verdict, Verdict::kUnsure) << handle;
    EXPECT_EQ(unknown_in_words(p.known), "followers, followings, posts, biography, picture, private or public");
  }
  EXPECT_EQ(unknown_in_words(kKnowsAll), "");
}

TEST(Model, AProbabilityIsTheInterceptAndTheContributions) {
  for (size_t known = 0; known < kKnownSets; ++known) {
    Account a = Account::of_handle("ravi1984");
    if (known & kKnowsFollowers) a.followers = 33;
    if (known & kKnowsFollowings) a.followings = 1470;
    if (known & kKnowsPosts) a.posts = 2;
    if (known & kKnowsBio) a.bio_length = 0;
    if (known & kKnowsPicture) a.has_picture = true;
    if (known & kKnowsPrivate) a.is_private = false;
    const Prediction p = shipped().predict(a);
    ASSERT_EQ(p.known, known);
    double score = shipped().variant(p.known).intercept;
    for (size_t i = 0; i < kInputs; ++i) {
      score += p.contributions[i];
      if (!knows(p.known, static_cast<Input>(i))) {
        EXPECT_EQ(p.contributions[i], 0);
      }
    }
    EXPECT_NEAR(p.probability, logistic(score), 1e-12);
  }
}

TEST(Model, GivesAProbabilityForAbsurdCounts) {
  for (const double count : {0.0, 1.0, 1e12, 1e300}) {
    const Prediction p = shipped().predict(account("a", count, count, count, count, true, false));
    EXPECT_TRUE(p.probability >= 0 && p.probability <= 1) << count;
  }
}

TEST(Reasons, AreWordsHeaviestFirst) {
  const Account a = account("jxkw83920175", 1, 4651, 0, 0, false, false);
  const Prediction p = shipped().predict(a);
  const auto found = reasons(a, p, 8);
  ASSERT_GE(found.size(), 3u);
  std::vector<std::string> texts;
  for (size_t i = 0; i < found.size(); ++i) {
    texts.push_back(found[i].text);
    if (i > 0) {
      EXPECT_GE(std::abs(found[i - 1].weight), std::abs(found[i].weight));
    }
  }
  EXPECT_THAT(texts, testing::IsSupersetOf({"1 follower", "follows 4,651 accounts", "no post"}));
  EXPECT_EQ(reasons(a, p, 1).size(), 1u);
}

TEST(ModelFile, PredictsTheSameAfterSavingAndLoading) {
  const Model again = Model::parse(shipped().serialize(), "again");
  EXPECT_EQ(again.serialize(), shipped().serialize());
  for (int i = 0; i < 500; ++i) {
    Account a = Account::of_handle("user" + std::to_string(i * 7919));
    if (i % 2) a.followers = i * 13;
    if (i % 3) a.followings = i * 31;
    if (i % 5) a.posts = i % 17;
    if (i % 7) a.bio_length = i % 150;
    if (i % 11) a.has_picture = i % 2 == 0;
    const Prediction before = shipped().predict(a), after = again.predict(a);
    EXPECT_EQ(before.probability, after.probability);
    EXPECT_EQ(before.verdict, after.verdict);
    EXPECT_EQ(before.contributions, after.contributions);
  }
}

TEST(ModelFile, IsReadWhateverItsSpacing) {
  EXPECT_EQ(Model::parse(boost::json::serialize(boost::json::parse(shipped_text())), "m").serialize(), shipped_text());
  std::string windows;
  for (const char c : shipped_text()) windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(Model::parse(windows, "m").serialize(), shipped_text());
}

TEST(ModelFile, HoldsNoAccountsAndStaysSmall) {
  EXPECT_LT(shipped_text().size(), 64u << 10);
  EXPECT_EQ(shipped_text().find("user"), std::string::npos);  // the data set's field names
}

TEST(ModelFile, RefusesWhatIsDamagedAndSaysSo) {
  const std::string text = shipped_text();
  EXPECT_EQ(refusal(text), "accepted");
  EXPECT_THAT(refusal(""), HasSubstr("m.json: damaged, not JSON"));
  EXPECT_THAT(refusal(text.substr(0, text.size() / 2)), HasSubstr("damaged, not JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("not an object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("'format' is missing"));
  EXPECT_THAT(refusal(replaced(text, "dalgona.follower_model", "someone.else")), HasSubstr("not a follower model"));
  EXPECT_THAT(refusal(replaced(text, "\"penalty\":1", "\"penalty\":2")), HasSubstr("checksum"));
  EXPECT_THROW(Model::load("/nonexistent/model.json"), InvalidInput);
}

TEST(ModelFile, RefusesAnyChangedDigit) {
  const std::string text = shipped_text();
  const size_t body = text.find("\"model\":");
  int tried = 0;
  for (size_t at = body; at < text.size(); at += 97) {
    if (text[at] < '0' || text[at] > '9') continue;
    std::string other = text;
    other[at] = other[at] == '5' ? '6' : '5';
    EXPECT_NE(refusal(other), "accepted") << at;
    ++tried;
  }
  EXPECT_GT(tried, 50);
}

TEST(ModelFile, RefusesANewerVersionAndNamesBoth) {
  EXPECT_THAT(refusal(replaced(shipped_text(), "\"version\":1", "\"version\":2")),
              HasSubstr("version 2 was written by a newer dalgona; this one reads up to 1"));
  EXPECT_THAT(refusal(replaced(shipped_text(), "\"version\":1", "\"version\":\"x\"")), HasSubstr("'version'"));
}

TEST(ModelFile, RefusesWrongContentEvenWithAFittingChecksum) {
  namespace json = boost::json;
  EXPECT_EQ(refusal(changed([](json::object&) {})), "accepted");
  EXPECT_THAT(
      refusal(changed([](json::object& m) { m.at("variants").as_array().erase(m.at("variants").as_array().begin()); })),
      HasSubstr("missing"));
  EXPECT_THAT(refusal(changed([](json::object& m) {
                auto& variants = m.at("variants").as_array();
                variants[1] = variants[0];
              })),
              HasSubstr("twice"));
  EXPECT_THAT(
      refusal(changed([](json::object& m) { m.at("variants").at(3).as_object().at("weights").as_array().pop_back(); })),
      HasSubstr("weights"));
  EXPECT_THAT(refusal(changed([](json::object& m) { m.at("variants").at(63).as_object()["fake_from"] = 1.5; })),
              HasSubstr("no probability"));
  EXPECT_THAT(refusal(changed([](json::object& m) { m.at("variants").at(63).as_object()["fake_from"] = 0.01; })),
              HasSubstr("ascend"));
  EXPECT_THAT(refusal(changed([](json::object& m) { m.at("variants").at(63).as_object()["intercept"] = "x"; })),
              HasSubstr("'intercept' is not a number"));
  EXPECT_THAT(
      refusal(changed([](json::object& m) { m.at("scales").at(0).as_object().at("deviations").as_array()[0] = 0; })),
      HasSubstr("deviation"));
  EXPECT_THAT(refusal(changed([](json::object& m) { m.erase("scales"); })), HasSubstr("'scales' is missing"));
}

}  // namespace
}  // namespace dalgona::fake_follower
