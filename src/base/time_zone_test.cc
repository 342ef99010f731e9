#include "base/time_zone.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona {
namespace {

std::string after(const char* now) {
  return to_iso(next_midnight("America/Los_Angeles", parse_time(now)));
}

TEST(TimeZone, NextMidnightHoldsAlsoWhenClocksChange) {
  EXPECT_EQ(after("2024-01-15T12:00:00Z"), "2024-01-16T08:00:00.000000Z");
  EXPECT_EQ(after("2024-07-15T12:00:00Z"), "2024-07-16T07:00:00.000000Z");
  EXPECT_EQ(after("2024-07-15T06:59:59Z"), "2024-07-15T07:00:00.000000Z");
  EXPECT_EQ(after("2024-07-15T07:00:00Z"), "2024-07-16T07:00:00.000000Z");  // at the reset itself: the next one
  EXPECT_EQ(after("2024-03-10T09:00:00Z"), "2024-03-11T07:00:00.000000Z");  // a day of 23 hours
  EXPECT_EQ(after("2024-11-03T08:00:00Z"), "2024-11-04T08:00:00.000000Z");  // a day of 25 hours
  EXPECT_THROW(next_midnight("America/Los_Angles", Time{}), InvalidInput);
}

}  // namespace
}  // namespace dalgona
