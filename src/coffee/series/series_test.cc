#include "coffee/series/series.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coffee/series/rollup.h"

namespace dalgona::coffee {
namespace {

using std::chrono::days;

Day day(const char* text) {
  return day_from_store(text);
}
const DayRange kAll{Day{}, day("2149-06-06")};

std::vector<Point> observed() {
  return {{day("2017-09-01"), {1, 10}, false},
          {day("2017-09-02"), {2, std::nullopt}, false},
          {day("2017-09-05"), {5, 50}, false}};
}

std::string text(const std::vector<Point>& points) {
  std::string all;
  for (const auto& point : points)
    all += day_text(point.day).substr(8) + (point.gap ? "g" : "") + ":" + std::to_string(point.values[0].value_or(-1)) +
           " ";
  return all;
}

TEST(Series, GapsCarryTheDayBeforeOn) {
  EXPECT_EQ(text(fill_gaps(observed(), kAll)), "01:1 02:2 03g:2 04g:2 05:5 ");
  EXPECT_EQ(text(fill_gaps({}, kAll)), "");
}

TEST(Series, ARangeMayBeginAndEndInAGap) {
  EXPECT_EQ(text(fill_gaps(observed(), {day("2017-09-03"), day("2017-09-04")})), "03g:2 04g:2 ");
  EXPECT_EQ(text(fill_gaps(observed(), {day("2017-09-04"), kAll.last})), "04g:2 05:5 ");
  EXPECT_EQ(text(fill_gaps(observed(), {day("2017-08-01"), day("2017-09-01")})), "01:1 ");
  EXPECT_EQ(text(fill_gaps(observed(), {day("2017-09-06"), kAll.last})), "");
}

TEST(Series, ALongHoleStaysOpen) {
  std::vector<Point> points{{day("2015-01-01"), {1}, false}, {day("2017-09-01"), {2}, false}};
  EXPECT_EQ(fill_gaps(points, kAll).size(), 2u);
  points[0].day = points[1].day - days{kLongestGapDays};
  EXPECT_EQ(fill_gaps(points, kAll).size(), size_t{kLongestGapDays} + 1);
}

TEST(Series, ALongSeriesKeepsItsNewestDays) {
  std::vector<Point> points;
  for (int i = 0; i < kMaxSeriesDays + 10; ++i) points.push_back({day("2000-01-01") + days{i}, {i}, false});
  const auto filled = fill_gaps(points, kAll);
  ASSERT_EQ(filled.size(), size_t{kMaxSeriesDays});
  EXPECT_EQ(filled.back().values[0], kMaxSeriesDays + 9);
}

TEST(Series, ARollupsRowsGiveEachMetricsNewestValueOfTheDay) {
  const auto row = [](const char* date, int given, const char* time, int first, int second) {
    return boost::json::array{date, given, time, first, second};
  };
  const auto points = points_of({row("2017-09-02", 3, "2017-09-02 09:00:00.000000", 7, 70),
                                 row("2017-09-01", 3, "2017-09-01 10:00:00.000000", 1, 10),
                                 row("2017-09-01", 2, "2017-09-01 12:00:00.000000", 0, 12),
                                 row("2017-09-01", 3, "2017-09-01 11:00:00.000000", 2, 11),
                                 row("2017-09-03", 1, "2017-09-03 11:00:00.000000", 9, 0)});
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].day, day("2017-09-01"));
  EXPECT_EQ(points[0].values, (std::vector<std::optional<int64_t>>{2, 12}));
  EXPECT_EQ(points[1].values, (std::vector<std::optional<int64_t>>{7, 70}));
  EXPECT_EQ(points[2].values, (std::vector<std::optional<int64_t>>{9, std::nullopt}));
  EXPECT_THROW(points_of({{"2017-09-01", 1}}), Permanent);
}

TEST(Series, ARollupIsAskedForOneRangeOfOneColumn) {
  const std::string_view metrics[] = {"followers", "views"};
  const auto range = events::series_of({"YOUTUBE", "it's \\"}, day("2017-09-01"), day("2017-09-02"));
  EXPECT_EQ(rollup_rows("profile_daily", range, metrics),
            "SELECT date, given, observed_at, followers, views FROM events.profile_daily PREWHERE series >= "
            "'YOUTUBE\\0it\\'s \\\\\\02017-09-01' AND series <= 'YOUTUBE\\0it\\'s \\\\\\02017-09-02'");
}

TEST(Series, JsonHasNullForWhatIsNotKnown) {
  const std::string_view metrics[] = {"followers", "views"};
  EXPECT_EQ(boost::json::serialize(series_json(std::vector<Point>{observed()[1]}, metrics)),
            R"([{"date":"2017-09-02","followers":2,"views":null,"gap":false}])");
}

TEST(Growth, CountsFromTheLastObservationLongEnoughAgo) {
  const auto over = [](int length) { return growth_over(observed(), length); };
  EXPECT_EQ(over(3)->start, day("2017-09-02"));
  EXPECT_EQ(over(3)->change[0], 3);
  EXPECT_EQ(over(3)->change[1], std::nullopt);
  EXPECT_EQ(over(4)->change[1], 40);
  EXPECT_EQ(over(2)->start, day("2017-09-02"));
  EXPECT_FALSE(over(5));
  EXPECT_FALSE(growth_over({}, 1));
}

TEST(DayRangeReader, CutsToTheDaysThatTheWarehouseHas) {
  const auto read = [](std::string text) {
    http::Request request;
    request.body = std::move(text);
    return read_range(Body(request, {"startDate", "endDate"}));
  };
  EXPECT_EQ(day_text(read("{}").first), "1970-01-01");
  EXPECT_EQ(day_text(read("{}").last), "2149-06-06");
  EXPECT_EQ(day_text(read(R"({"startDate": "0001-01-01", "endDate": "9999-12-31"})").first), "1970-01-01");
  EXPECT_EQ(day_text(read(R"({"startDate": "0001-01-01", "endDate": "9999-12-31"})").last), "2149-06-06");
  EXPECT_THROW(read(R"({"startDate": "2017-01-02", "endDate": "2017-01-01"})"), InvalidInput);
}

}  // namespace
}  // namespace dalgona::coffee
