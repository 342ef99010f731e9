#include "fake_follower/evaluation.h"

#include <cmath>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dalgona::fake_follower {
namespace {

TEST(Measure, KnowsFiguresCountedByHand) {
  // Called: 0.9 (fake), 0.8 (real), 0.6 (fake); not called: 0.4 (fake), 0.2, 0.1 (real).
  const std::vector<double> p{0.9, 0.8, 0.6, 0.4, 0.2, 0.1}, y{1, 0, 1, 1, 0, 0};
  const Point point = measure(p, y);
  EXPECT_DOUBLE_EQ(point.precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(point.recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(point.f1, 2.0 / 3);
  EXPECT_DOUBLE_EQ(point.accuracy, 4.0 / 6);
  EXPECT_DOUBLE_EQ(point.auc, 7.0 / 9);
}

TEST(Measure, IsDefinedWithoutCallsOrFakes) {
  const Point none = measure(std::vector<double>{0.1, 0.2}, std::vector<double>{1, 0});
  EXPECT_EQ(none.precision, 0);
  EXPECT_EQ(none.f1, 0);
  const Point real = measure(std::vector<double>{0.1, 0.2}, std::vector<double>{0, 0});
  EXPECT_EQ(real.recall, 0);
  EXPECT_EQ(real.auc, 0.5);
  EXPECT_EQ(measure({}, {}).accuracy, 0);
}

TEST(Reliability, BinsHoldEqualSharesAndTheirFakes) {
  std::vector<double> p, y;
  for (int i = 0; i < 100; ++i) {
    p.push_back((i + 0.5) / 100);
    y.push_back(i >= 70 ? 1 : 0);
  }
  const auto bins = reliability(p, y, 10, 1);
  ASSERT_EQ(bins.size(), 10u);
  for (size_t b = 0; b < 10; ++b) {
    EXPECT_EQ(bins[b].accounts, 10);
    EXPECT_NEAR(bins[b].mean_probability, 0.05 + 0.1 * static_cast<double>(b), 1e-9);
    EXPECT_EQ(bins[b].fake.value, b >= 7 ? 1 : 0);
  }
  // |0.05| + ... + |0.65| + |0.25| + |0.15| + |0.05|, a tenth each.
  EXPECT_NEAR(calibration_error(p, y, 10), (7 * 0.35 + 0.25 + 0.15 + 0.05) / 10, 1e-9);
}

TEST(Reliability, DoesNotDependOnTheOrderOfEqualProbabilities) {
  std::vector<double> p(100, 0.3), y(100, 0), turned(100, 0);
  for (size_t i = 0; i < 30; ++i) y[i] = turned[99 - i] = 1;
  EXPECT_NEAR(calibration_error(p, y, 10), 0, 1e-12);
  EXPECT_EQ(calibration_error(p, y, 10), calibration_error(p, turned, 10));
  EXPECT_EQ(reliability(p, y, 10, 1).size(), 1u);
}

TEST(Reliability, CountsAnAccountOfSeveralRepeatsOnce) {
  const std::vector<double> p{0.1, 0.9, 0.1, 0.9}, y{0, 1};
  const auto bins = reliability(p, y, 2, 2);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].accounts, 1);
  EXPECT_EQ(bins[1].fake.value, 1);
}

std::vector<Example> noise(size_t count) {
  Random random(21);
  std::vector<Example> examples;
  for (size_t i = 0; i < count; ++i) {
    Example e;
    e.account.handle_digits = static_cast<double>(random.below(8));
    e.account.handle_length = static_cast<double>(5 + random.below(15));
    e.account.followers = static_cast<double>(random.below(1000));
    e.account.followings = static_cast<double>(random.below(1000));
    e.account.posts = static_cast<double>(random.below(200));
    e.account.bio_length = static_cast<double>(random.below(100));
    e.account.has_picture = random.below(2) == 1;
    e.account.is_private = random.below(2) == 1;
    e.fake = random.below(4) == 0;
    examples.push_back(e);
  }
  return examples;
}

// A leak from the tested into the training accounts would show here first.
TEST(Evaluate, FindsNothingInNoise) {
  const Evaluation e = evaluate(
      noise(300), {.training = {.repeats = 1, .penalties = {1, 30}, .threads = 2}, .repeats = 1, .resamples = 100});
  for (const Contender& c : e.contenders) {
    EXPECT_NEAR(c.figures.auc.value, 0.5, 0.1) << c.name;
    EXPECT_LE(c.figures.auc.low, 0.52) << c.name;
  }
  for (const View& view : e.views) {
    double decided = 0;
    for (const Verdict v : {Verdict::kReal, Verdict::kWeak, Verdict::kFake})
      decided += view.verdicts.of_fake[static_cast<size_t>(v)] + view.verdicts.of_real[static_cast<size_t>(v)];
    EXPECT_LT(decided, 40);
  }
  const auto document = boost::json::parse(to_json(e)).as_object();
  EXPECT_EQ(document.at("contenders").as_array().size(), 5u);
  EXPECT_EQ(document.at("accounts").at("fake").to_number<uint64_t>() +
                document.at("accounts").at("real").to_number<uint64_t>(),
            300u);
  EXPECT_THAT(to_table(e), testing::HasSubstr("boosted trees"));
}

}  // namespace
}  // namespace dalgona::fake_follower
