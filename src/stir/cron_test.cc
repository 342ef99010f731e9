#include "stir/cron.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::stir {
namespace {
using namespace std::chrono;

Time at(int y, unsigned m, unsigned d, int h = 0, int min = 0, int s = 0) {
  return Time{sys_days{year{y} / m / d} + hours{h} + minutes{min} + seconds{s}};
}

TEST(Cron, ComesAtTheNextTimeAndNeverNow) {
  const auto quarter = Schedule::parse("*/15 * * * *");
  EXPECT_EQ(quarter.next(at(2026, 1, 1, 0, 0)), at(2026, 1, 1, 0, 15));
  EXPECT_EQ(quarter.next(at(2026, 1, 1, 0, 14, 59)), at(2026, 1, 1, 0, 15));
  EXPECT_EQ(quarter.next(at(2026, 12, 31, 23, 45)), at(2027, 1, 1));
  const auto odd = Schedule::parse("0 1-23/2 * * *");
  EXPECT_EQ(odd.next(at(2026, 3, 1, 23, 0)), at(2026, 3, 2, 1));
  const auto evening = Schedule::parse("15 20 * * mon,fri");
  EXPECT_EQ(evening.next(at(2026, 1, 1)), at(2026, 1, 2, 20, 15));  // a Friday
  EXPECT_EQ(evening.next(at(2026, 1, 2, 20, 15)), at(2026, 1, 5, 20, 15));
}

TEST(Cron, TakesEitherDayWhenBothAreGiven) {
  const auto either = Schedule::parse("0 0 13 * fri");
  EXPECT_EQ(either.next(at(2026, 1, 10)), at(2026, 1, 13));
  EXPECT_EQ(either.next(at(2026, 1, 13)), at(2026, 1, 16));
  EXPECT_EQ(Schedule::parse("0 0 * * 7").next(at(2026, 1, 1)), at(2026, 1, 4));  // 7 is Sunday, as 0 is
}

TEST(Cron, KnowsLeapDaysAndWhatNeverComes) {
  EXPECT_EQ(Schedule::parse("0 0 29 feb *").next(at(2096, 3, 1)), at(2104, 2, 29));
  EXPECT_FALSE(Schedule::parse("0 0 30 2 *").next(at(2026, 1, 1)));
  EXPECT_FALSE(Schedule::parse("").next(at(2026, 1, 1)));
}

TEST(Cron, EveryIsOnTheClocksOwnGrid) {
  EXPECT_EQ(Schedule::parse("every 30s").next(at(2026, 1, 1, 0, 0, 31)), at(2026, 1, 1, 0, 1));
  EXPECT_EQ(Schedule::parse("@hourly").next(at(2026, 1, 1, 0, 0, 31)), at(2026, 1, 1, 1));
}

TEST(Cron, RefusesWhatItCannotReadNamingTheField) {
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{{"60 * * * *", "minute"},
                                                                                   {"* 24 * * *", "hour"},
                                                                                   {"* * 0 * *", "day"},
                                                                                   {"* * * 13 *", "month"},
                                                                                   {"* * * foo *", "month"},
                                                                                   {"* * * * 8", "weekday"},
                                                                                   {"*/0 * * * *", "minute"},
                                                                                   {"5-1 * * * *", "minute"},
                                                                                   {"* * * *", "want minute"},
                                                                                   {"every 10ms", "shorter"}}) {
    try {
      Schedule::parse(text);
      ADD_FAILURE() << text;
    } catch (const InvalidInput& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr(part)) << text;
    }
  }
}

// The law: next(t) is the smallest time after t whose fields fit; checked minute by minute.
TEST(Cron, NextIsTheFirstMinuteThatFits) {
  std::mt19937 random(3);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int i = 0; i < 40; ++i) {
    const int minute = pick(0, 59), hour = pick(0, 23), step = pick(2, 20);
    const auto schedule =
        Schedule::parse(std::to_string(minute) + "/" + std::to_string(step) + " " + std::to_string(hour) + " * * *");
    const Time start = at(2026, 2, unsigned(pick(1, 28)), pick(0, 23), pick(0, 59), pick(0, 59));
    auto expected = floor<minutes>(start) + minutes{1};
    const auto fits = [&] {
      const auto of_day = duration_cast<minutes>(expected - floor<days>(expected)).count();
      const auto m = of_day % 60;
      return of_day / 60 == hour && m >= minute && (m - minute) % step == 0;
    };
    while (!fits()) expected += minutes{1};
    EXPECT_EQ(schedule.next(start), Time{expected});
  }
}

}  // namespace
}  // namespace dalgona::stir
