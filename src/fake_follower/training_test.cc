#include "fake_follower/training.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resources.h"
#include "fake_follower/evaluation.h"
#include "fake_follower/logistic.h"

namespace dalgona::fake_follower {
namespace {

using testing::HasSubstr;

double uniform(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

// Accounts whose chance of being fake is known: it falls with the log of the followers, bends once with the followings,
// and has nothing to do with the rest.
double true_log_odds(const Account& a) {
  const double followings = std::log1p(*a.followings);
  return 3 - 1.2 * std::log1p(*a.followers) + 2.5 * std::max(0.0, followings - 6);
}

std::vector<Example> made_up_examples(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<Example> examples;
  while (examples.size() < count) {
    Example e;
    e.account.handle_digits = static_cast<double>(random.below(5));
    e.account.handle_length = static_cast<double>(5 + random.below(15));
    e.account.followers = std::floor(std::exp(uniform(random) * 7));
    e.account.followings = std::floor(std::exp(uniform(random) * 8.5));
    e.account.posts = static_cast<double>(random.below(200));
    e.account.bio_length = static_cast<double>(random.below(100));
    e.account.has_picture = random.below(2) == 1;
    e.account.is_private = random.below(2) == 1;
    e.fake = uniform(random) < logistic(true_log_odds(e.account));
    examples.push_back(e);
  }
  return examples;
}

constexpr std::array<Known, 1> kAllKnown{kKnowsAll};

TEST(Train, RecoversAKnownModelAndItsProbabilities) {
  const Model model = train(made_up_examples(4000, 1), {.repeats = 1, .knots = 3}, kAllKnown);
  double error = 0;
  std::array<double, kInputs> weight{};
  const auto fresh = made_up_examples(2000, 2);
  for (const Example& e : fresh) {
    const Prediction p = model.predict(e.account);
    error += std::abs(p.probability - logistic(true_log_odds(e.account))) / static_cast<double>(fresh.size());
    for (size_t i = 0; i < kInputs; ++i) weight[i] += std::abs(p.contributions[i]) / static_cast<double>(fresh.size());
  }
  EXPECT_LT(error, 0.035);
  // What has nothing to do with it weighs next to nothing.
  for (const Input input : {Input::kHandleDigits, Input::kHandleLength, Input::kPosts, Input::kBioLength,
                            Input::kHasPicture, Input::kIsPrivate})
    EXPECT_LT(weight[static_cast<size_t>(input)], 0.15) << name_of(input);
  EXPECT_GT(weight[static_cast<size_t>(Input::kFollowers)], 1);
  EXPECT_GT(weight[static_cast<size_t>(Input::kFollowings)], 0.5);
}

TEST(Train, IsCalibratedOnAccountsItHasNotSeen) {
  const Model model = train(made_up_examples(3000, 3), {.repeats = 1}, kAllKnown);
  std::vector<double> probabilities, labels;
  for (const Example& e : made_up_examples(20000, 4)) {
    probabilities.push_back(model.predict(e.account).probability);
    labels.push_back(e.fake ? 1 : 0);
  }
  EXPECT_LT(calibration_error(probabilities, labels, 10), 0.03);
}

TEST(Train, GivesTheSameModelWhateverTheThreadsAndAnotherForAnotherSeed) {
  const auto examples = made_up_examples(300, 5);
  const std::string one = train(examples, {.repeats = 1, .penalties = {1}, .threads = 1}).serialize();
  EXPECT_EQ(one, train(examples, {.repeats = 1, .penalties = {1}, .threads = 3}).serialize());
  EXPECT_NE(one, train(examples, {.seed = 2, .repeats = 1, .penalties = {1}}).serialize());
  EXPECT_EQ(Model::parse(one, "m").serialize(), one);  // all 64 sets are there
}

TEST(Train, EarnsNoVerdictFromNoise) {
  auto examples = made_up_examples(500, 6);
  Random random(8);
  for (Example& e : examples) e.fake = random.below(5) == 0;
  const Model model = train(examples, {.repeats = 1, .penalties = {1, 10}});
  for (size_t known = 0; known < kKnownSets; ++known) {
    const Variant& v = model.variant(static_cast<Known>(known));
    EXPECT_FALSE(v.real_below || v.weak_below || v.fake_from) << known;
    EXPECT_EQ(v.verdict(0.001), Verdict::kUnsure);
    EXPECT_EQ(v.verdict(0.999), Verdict::kUnsure);
  }
}

TEST(Train, RefusesTooFewAccounts) {
  auto examples = made_up_examples(200, 7);
  for (size_t i = 0; i < examples.size(); ++i) examples[i].fake = i < 9;
  EXPECT_THROW(train(examples, {}), InvalidInput);
  EXPECT_THROW(train({}, {}), InvalidInput);
  EXPECT_THROW(train(examples, {.folds = 1}), InvalidInput);
}

TEST(Verdicts, FollowTheRule) {
  std::vector<double> probabilities, labels;
  for (int i = 0; i < 500; ++i) {  // 0.000 to 0.0998, all real
    probabilities.push_back(i * 0.0002);
    labels.push_back(0);
  }
  for (int i = 0; i < 100; ++i) {  // 0.5 to 0.995, fake from 0.9 on, half of them before
    probabilities.push_back(0.5 + i * 0.005);
    labels.push_back(i >= 80 || i % 2 ? 1 : 0);
  }
  Variant v;
  choose_verdicts(probabilities, labels, 1, v);
  ASSERT_TRUE(v.real_below && v.weak_below);
  EXPECT_EQ(*v.real_below, kRealUntil);
  EXPECT_NEAR(*v.weak_below, kWeakBelow, 1e-8);
  // 20 of 20 fakes prove a share of 0.88 at least; 21 of 22 no more than 0.82.
  ASSERT_TRUE(v.fake_from);
  EXPECT_GT(*v.fake_from, 0.88);
  EXPECT_LT(*v.fake_from, 0.905);
  EXPECT_EQ(v.verdict(0.05), Verdict::kReal);
  EXPECT_EQ(v.verdict(0.2), Verdict::kWeak);
  EXPECT_EQ(v.verdict(0.5), Verdict::kUnsure);
  EXPECT_EQ(v.verdict(0.99), Verdict::kFake);
  // The same accounts, tested three times, are no more proof.
  std::vector<double> thrice_p, thrice_l;
  for (size_t i = 0; i < 18; ++i)
    for (int k = 0; k < 3; ++k) {
      thrice_p.push_back(0.95 + 0.001 * static_cast<double>(i));
      thrice_l.push_back(1);
    }
  for (int i = 0; i < 3; ++i) {
    thrice_p.push_back(0.4);
    thrice_l.push_back(0);
  }
  choose_verdicts(thrice_p, thrice_l, 1, v);
  EXPECT_TRUE(v.fake_from);
  for (int k = 0; k < 12; ++k) {  // 14 accounts: 0.838
    thrice_p.erase(thrice_p.begin());
    thrice_l.erase(thrice_l.begin());
  }
  choose_verdicts(thrice_p, thrice_l, 3, v);
  EXPECT_FALSE(v.fake_from);
}

TEST(Folds, AreStratifiedAndKeepDoublesTogether) {
  auto examples = made_up_examples(500, 9);
  for (size_t i = 0; i < 40; ++i) examples.push_back(examples[i]);
  const auto folds = stratified_folds(examples, 5, 3);
  std::array<double, 5> size{}, fakes{};
  double all_fakes = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    size[static_cast<size_t>(folds[i])] += 1;
    fakes[static_cast<size_t>(folds[i])] += examples[i].fake;
    all_fakes += examples[i].fake;
  }
  for (size_t f = 0; f < 5; ++f) {
    EXPECT_NEAR(size[f], static_cast<double>(examples.size()) / 5, 4);
    EXPECT_NEAR(fakes[f], all_fakes / 5, 3);
  }
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(folds[i], folds[500 + i]);
  EXPECT_NE(folds, stratified_folds(examples, 5, 4));
}

TEST(Wilson, KnowsItsTextbookValues) {
  const Interval i = wilson(10, 20);
  EXPECT_NEAR(i.low, 0.2993, 1e-4);
  EXPECT_NEAR(i.high, 0.7007, 1e-4);
  EXPECT_EQ(wilson(0, 10).low, 0);
  EXPECT_NEAR(wilson(0, 10).high, 0.2775, 1e-4);
  EXPECT_EQ(wilson(0, 0).high, 1);
}

TEST(InParallel, DoesEachOnceAndPassesFailuresOn) {
  std::vector<std::atomic<int>> done(1000);
  in_parallel(done.size(), 4, [&](size_t i) { ++done[i]; });
  for (const auto& d : done) EXPECT_EQ(d, 1);
  EXPECT_THROW(in_parallel(100, 4,
                           [](size_t i) {
                             if (i == 50) throw InvalidInput("x");
                           }),
               InvalidInput);
}

std::string refusal_of_examples(std::string_view text, bool fake = true) {
  try {
    read_examples(text, "f.json", fake);
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "accepted";
}

TEST(ReadExamples, NamesTheRecordAndTheField) {
  const std::string good = R"({"userFollowerCount":1,"userFollowingCount":2,"userBiographyLength":3,"userMediaCount":4,
      "userHasProfilPic":1,"userIsPrivate":0,"usernameDigitCount":5,"usernameLength":6,"isFake":1})";
  const auto bad = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return "[" + good + "," + text.replace(text.find(from), from.size(), to) + "]";
  };
  const auto examples = read_examples("\xEF\xBB\xBF[" + good + "]", "f.json", true);
  ASSERT_EQ(examples.size(), 1u);
  EXPECT_EQ(examples[0].account.inputs(), (std::array<double, kInputs>{5, 6, 1, 2, 4, 3, 1, 0}));
  EXPECT_EQ(refusal_of_examples("[" + good + "]"), "accepted");
  EXPECT_THAT(refusal_of_examples("[" + good + "]", false), HasSubstr("f.json: record 1: 'isFake' says otherwise"));
  EXPECT_THAT(refusal_of_examples(bad("\"userMediaCount\":4", "\"userMediaCount\":-4")),
              HasSubstr("record 2: 'userMediaCount'"));
  EXPECT_THAT(refusal_of_examples(bad("\"userMediaCount\":4", "\"userMediaCount\":\"4\"")),
              HasSubstr("'userMediaCount'"));
  EXPECT_THAT(refusal_of_examples(bad("\"userMediaCount\":4,", "")), HasSubstr("'userMediaCount' is not a number"));
  EXPECT_THAT(refusal_of_examples(bad("\"userHasProfilPic\":1", "\"userHasProfilPic\":2")),
              HasSubstr("'userHasProfilPic'"));
  EXPECT_THAT(refusal_of_examples(bad("\"userMediaCount\":4", "\"userMediaCount\":1e300")),
              HasSubstr("'userMediaCount'"));
  EXPECT_THAT(refusal_of_examples("[7]"), HasSubstr("record 1: not an object"));
  EXPECT_THAT(refusal_of_examples("{}"), HasSubstr("not a list"));
  EXPECT_THAT(refusal_of_examples("["), HasSubstr("not JSON"));
  EXPECT_THAT(refusal_of_examples(""), HasSubstr("not JSON"));
}

// The real data, where it is at hand.
class InstaFake : public testing::Test {
 protected:
  void SetUp() override {
    const char* given = std::getenv("DALGONA_DATA");
    const char* source = std::getenv("DALGONA_SOURCE");
    const auto folder = given ? std::filesystem::path(given) / "instagram-fake"
                              : std::filesystem::path(source ? source : ".") / "../shared/data/instagram-fake";
    if (!std::filesystem::exists(folder / "fakeAccountData.json"))
      GTEST_SKIP() << "no " << folder << ": set DALGONA_DATA";
    fake_text_ = read_file(folder / "fakeAccountData.json");
    real_text_ = read_file(folder / "realAccountData.json");
    examples_ = read_examples(fake_text_, "fake", true);
    const auto real = read_examples(real_text_, "real", false);
    examples_.insert(examples_.end(), real.begin(), real.end());
  }
  std::string fake_text_, real_text_;
  std::vector<Example> examples_;
};

// Another compiler's arithmetic may differ in a last digit; nothing else may.
TEST_F(InstaFake, TheShippedModelIsWhatTheCommandTrains) {
  const Model trained = train(examples_, {.threads = 2});
  const Model shipped = Model::load(resource("config/models/follower.json"));
  const std::string how = "retrain: dalgona fake-follower train --fake F --real R --out config/models/follower.json";
  EXPECT_EQ(shipped.source().fake_sha256, checksum_of(fake_text_)) << how;
  EXPECT_EQ(shipped.source().real_sha256, checksum_of(real_text_)) << how;
  for (size_t known = 0; known < kKnownSets; ++known) {
    const Variant &ours = trained.variant(static_cast<Known>(known)),
                  &theirs = shipped.variant(static_cast<Known>(known));
    ASSERT_EQ(ours.weights.size(), theirs.weights.size()) << how;
    for (size_t i = 0; i < ours.weights.size(); ++i)
      ASSERT_NEAR(ours.weights[i], theirs.weights[i], 1e-5) << known << " " << how;
    ASSERT_NEAR(ours.intercept, theirs.intercept, 1e-5) << how;
    ASSERT_EQ(ours.penalty, theirs.penalty) << how;
    ASSERT_NEAR(ours.real_below.value_or(-1), theirs.real_below.value_or(-1), 1e-5) << how;
    ASSERT_NEAR(ours.fake_from.value_or(-1), theirs.fake_from.value_or(-1), 1e-5) << how;
  }
}

TEST_F(InstaFake, BeatsTheRuleAndTheMajorityOutOfFold) {
  const Evaluation e = evaluate(examples_, {.training = {.repeats = 1, .threads = 2}, .repeats = 1, .resamples = 100});
  ASSERT_EQ(e.contenders.size(), 5u);
  EXPECT_EQ(e.fake, 140u);
  EXPECT_EQ(e.real, 694u);
  EXPECT_EQ(e.doubles, 16u);
  const Figures &majority = e.contenders[0].figures, &rule = e.contenders[1].figures, &ours = e.contenders[3].figures;
  EXPECT_EQ(e.contenders[3].name, e.chosen);
  EXPECT_EQ(majority.f1.value, 0);
  EXPECT_LT(rule.f1.high, ours.f1.low);
  EXPECT_GT(ours.f1.value, 0.86);
  EXPECT_GT(ours.auc.value, 0.98);
  EXPECT_LT(ours.calibration_error.value, 0.03);
  for (const auto figure : {&Figures::f1, &Figures::auc, &Figures::precision, &Figures::recall}) {
    EXPECT_LE((ours.*figure).low, (ours.*figure).value);
    EXPECT_GE((ours.*figure).high, (ours.*figure).value);
  }
  // The verdicts keep what their rule promises, on accounts that played no part in choosing them.
  const auto& v = e.views.front().verdicts;
  const auto real = static_cast<size_t>(Verdict::kReal), fake = static_cast<size_t>(Verdict::kFake);
  EXPECT_GT(v.of_real[real] / (v.of_real[real] + v.of_fake[real]), kRealShare);
  EXPECT_GT(v.of_fake[fake] / (v.of_real[fake] + v.of_fake[fake]), kFakeShare);
  // By the handle alone it abstains.
  const auto& blind = e.views.back();
  EXPECT_EQ(blind.known, kKnowsHandleOnly);
  EXPECT_EQ(blind.verdicts.of_fake[static_cast<size_t>(Verdict::kUnsure)], 140);
  ASSERT_EQ(e.unseen.size(), 2u);
  EXPECT_EQ(e.unseen[0].accounts + e.unseen[1].accounts, 140u);
  EXPECT_FALSE(to_table(e).empty());
}

}  // namespace
}  // namespace dalgona::fake_follower
