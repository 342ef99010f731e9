#include "sandbox/generator.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::sandbox {
namespace {

uint64_t digest(const Population& population) {
  uint64_t hash = 0;
  for (const Video& video : population.videos()) {
    hash = stable_hash(video.id + video.title + population.channels()[video.channel].id, hash);
    for (const Snapshot& s : video.snapshots)
      hash = stable_hash(std::to_string(s.day) + " " + std::to_string(s.views) + " " + std::to_string(s.likes), hash);
  }
  for (const Channel& channel : population.channels())
    for (const ChannelStatistics& s : channel.statistics)
      hash = stable_hash(channel.id + std::to_string(s.subscribers), hash);
  for (const Day day : population.days())
    for (const uint32_t index : population.chart(day)) hash = stable_hash(std::to_string(index), hash);
  return hash;
}

TEST(Generator, TheSameSeedGivesTheSamePopulation) {
  const GeneratorOptions options{.channels = 50, .videos = 300, .days = 20, .seed = 5, .first_day = 20'000};
  EXPECT_EQ(digest(generate(options)), digest(generate(options)));
  GeneratorOptions other = options;
  other.seed = 6;
  EXPECT_NE(digest(generate(options)), digest(generate(other)));
}

TEST(Generator, LooksAsAPlatformDoes) {
  const Population population = generate({.first_day = 20'089});
  EXPECT_EQ(population.channels().size(), 300u);
  EXPECT_EQ(population.videos().size(), 2000u);
  EXPECT_EQ(population.days().size(), 40u);
  std::set<std::string> video_ids, channel_titles;
  int viral = 0;
  for (const Video& video : population.videos()) {
    EXPECT_EQ(video.id.size(), 11u);
    EXPECT_TRUE(video_ids.insert(video.id).second) << video.id;
    EXPECT_TRUE(is_utf8(video.title));
    EXPECT_GT(video.duration_seconds, 0);
    EXPECT_LE(video.published_at, midnight(video.first_day()));
    int64_t largest_gain = 0, largest_at = 0;
    for (size_t i = 1; i < video.snapshots.size(); ++i) {
      const Snapshot &a = video.snapshots[i - 1], &b = video.snapshots[i];
      EXPECT_EQ(b.day, a.day + 1);
      EXPECT_GE(b.views, a.views);
      EXPECT_GE(b.likes, a.likes);
      EXPECT_GE(b.comments, a.comments);
      EXPECT_LE(b.likes, b.views);
      if (b.views - a.views > largest_gain) largest_gain = b.views - a.views, largest_at = int64_t(i);
    }
    viral += largest_at > 4;
  }
  EXPECT_GT(viral, 10);
  std::vector<int64_t> followers;
  for (const Channel& channel : population.channels()) {
    EXPECT_TRUE(channel_titles.insert(channel.title).second) << channel.title;
    for (size_t i = 1; i < channel.statistics.size(); ++i)
      EXPECT_GE(channel.statistics[i].subscribers, channel.statistics[i - 1].subscribers);
    if (!channel.statistics.empty()) followers.push_back(channel.statistics.back().subscribers);
  }
  std::sort(followers.rbegin(), followers.rend());
  const auto sum = std::accumulate(followers.begin(), followers.end(), int64_t{0});
  const auto top = std::accumulate(followers.begin(), followers.begin() + long(followers.size() / 10), int64_t{0});
  EXPECT_GT(top, sum / 2) << "a tenth of the channels should have most of the followers";
  for (const Day day : population.days()) EXPECT_EQ(population.chart(day).size(), 200u);
}

TEST(Generator, RefusesWhatDoesNotFit) {
  EXPECT_THROW(generate({.channels = 0}), InvalidInput);
  EXPECT_THROW(generate({.videos = 2'000'001}), InvalidInput);
  EXPECT_THROW(generate({.videos = 2'000'000, .days = 1000}), InvalidInput);
}

}  // namespace
}  // namespace dalgona::sandbox
