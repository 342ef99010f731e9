#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona {
namespace {

TEST(Clock, PrintsAndParsesBackToTheSameTime) {
  for (int64_t micros : {int64_t{0}, int64_t{1505260800123456}, int64_t{951782400000000}, int64_t{-62135596800000000},
                         int64_t{253402300799999999}}) {
    const Time t{std::chrono::microseconds{micros}};
    EXPECT_EQ(parse_time(to_iso(t)), t);
    EXPECT_EQ(parse_time(to_sql(t)), t);
    EXPECT_EQ(parse_http_date(to_http_date(t)), std::chrono::floor<std::chrono::seconds>(t));
  }
  EXPECT_EQ(to_http_date(parse_time("1994-11-06T08:49:37Z")), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Clock, TakesOffsetsAndDatesAlone) {
  EXPECT_EQ(to_iso(parse_time("2017-09-13T05:30:00+05:30")), "2017-09-13T00:00:00.000000Z");
  EXPECT_EQ(to_iso(parse_time("2017-09-13")), "2017-09-13T00:00:00.000000Z");
  EXPECT_EQ(to_iso(parse_time("2019-03-21T20:37:49.5Z")), "2019-03-21T20:37:49.500000Z");
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const char* bad : {"", "2017", "2017-13-01", "2017-02-29", "0000-01-01", "2017-09-13T24:00:00",
                          "2017-09-13T00:00:00.", "2017-09-13T00:00:00Zx", "2017-09-13x"})
    EXPECT_THROW(parse_time(bad), InvalidInput) << bad;
  EXPECT_THROW(parse_http_date("Sun, 06 Foo 1994 08:49:37 GMT"), InvalidInput);
}

}  // namespace
}  // namespace dalgona
