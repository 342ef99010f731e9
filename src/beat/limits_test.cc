#include "beat/limits.h"

#include <random>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::beat {
namespace {

using namespace std::chrono_literals;
using Moment = RateWindow::Moment;

const Moment kStart{1000s};

TEST(StackedLimits, AllLevelsAreTakenOrNone) {
  StackedLimits limits;
  const std::vector<StackedLimits::Level> both{{"outer", {3, 10s}}, {"inner", {1, 1s}}};
  EXPECT_EQ(limits.take(both, kStart), std::nullopt);
  // The inner one refuses many times; the outer one must not pay for it.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limits.take(both, kStart + 1ms), kStart + 1s);
  EXPECT_EQ(limits.take(both, kStart + 1s), std::nullopt);
  EXPECT_EQ(limits.take(both, kStart + 2s), std::nullopt);
  EXPECT_EQ(limits.take(both, kStart + 3s), kStart + 10s);  // now the outer one, and it says when
  EXPECT_EQ(limits.take({{"inner", {1, 1s}}}, kStart + 3s), std::nullopt);
}

TEST(StackedLimits, KeysAreApart) {
  StackedLimits limits;
  EXPECT_EQ(limits.take({{"a", {1, 1s}}}, kStart), std::nullopt);
  EXPECT_EQ(limits.take({{"b", {1, 1s}}}, kStart), std::nullopt);
  EXPECT_NE(limits.take({{"a", {1, 1s}}}, kStart), std::nullopt);
  EXPECT_EQ(limits.take({}, kStart), std::nullopt);
  EXPECT_THROW(limits.take({{"c", {0, 1s}}}, kStart), InvalidInput);
}

// Laws, over random rates and arrival times: no window of any level ever holds more than its amount; the promised
// moment is honest (asking just before it is refused, asking at it succeeds when nobody else came); the limit is
// reached.
TEST(StackedLimits, LawsHoldForAnySequence) {
  std::mt19937 random(20);
  for (int round = 0; round < 200; ++round) {
    const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    std::vector<StackedLimits::Level> levels;
    for (int i = 0, n = pick(1, 3); i < n; ++i)
      levels.push_back({std::to_string(i), {pick(1, 20), std::chrono::microseconds{pick(1, 5000)}}});
    StackedLimits limits;
    Moment now = kStart;
    std::vector<Moment> granted;
    for (int step = 0; step < 500; ++step) {
      const auto later = limits.take(levels, now);
      if (!later) {
        granted.push_back(now);
      } else {
        ASSERT_GT(*later, now);
        if (*later - 1us > now) {
          ASSERT_NE(limits.take(levels, *later - 1us), std::nullopt) << "promised too late";
        }
        if (pick(0, 1)) {
          ASSERT_EQ(limits.take(levels, *later), std::nullopt) << "promised too early";
          now = *later;
          granted.push_back(now);
        }
      }
      now += std::chrono::microseconds{pick(0, 300)};
    }
    for (const auto& level : levels) {
      const auto amount = size_t(level.rate.amount);
      for (size_t i = amount; i < granted.size(); ++i)
        ASSERT_GE(granted[i] - granted[i - amount], level.rate.per) << "more than the amount in one window";
    }
  }
}

}  // namespace
}  // namespace dalgona::beat
