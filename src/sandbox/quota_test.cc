#include "sandbox/quota.h"

#include <gtest/gtest.h>

#include "sandbox/population.h"

namespace dalgona::sandbox {
namespace {

std::string pacific(const char* utc) {
  return to_date(midnight(pacific_day(parse_time(utc))));
}

TEST(PacificDay, ChangesAtMidnightWinterAndSummer) {
  EXPECT_EQ(pacific("2017-01-15T07:59:59.999999Z"), "2017-01-14");
  EXPECT_EQ(pacific("2017-01-15T08:00:00Z"), "2017-01-15");
  EXPECT_EQ(pacific("2017-09-13T06:59:59Z"), "2017-09-12");
  EXPECT_EQ(pacific("2017-09-13T07:00:00Z"), "2017-09-13");
}

TEST(PacificDay, ADayOfTheChangeHas23Or25Hours) {
  // 12 March 2017 began at 08:00 UTC and the 13th at 07:00; 5 November began at 07:00 and the 6th at 08:00.
  EXPECT_EQ(pacific("2017-03-12T07:59:59Z"), "2017-03-11");
  EXPECT_EQ(pacific("2017-03-12T08:00:00Z"), "2017-03-12");
  EXPECT_EQ(pacific("2017-03-13T06:59:59Z"), "2017-03-12");
  EXPECT_EQ(pacific("2017-03-13T07:00:00Z"), "2017-03-13");
  EXPECT_EQ(pacific("2017-11-05T06:59:59Z"), "2017-11-04");
  EXPECT_EQ(pacific("2017-11-05T07:00:00Z"), "2017-11-05");
  EXPECT_EQ(pacific("2017-11-06T07:59:59Z"), "2017-11-05");
  EXPECT_EQ(pacific("2017-11-06T08:00:00Z"), "2017-11-06");
}

TEST(PacificDay, TheRulesBefore2007) {
  // In 2006 summer time lasted from 2 April to 29 October.
  EXPECT_EQ(pacific("2006-03-20T07:30:00Z"), "2006-03-19");
  EXPECT_EQ(pacific("2006-04-03T07:30:00Z"), "2006-04-03");
  EXPECT_EQ(pacific("2006-10-30T07:30:00Z"), "2006-10-29");
}

TEST(PacificDay, TheNextMidnightIsWhereTheDayChanges) {
  for (Time t = parse_time("2017-01-01T00:30:00Z"); t < parse_time("2018-01-02"); t += std::chrono::hours{5}) {
    const Time next = next_pacific_midnight(t);
    EXPECT_GT(next, t);
    EXPECT_EQ(pacific_day(next), pacific_day(t) + 1) << to_iso(t);
    EXPECT_EQ(pacific_day(next - std::chrono::microseconds{1}), pacific_day(t)) << to_iso(t);
  }
}

TEST(Quota, CountsUnitsAndSearchesApartAndByDay) {
  Quota quota;
  quota.add("k", {.units_per_day = 3, .searches_per_day = 1});
  const Time day = parse_time("2017-09-13T12:00:00Z"), next = parse_time("2017-09-14T07:00:00Z");
  EXPECT_TRUE(quota.take("k", 2, false, day));
  EXPECT_FALSE(quota.take("k", 2, false, day));
  EXPECT_TRUE(quota.take("k", 1, false, day));
  EXPECT_TRUE(quota.take("k", 0, true, day));
  EXPECT_FALSE(quota.take("k", 0, true, day));
  EXPECT_FALSE(quota.take("k", 1, false, next - std::chrono::seconds{1}));
  EXPECT_TRUE(quota.take("k", 3, false, next));
  // The clock turned back: that day's count stands.
  EXPECT_FALSE(quota.take("k", 1, false, day));
  const auto usage = quota.usage(day);
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].units, 3);
  EXPECT_EQ(usage[0].searches, 1);
  EXPECT_EQ(usage[0].refused, 4);
  EXPECT_EQ(quota.usage(next)[0].searches, 0);
}

TEST(Quota, KeysAreIndependentAndCanGo) {
  Quota quota;
  quota.add("a", {.units_per_day = 1});
  quota.add("b", {.units_per_day = 1});
  const Time now = parse_time("2017-09-13T12:00:00Z");
  EXPECT_TRUE(quota.take("a", 1, false, now));
  EXPECT_TRUE(quota.take("b", 1, false, now));
  EXPECT_FALSE(quota.take("unknown", 1, false, now));
  EXPECT_TRUE(quota.remove(Quota::id_of("a")));
  EXPECT_FALSE(quota.remove(Quota::id_of("a")));
  EXPECT_FALSE(quota.known("a"));
  EXPECT_TRUE(quota.known("b"));
}

}  // namespace
}  // namespace dalgona::sandbox
