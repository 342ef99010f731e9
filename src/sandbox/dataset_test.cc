#include "sandbox/dataset.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHeader =
    "video_id,title,channel_title,category_id,tags,views,likes,dislikes,comment_total,thumbnail_link,date\n";

Day day(const std::string& text) {
  return day_of(parse_time(text));
}

TEST(Dataset, KnowsAVideoFromItsFirstSnapshotOnAndByItsLast) {
  const auto [population, report] = read_dataset(kHeader +
                                                     "a,First,One,10,x|y,100,5,1,2,t,13.09\n"
                                                     "b,Other,Two,24,[none],7,1,0,0,,13.09\n"
                                                     "a,Second,One,10,x|y,300,9,1,4,t,15.09\n",
                                                 2017);
  const Video* a = population.video("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->as_of(day("2017-09-12")), nullptr);
  EXPECT_EQ(a->as_of(day("2017-09-13"))->views, 100);
  EXPECT_EQ(a->as_of(day("2017-09-14"))->views, 100);
  EXPECT_EQ(a->as_of(day("2018-01-01"))->views, 300);
  EXPECT_EQ(a->title, "Second");
  EXPECT_THAT(a->tags, ElementsAre("x", "y"));
  EXPECT_THAT(population.video("b")->tags, ElementsAre());
  EXPECT_EQ(population.video("b")->thumbnail, "https://i.ytimg.com/vi/b/default.jpg");
  EXPECT_EQ(to_date(a->published_at), "2017-09-13");
  EXPECT_THAT(population.chart(day("2017-09-13")), ElementsAre(0, 1));
  EXPECT_THAT(population.chart(day("2017-09-14")), ElementsAre());
  EXPECT_THAT(population.chart(day("2017-09-15")), ElementsAre(0));
}

TEST(Dataset, AChannelIsTheSumOfItsVideosKnownThatDay) {
  const auto [population, report] = read_dataset(kHeader +
                                                     "a,A,One,10,,100,5,1,2,t,13.09\n"
                                                     "b,B,One,10,,50,3,0,0,t,14.09\n"
                                                     "a,A,One,10,,200,8,1,2,t,15.09\n",
                                                 2017);
  const Channel* one = population.channel(channel_id("One"));
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->as_of(day("2017-09-12")), nullptr);
  const auto sums = [&](const char* when) {
    const ChannelStatistics* s = one->as_of(day(when));
    return std::tuple(s->views, s->subscribers, s->videos);
  };
  EXPECT_EQ(sums("2017-09-13"), std::tuple(100, 5, 1));
  EXPECT_EQ(sums("2017-09-14"), std::tuple(150, 8, 2));
  EXPECT_EQ(sums("2017-09-15"), std::tuple(250, 11, 2));
  EXPECT_EQ(sums("2020-01-01"), std::tuple(250, 11, 2));
  EXPECT_EQ(one->uploads_playlist(), "UU" + one->id.substr(2));
  EXPECT_EQ(population.by_playlist(one->uploads_playlist()), one);
  EXPECT_EQ(population.by_handle("ONE"), one);
}

// A channel that was renamed is another one, for ids are made of titles; the same title again is the same again.
TEST(Dataset, AVideoBelongsToTheChannelThatItsRowNames) {
  const auto [population, report] = read_dataset(kHeader +
                                                     "a,A,Old,10,,100,5,1,2,t,13.09\n"
                                                     "a,A,New,10,,200,8,1,2,t,15.09\n"
                                                     "a,A,New,10,,300,9,1,2,t,16.09\n"
                                                     "b,B,Old,10,,7,1,1,2,t,16.09\n"
                                                     "a,A,Old,10,,400,10,1,2,t,17.09\n"
                                                     "a,A,New,10,,450,11,1,2,t,14.09\n",
                                                 2017);
  const Video& a = *population.video("a");
  const Channel *old_one = population.channel(channel_id("Old")), *new_one = population.channel(channel_id("New"));
  ASSERT_TRUE(old_one && new_one);
  EXPECT_EQ(&population.channel_of(a, day("2017-09-13")), old_one);
  EXPECT_EQ(&population.channel_of(a, day("2017-09-14")), new_one);
  EXPECT_EQ(&population.channel_of(a, day("2017-09-16")), new_one);
  EXPECT_EQ(&population.channel_of(a, day("2018-01-01")), old_one);
  const auto sums = [](const Channel* channel, const char* when) {
    const ChannelStatistics* s = channel->as_of(day(when));
    return std::tuple(s->views, s->subscribers, s->videos);
  };
  EXPECT_EQ(new_one->as_of(day("2017-09-13")), nullptr);
  EXPECT_EQ(sums(old_one, "2017-09-13"), std::tuple(100, 5, 1));
  EXPECT_EQ(sums(old_one, "2017-09-14"), std::tuple(0, 0, 0));
  EXPECT_EQ(sums(new_one, "2017-09-14"), std::tuple(450, 11, 1));
  EXPECT_EQ(sums(new_one, "2017-09-16"), std::tuple(300, 9, 1));
  EXPECT_EQ(sums(old_one, "2017-09-16"), std::tuple(7, 1, 1));
  EXPECT_EQ(sums(new_one, "2017-09-17"), std::tuple(0, 0, 0));
  EXPECT_EQ(sums(old_one, "2017-09-17"), std::tuple(407, 11, 2));
}

TEST(Dataset, ChannelIdsAreMadeAsDocumented) {
  // base64url(SHA-256("channel:PewDiePie")), computed with coreutils.
  EXPECT_EQ(channel_id("PewDiePie"), "UCdBPT7jvUP3dHdiryfPhI9i");
}

TEST(Dataset, OfDoubledRowsTheLastCounts) {
  const auto [population, report] = read_dataset(kHeader +
                                                     "a,A,One,10,,100,5,1,2,t,13.09\n"
                                                     "b,B,One,10,,1,1,0,0,t,13.09\n"
                                                     "a,A,One,10,,150,6,1,2,t,13.09\n",
                                                 2017);
  EXPECT_EQ(report.doubled, 1u);
  EXPECT_EQ(report.snapshots, 2u);
  EXPECT_EQ(population.video("a")->as_of(day("2017-09-13"))->views, 150);
  EXPECT_THAT(population.chart(day("2017-09-13")), ElementsAre(1, 0));
}

TEST(Dataset, ReadsTheIndianFormWithoutChannels) {
  const auto [population, report] = read_dataset(
      "\xEF\xBB\xBFvideo_id,trending_date,title,category_id,views,likes,dislikes,comment_count\r\n"
      "kz,17.14.11,\"a, \"\"b\"\"\nc\",1,1096327,33966,798,882\r\n",
      1999);
  EXPECT_EQ(to_date(midnight(population.first_day())), "2017-11-14");
  EXPECT_EQ(population.video("kz")->title, "a, \"b\"\nc");
  EXPECT_EQ(population.channels().at(0).title, "category 1");
  EXPECT_EQ(population.channels().at(0).id, channel_id("category 1"));
}

TEST(Dataset, ColumnsMayComeInAnyOrderAndMoreOfThem) {
  const auto [population, report] =
      read_dataset("date,extra,comment_count,likes,views,category_id,title,video_id\n01.02,zz,3,2,1,20,T,v\n", 2020);
  EXPECT_EQ(population.video("v")->as_of(day("2020-02-01"))->comments, 3);
}

TEST(Dataset, DamagedRowsAreReportedAndTheirNeighboursLive) {
  const auto [population, report] = read_dataset(kHeader +
                                                     "a,A,One,10,,100,5,1,2,t,13.09\n"
                                                     "b,B,One,10,,many,5,1,2,t,13.09\n"  // 3
                                                     "c,C,One,10,,1,5,1,2,t,31.02\n"     // 4
                                                     "d,D,One\n"                         // 5
                                                     ",E,One,10,,1,5,1,2,t,13.09\n"      // 6
                                                     "f,\"F,One,10,,1,5,1,2,t,13.09\n"   // 7: open quote
                                                     "g,G,One,10,,1,5,1,2,t,13.09\n"
                                                     "h,H,One,10,,-4,5,1,2,t,13.09\n"  // 9
                                                     "i,\"I\",One,10,,1,5,1,2,t,13.09\n"
                                                     "j,\xff\xfe,One,10,,1,5,1,2,t,13.09\n",
                                                 2017);
  std::vector<size_t> lines;
  for (const auto& damage : report.damages) lines.push_back(damage.line);
  EXPECT_THAT(lines, ElementsAre(3, 4, 5, 6, 7, 9));
  EXPECT_EQ(report.damaged, 6u);
  EXPECT_THAT(report.damages[0].reason, HasSubstr("views 'many'"));
  for (const char* id : {"a", "g", "i", "j"}) EXPECT_NE(population.video(id), nullptr) << id;
  EXPECT_EQ(population.videos().size(), 4u);
  EXPECT_EQ(population.video("j")->title, "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Dataset, AHeaderWithoutItsColumnsIsRefusedByName) {
  try {
    read_dataset("video_id,title\nx,y\n", 2017);
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_STREQ(e.what(), "the dataset's header lacks category_id, views, likes, comment_total, date");
  }
  EXPECT_THROW(read_dataset("", 2017), InvalidInput);
  EXPECT_THROW(read_dataset(kHeader, 2017), InvalidInput);
  EXPECT_THROW(read_dataset_file("/nonexistent.csv", 2017), InvalidInput);
}

TEST(Dataset, HandlesAreUniqueAndLongEnough) {
  const auto [population, report] = read_dataset(kHeader +
                                                     "a,A,The Same!,10,,1,1,1,1,t,13.09\n"
                                                     "b,B,the same,10,,1,1,1,1,t,13.09\n"
                                                     "c,C,ハナ,10,,1,1,1,1,t,13.09\n"
                                                     "d,D,ab,10,,1,1,1,1,t,13.09\n",
                                                 2017);
  std::set<std::string> handles;
  for (const Channel& channel : population.channels()) {
    EXPECT_GE(channel.handle.size(), 4u);
    EXPECT_TRUE(handles.insert(channel.handle).second);
    EXPECT_EQ(population.by_handle(channel.handle), &channel);
  }
  EXPECT_TRUE(handles.contains("@thesame"));
}

TEST(Dataset, TheRealFilesAreReadWhole) {
  const char *data = std::getenv("DALGONA_DATA"), *source = std::getenv("DALGONA_SOURCE");
  const std::filesystem::path folder = data ? data : std::string(source ? source : ".") + "/../shared/data";
  if (!std::filesystem::exists(folder / "youtube-trending-us-2017.csv")) GTEST_SKIP() << "no data in " << folder;
  const auto [us, us_report] = read_dataset_file(folder / "youtube-trending-us-2017.csv", 2017);
  EXPECT_EQ(us_report.rows, 8000u);
  EXPECT_EQ(us_report.damaged, 0u);
  EXPECT_EQ(us_report.snapshots + us_report.doubled, us_report.rows);
  EXPECT_EQ(us.videos().size(), 2365u);
  EXPECT_EQ(us.channels().size(), 1230u);
  EXPECT_EQ(us.days().size(), 40u);
  const auto [india, india_report] = read_dataset_file(folder / "youtube-trending-in-2018.csv", 2017);
  EXPECT_EQ(india_report.rows, 14'999u);
  EXPECT_EQ(india_report.snapshots + india_report.doubled + india_report.damaged, india_report.rows);
  EXPECT_EQ(india.days().size(), 80u);
}

}  // namespace
}  // namespace dalgona::sandbox
