#include "sandbox/export.h"

#include <unordered_set>

#include <fmt/format.h>

namespace dalgona::sandbox {
namespace {

std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"') all += '"';
    all += c;
  }
  return all + '"';
}

}  // namespace

std::string export_csv(const Population& population) {
  std::string all =
      "video_id,title,channel_title,category_id,tags,views,likes,dislikes,comment_total,thumbnail_link,date,charted,"
      "channel_id,channel_followers,channel_views,channel_uploads\n";
  for (Day day = population.first_day(); day <= population.last_day(); ++day) {
    const auto& chart = population.chart(day);
    const std::unordered_set<uint32_t> charted(chart.begin(), chart.end());
    const std::string date = to_date(midnight(day));
    for (uint32_t i = 0; i < population.videos().size(); ++i) {
      const Video& video = population.videos()[i];
      const Snapshot* snapshot = video.as_of(day);
      if (!snapshot || snapshot->day != day) continue;
      const Channel& channel = population.channel_of(video, day);
      const ChannelStatistics* statistics = channel.as_of(day);
      all += fmt::format("{},{},{},{},{},{},{},0,{},{},{},{},{},{},{},{}\n", field(video.id), field(video.title),
                         field(channel.title), video.category, field(fmt::format("{}", fmt::join(video.tags, "|"))),
                         snapshot->views, snapshot->likes, snapshot->comments, field(video.thumbnail), date,
                         charted.contains(i) ? 1 : 0, channel.id, statistics ? statistics->subscribers : 0,
                         statistics ? statistics->views : 0, statistics ? statistics->videos : 0);
    }
  }
  return all;
}

}  // namespace dalgona::sandbox
