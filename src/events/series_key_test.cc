#include "events/series_key.h"

#include <gtest/gtest.h>

namespace dalgona::events {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr sys_days kDay{days{17'410}};  // 2017-09-01

// As the warehouse says for the SQL of IsTheSameInSql.
TEST(SeriesKey, IsWhatTheWarehouseMakesOfTheSameNames) {
  EXPECT_EQ(series_of({"YOUTUBE", "UCa"}, {}, kDay, kDay).first, 167647197386130434u);
  EXPECT_EQ(series_of({"YOUTUBE", "UCa"}, {"p1"}, kDay, kDay).first, 4386446776142152706u);
}

TEST(SeriesKey, HasTheOwnersHashAboveTheDay) {
  const auto one = series_of({"YOUTUBE", "UCa"}, {}, kDay, kDay + days{29});
  EXPECT_EQ(one.last - one.first, 29u);
  EXPECT_EQ(day_of_series(one.first), kDay);
  const auto all = series_of({"YOUTUBE", "UCa"});
  EXPECT_EQ(all.last - all.first, 65'535u);
  EXPECT_EQ(all.first, one.first - 17'410);
  EXPECT_NE(series_of({"YOUTUB", "EUCa"}).first, all.first);
  EXPECT_NE(series_of({"YOUTUBE", "UCb"}).first, all.first);
}

TEST(SeriesKey, WhatAnOwnerHasLiesTogether) {
  const auto owner = series_of_owner({"YOUTUBE", "UCa"});
  for (const char* post : {"p1", "p2", ""}) {
    const auto one = series_of({"YOUTUBE", "UCa"}, {post}, kDay, kDay);
    EXPECT_LE(owner.first, one.first);
    EXPECT_GE(owner.last, one.last);
    EXPECT_EQ(day_of_series(one.first), kDay);
  }
  EXPECT_NE(series_of({"YOUTUBE", "UCa"}, {"p1"}).first, series_of({"YOUTUBE", "UCa"}, {"p2"}).first);
  EXPECT_NE(series_of_owner({"YOUTUBE", "UCb"}).first, owner.first);
}

TEST(SeriesKey, DaysThatTheWarehouseDoesNotHaveAreCut) {
  const auto wide = series_of({"YOUTUBE", "UCa"}, {}, sys_days{days{-1}}, sys_days{days{70'000}});
  const auto all = series_of({"YOUTUBE", "UCa"});
  EXPECT_EQ(wide.first, all.first);
  EXPECT_EQ(wide.last, all.last);
}

TEST(SeriesKey, IsTheSameInSql) {
  Stream stream;
  stream.shard = "profile_id";
  Rollup rollup;
  rollup.by = {"platform", "profile_id"};
  EXPECT_EQ(series_sql(stream, rollup),
            "bitOr(bitShiftLeft(xxHash64(concat(platform, '\\0', profile_id)), 16), toUInt64(toUInt16(date)))");
  rollup.by.emplace_back("shortcode");
  EXPECT_EQ(series_sql(stream, rollup),
            "bitOr(bitOr(bitShiftLeft(xxHash64(concat(platform, '\\0', profile_id)), 40), "
            "bitShiftLeft(bitAnd(xxHash64(shortcode), 16777215), 16)), toUInt64(toUInt16(date)))");
  stream.shard.clear();
  EXPECT_EQ(owner_columns(stream, rollup), 3u);
}

}  // namespace
}  // namespace dalgona::events
