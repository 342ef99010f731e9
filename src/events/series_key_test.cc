#include "events/series_key.h"

#include <gtest/gtest.h>

namespace dalgona::events {
namespace {

using namespace std::string_literals;
using std::chrono::days;
using std::chrono::sys_days;

constexpr sys_days kDay{days{17'410}};

TEST(SeriesKey, IsTheNameAndTheDay) {
  const auto month = series_of({"YOUTUBE", "UCa"}, kDay, kDay + days{29});
  EXPECT_EQ(month.first, "YOUTUBE\0UCa\0"s + "2017-09-01");
  EXPECT_EQ(month.last, "YOUTUBE\0UCa\0"s + "2017-09-30");
}

TEST(SeriesKey, WhatANameBeginsLiesInItsRangeAndNothingElse) {
  const auto all = series_under({"YOUTUBE", "UCa"});
  const auto inside = [&](std::initializer_list<std::string_view> name) {
    const auto text = series_of(name, kDay, kDay).first;
    return all.first <= text && text <= all.last;
  };
  EXPECT_TRUE(inside({"YOUTUBE", "UCa"}));
  EXPECT_TRUE(inside({"YOUTUBE", "UCa", "p1"}));
  EXPECT_TRUE(inside({"YOUTUBE", "UCa", "\xff\xff"}));
  EXPECT_TRUE(inside({"YOUTUBE", "UCa", ""}));
  EXPECT_FALSE(inside({"YOUTUBE", "UC"}));
  EXPECT_FALSE(inside({"YOUTUBE", "UCaa"}));
  EXPECT_FALSE(inside({"YOUTUBE", "UCa\1"}));
  EXPECT_FALSE(inside({"YOUTUB", "EUCa"}));
}

TEST(SeriesKey, IsTheSameInSql) {
  Rollup rollup;
  rollup.by = {"platform", "profile_id"};
  EXPECT_EQ(series_sql(rollup), "concat(platform, '\\0', profile_id, '\\0', toString(date))");
}

}  // namespace
}  // namespace dalgona::events
