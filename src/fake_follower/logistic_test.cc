#include "fake_follower/logistic.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "fake_follower/boosted_trees.h"
#include "fake_follower/training.h"

namespace dalgona::fake_follower {
namespace {

double uniform_draw(Random& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}
double gaussian(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += uniform_draw(random);
  return sum;
}

TEST(Logistic, RecoversTheModelThatMadeTheData) {
  Random random(7);
  const std::vector<double> truth{1.5, -2, 0, 0.5};
  Matrix x{4, {}};
  std::vector<double> labels;
  for (int i = 0; i < 20000; ++i) {
    double score = -0.7;
    for (const double weight : truth) {
      x.cells.push_back(gaussian(random));
      score += weight * x.cells.back();
    }
    labels.push_back(uniform_draw(random) < logistic(score) ? 1 : 0);
  }
  const LinearScore fit = fit_logistic(x, labels, 0.01);
  EXPECT_NEAR(fit.intercept, -0.7, 0.08);
  for (size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(fit.weights[i], truth[i], 0.08) << i;
}

TEST(Logistic, StopsWhereTheGradientIsZero) {
  Random random(3);
  Matrix x{3, {}};
  std::vector<double> labels;
  for (int i = 0; i < 50; ++i) {
    for (int c = 0; c < 3; ++c) x.cells.push_back(gaussian(random) * 10);
    labels.push_back(static_cast<double>(random.below(2)));
  }
  const double penalty = 2;
  const LinearScore fit = fit_logistic(x, labels, penalty);
  double intercept = 0;
  std::vector<double> gradient(3, 0);
  for (size_t i = 0; i < labels.size(); ++i) {
    const double error = labels[i] - logistic(fit.of(x.row(i)));
    intercept += error;
    for (size_t c = 0; c < 3; ++c) gradient[c] += error * x.row(i)[c];
  }
  EXPECT_NEAR(intercept, 0, 1e-4);
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(gradient[c], penalty * fit.weights[c], 1e-3);
}

TEST(Logistic, StaysFiniteOnSeparableAndConstantData) {
  const LinearScore apart = fit_logistic({1, {-1, -2, 1, 2}}, std::vector<double>{0, 0, 1, 1}, 0.1);
  EXPECT_GT(apart.weights[0], 0.5);
  EXPECT_TRUE(std::isfinite(apart.intercept));
  const LinearScore all_alike = fit_logistic({1, {0, 0, 0}}, std::vector<double>{1, 1, 1}, 1);
  EXPECT_EQ(all_alike.weights[0], 0);
  EXPECT_GT(logistic(all_alike.intercept), 0.99);
  EXPECT_THROW(fit_logistic({1, {}}, {}, 1), InvalidInput);
  EXPECT_THROW(fit_logistic({1, {1, 2}}, std::vector<double>{1}, 1), InvalidInput);
  EXPECT_THROW(fit_logistic({1, {1, NAN}}, std::vector<double>{1, 0}, 1), InvalidInput);
}

TEST(Platt, CalibratesScoresThatAreTooSure) {
  Random random(11);
  std::vector<double> scores, labels;
  for (int i = 0; i < 50000; ++i) {
    const double log_odds = gaussian(random) * 2;
    labels.push_back(uniform_draw(random) < logistic(log_odds) ? 1 : 0);
    scores.push_back(3 * log_odds + 1);
  }
  const Platt platt = fit_platt(scores, labels);
  EXPECT_NEAR(platt.slope, 1.0 / 3, 0.02);
  EXPECT_NEAR(platt.shift, -1.0 / 3, 0.04);
}

TEST(Platt, GivesTheBaseRateForScoresThatSayNothingOrLie) {
  std::vector<double> scores, labels;
  for (int i = 0; i < 100; ++i) {
    labels.push_back(i < 25 ? 1 : 0);
    scores.push_back(i < 25 ? -1 : 1);
  }
  const Platt platt = fit_platt(scores, labels);
  EXPECT_EQ(platt.slope, 0);
  EXPECT_NEAR(logistic(platt.shift), 26.0 / 102, 1e-12);
}

TEST(AreaUnderCurve, EqualsTheCountOfPairs) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> scores, labels;
    const size_t n = 2 + random.below(40);
    for (size_t i = 0; i < n; ++i) {
      scores.push_back(static_cast<double>(random.below(8)));  // many ties
      labels.push_back(static_cast<double>(random.below(2)));
    }
    double won = 0, pairs = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        if (labels[i] < 0.5 || labels[j] > 0.5) continue;
        ++pairs;
        won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
      }
    }
    EXPECT_NEAR(area_under_curve(scores, labels), pairs > 0 ? won / pairs : 0.5, 1e-12);
  }
}

TEST(LogLoss, IsDefinedForProbabilitiesOfZeroAndOne) {
  const std::vector<double> labels{1, 0, 1, 0};
  EXPECT_NEAR(log_loss(std::vector<double>{1, 0, 1, 0}, labels), 0, 1e-12);
  EXPECT_NEAR(log_loss(std::vector<double>{0.5, 0.5, 0.5, 0.5}, labels), std::log(2), 1e-12);
  EXPECT_TRUE(std::isfinite(log_loss(std::vector<double>{0, 1, 0, 1}, labels)));
}

TEST(BoostedTrees, LearnWhatNoLineCan) {
  Random random(9);
  Matrix x{2, {}};
  std::vector<double> labels;
  for (int i = 0; i < 2000; ++i) {
    const double a = uniform_draw(random), b = uniform_draw(random);
    x.cells.insert(x.cells.end(), {a, b});
    labels.push_back((a > 0.5) != (b > 0.5) ? 1 : 0);
  }
  const auto trees = BoostedTrees::fit(x, labels, {.depth = 3, .trees = 100, .shrinkage = 0.2});
  std::vector<double> scores;
  for (size_t i = 0; i < labels.size(); ++i) scores.push_back(trees.score(x.row(i)));
  EXPECT_GT(area_under_curve(scores, labels), 0.99);
  const LinearScore line = fit_logistic(x, labels, 1);
  for (size_t i = 0; i < labels.size(); ++i) scores[i] = line.of(x.row(i));
  EXPECT_LT(area_under_curve(scores, labels), 0.6);
  EXPECT_NEAR(trees.score(x.row(0), 0), 0, 0.2);  // before any tree: the base rate
}

}  // namespace
}  // namespace dalgona::fake_follower
