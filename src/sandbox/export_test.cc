#include "sandbox/export.h"

#include <gtest/gtest.h>

#include "sandbox/dataset.h"
#include "sandbox/generator.h"

namespace dalgona::sandbox {
namespace {

// What is exported can be replayed: the reader makes the same snapshots of it.
TEST(Export, IsReadBackAsItWas) {
  const Population population = generate({.channels = 20, .videos = 120, .days = 12, .seed = 3, .first_day = 20'089});
  const auto [again, report] = read_dataset(export_csv(population), 2017);
  EXPECT_EQ(report.damaged, 0u);
  EXPECT_EQ(report.doubled, 0u);
  EXPECT_EQ(again.videos().size(), population.videos().size());
  for (const Video& video : population.videos()) {
    const Video* copy = again.video(video.id);
    ASSERT_TRUE(copy) << video.id;
    EXPECT_EQ(copy->title, video.title);
    EXPECT_EQ(copy->tags, video.tags);
    EXPECT_EQ(again.channel_of(*copy, copy->first_day()).id, population.channel_of(video, video.first_day()).id);
    ASSERT_EQ(copy->snapshots.size(), video.snapshots.size());
    for (size_t i = 0; i < video.snapshots.size(); ++i) {
      EXPECT_EQ(copy->snapshots[i].day, video.snapshots[i].day);
      EXPECT_EQ(copy->snapshots[i].views, video.snapshots[i].views);
      EXPECT_EQ(copy->snapshots[i].likes, video.snapshots[i].likes);
      EXPECT_EQ(copy->snapshots[i].comments, video.snapshots[i].comments);
    }
  }
}

TEST(Export, QuotesWhatNeedsIt) {
  const auto [population, report] = read_dataset(
      "video_id,title,channel_title,category_id,tags,views,likes,comment_total,date\n"
      "aaaaaaaaaaa,\"a \"\"b\"\", c\nd\",\"C, D\",10,x|y,7,3,1,13.09\n"
      "bbbbbbbbbbb,plain,E,10,[none],9,4,2,13.09\n",
      2017);
  EXPECT_EQ(export_csv(population),
            "video_id,title,channel_title,category_id,tags,views,likes,dislikes,comment_total,thumbnail_link,date,"
            "charted,channel_id,channel_followers,channel_views,channel_uploads\n"
            "aaaaaaaaaaa,\"a \"\"b\"\", c\nd\",\"C, D\",10,x|y,7,3,0,1,https://i.ytimg.com/vi/aaaaaaaaaaa/default.jpg,"
            "2017-09-13,1," +
                channel_id("C, D") + ",3,7,1\nbbbbbbbbbbb,plain,E,10,,9,4,0,2," +
                "https://i.ytimg.com/vi/bbbbbbbbbbb/default.jpg,2017-09-13,1," + channel_id("E") + ",4,9,1\n");
}

}  // namespace
}  // namespace dalgona::sandbox
