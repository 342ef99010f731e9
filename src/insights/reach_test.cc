#include "insights/reach.h"

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace dalgona::insights {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Figures worked out by hand with the formulas.
TEST(Reach, AgreesWithFiguresWorkedOutByHand) {
  EXPECT_DOUBLE_EQ(engagement_rate(90, 10, 1000), 10);
  EXPECT_DOUBLE_EQ(engagement_rate(1, 0, 3), 33.33);
  EXPECT_DOUBLE_EQ(engagement_rate_by_views(20, 3, 1000), 2.3);
  EXPECT_DOUBLE_EQ(reels_reach(1000, 1), 940);
  EXPECT_DOUBLE_EQ(reels_reach(1000, 1024), 930);
  EXPECT_DOUBLE_EQ(static_reach(1), 6.46);             // 7.6 * 0.85
  EXPECT_NEAR(static_reach(1000), 4675, 1e-9);         // (7.6 - 2.1) * 0.85 * 1000
  EXPECT_NEAR(story_reach(1000, 2), 44.374983, 1e-9);  // -0.025017 + 1.11 * 1000 * 2 * 2 / 100
  EXPECT_NEAR(story_reach(1000, 0), 22.174983, 1e-9);
}

TEST(Reach, NothingComesOfNothing) {
  EXPECT_EQ(engagement_rate(10, 10, 0), 0);
  EXPECT_EQ(engagement_rate({}, {}, {}), 0);
  EXPECT_EQ(engagement_rate({}, 5, 100), 5);
  EXPECT_EQ(reels_reach({}, 100), 0);
  EXPECT_EQ(reels_reach(100, {}), 94);
  EXPECT_EQ(static_reach(0), 0);
  EXPECT_EQ(static_reach({}), 0);
  EXPECT_EQ(story_reach({}, {}), 0);
  EXPECT_EQ(follower_group({}), "");
  EXPECT_EQ(size_label(-1), "");
}

TEST(Reach, IsFiniteAndNotNegativeWhateverComes) {
  std::mt19937_64 random(7);
  std::vector<Count> all{{},     0.0,    -0.0,   1.0,   0.5,       1e-300,     -1.0,
                         7.2e10, 9.3e18, 1.8e19, 1e300, kInfinity, -kInfinity, kNaN};
  for (int i = 0; i < 60; ++i) all.emplace_back(std::pow(10, std::uniform_real_distribution<double>(-3, 25)(random)));
  for (const Count a : all)
    for (const Count b : all) {
      for (const Count c : {Count{}, Count{0.0}, Count{3.0}, Count{1e300}})
        for (const double value :
             {engagement_rate(a, b, c), engagement_rate(c, a, b), engagement_rate_by_views(a, c, b)})
          EXPECT_TRUE(std::isfinite(value) && value >= 0) << value;
      for (const double value : {reels_reach(a, b), static_reach(a), story_reach(a, b)})
        EXPECT_TRUE(std::isfinite(value) && value >= 0) << value;
      if (a && *a >= 0 && *a <= 1e18) {
        EXPECT_LE(reels_reach(a, b), *a);
      }
    }
}

TEST(Groups, ABoundBelongsToTheGroupAboveIt) {
  const std::array<std::pair<double, std::string_view>, 13> groups{{{0, "0-5k"},
                                                                    {4999, "0-5k"},
                                                                    {5000, "5k-10k"},
                                                                    {9999, "5k-10k"},
                                                                    {10000, "10k-50k"},
                                                                    {49999, "10k-50k"},
                                                                    {50000, "50k-100k"},
                                                                    {100000, "100k-500k"},
                                                                    {499999, "100k-500k"},
                                                                    {500000, "500k-1M"},
                                                                    {999999, "500k-1M"},
                                                                    {1000000, "1M+"},
                                                                    {1e18, "1M+"}}};
  for (const auto& [followers, group] : groups) EXPECT_EQ(follower_group(followers), group) << followers;
  EXPECT_EQ(size_label(999), "Nano");
  EXPECT_EQ(size_label(1000), "Micro");
  EXPECT_EQ(size_label(74999), "Micro");
  EXPECT_EQ(size_label(75000), "Macro");
  EXPECT_EQ(size_label(999999), "Macro");
  EXPECT_EQ(size_label(1000000), "Mega");
}

TEST(Grades, AreAgainstThePercentilesOfTheGroup) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  values.push_back(kNaN);
  const auto p = percentiles(values);
  ASSERT_TRUE(p);
  EXPECT_DOUBLE_EQ(p->p40, 40);
  EXPECT_DOUBLE_EQ(p->p90, 90);
  EXPECT_EQ(grade(90.5, p), "Excellent");
  EXPECT_EQ(grade(90, p), "Very Good");
  EXPECT_EQ(grade(75, p), "Good");
  EXPECT_EQ(grade(60, p), "Average");
  EXPECT_EQ(grade(40, p), "Poor");
  EXPECT_EQ(grade({}, p), "");
  EXPECT_EQ(grade(kNaN, p), "");
  EXPECT_EQ(grade(5, {}), "");
  const std::array<double, 1> lone{3};
  EXPECT_EQ(grade(3, percentiles(lone)), "Poor");
  EXPECT_FALSE(percentiles({}));
}

}  // namespace
}  // namespace dalgona::insights
