#include "sandbox/youtube_api.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "sandbox/youtube_call.h"

namespace dalgona::sandbox {

YoutubeApi::YoutubeApi(const Population& population, std::string region)
    : population_(population), region_(std::move(region)), renderer_(population) {
  for (const Video& video : population.videos()) {
    std::string text = video.title + "\n" + population.channels()[video.channel].title + "\n" + video.description;
    for (const auto& [day, channel] : video.moves) text += "\n" + population.channels()[channel].title;
    for (const std::string& tag : video.tags) text += "\n" + tag;
    video_text_.push_back(to_lower_ascii(text));
  }
  for (const Channel& channel : population.channels())
    channel_text_.push_back(to_lower_ascii(channel.title + "\n" + channel.handle + "\n" + channel.description));
}

const std::vector<std::string>& YoutubeApi::endpoints() {
  static const std::vector<std::string> all = {"videos", "channels", "playlistItems", "search", "videoCategories"};
  return all;
}

ApiReply YoutubeApi::call(std::string_view endpoint, const http::Query& query, Time now) const {
  Call call(endpoint, query, now);
  if (const auto alt = call.text("alt"); alt && *alt != "json")
    throw invalid_parameter("alt", "Invalid value '" + *alt + "'. Allowed values are: [json]");
  if (endpoint == "videos") return videos(call);
  if (endpoint == "channels") return channels(call);
  if (endpoint == "playlistItems") return playlist_items(call);
  if (endpoint == "search") return search(call);
  if (endpoint == "videoCategories") return video_categories(call);
  throw ApiError(404, "notFound", "global", "Not Found");
}

ApiReply YoutubeApi::videos(Call& call) const {
  call.allow({"part", "id", "chart", "myRating", "hl", "maxHeight", "maxWidth", "maxResults", "pageToken", "regionCode",
              "videoCategoryId", "locale", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(video_parts());
  call.refuse_owner_filters({"myRating", "onBehalfOfContentOwner"});
  const std::string filter = call.filter({"id", "chart", "myRating"});
  std::string items;
  Fingerprint fingerprint;
  if (filter == "id") {
    size_t found = 0;
    for (const std::string& id : call.ids("id")) {
      const Video* video = population_.video(id);
      const Snapshot* snapshot = video ? video->as_of(call.day()) : nullptr;
      if (!snapshot) continue;
      renderer_.video(items, fingerprint, *video, call.day(), parts);
      ++found;
    }
    return call.list("videoListResponse", items, fingerprint, Call::Page{found, 0, found});
  }
  call.check_region();
  const auto category = call.text("videoCategoryId");
  const bool all = !category || *category == "0";
  const bool known = all || std::any_of(categories().begin(), categories().end(),
                                        [&](const Category& c) { return std::to_string(c.id) == *category; });
  if (call.text("chart") != "mostPopular" || !known)
    throw ApiError(400, "videoChartNotFound", "youtube.video",
                   "The requested video chart is not supported or is not available.")
        .at(known ? "chart" : "videoCategoryId");
  std::vector<const Video*> chart;
  for (const uint32_t index : population_.chart(call.day())) {
    const Video& video = population_.videos()[index];
    if (all || std::to_string(video.category) == *category) chart.push_back(&video);
  }
  const Call::Page page{chart.size(), std::min(call.offset(), chart.size()), call.max_results(1, 5)};
  for (size_t i = page.offset; i < page.end(); ++i) renderer_.video(items, fingerprint, *chart[i], call.day(), parts);
  return call.list("videoListResponse", items, fingerprint, page);
}

ApiReply YoutubeApi::channels(Call& call) const {
  call.allow({"part", "id", "forHandle", "forUsername", "mine", "managedByMe", "categoryId", "hl", "maxResults",
              "pageToken", "mySubscribers", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(channel_parts());
  call.refuse_owner_filters({"mine", "managedByMe", "mySubscribers", "onBehalfOfContentOwner"});
  const std::string filter = call.filter({"id", "forHandle", "forUsername"});
  std::vector<std::pair<const Channel*, const ChannelStatistics*>> found;
  const auto take = [&](const Channel* channel) {
    const ChannelStatistics* statistics = channel ? channel->as_of(call.day()) : nullptr;
    if (statistics) found.emplace_back(channel, statistics);
  };
  if (filter == "id")
    for (const std::string& id : call.ids("id")) take(population_.channel(id));
  else
    take(population_.by_handle(*call.text(filter)));
  const Call::Page page{found.size(), std::min(call.offset(), found.size()), call.max_results(0, 5)};
  std::string items;
  Fingerprint fingerprint;
  for (size_t i = page.offset; i < page.end(); ++i)
    renderer_.channel(items, fingerprint, *found[i].first, *found[i].second, parts);
  return call.list("channelListResponse", items, fingerprint, page, {}, true);
}

std::vector<const Video*> YoutubeApi::uploads(const Channel& channel, Day day) const {
  std::vector<const Video*> known;
  for (const uint32_t index : channel.videos)
    if (const Video& video = population_.videos()[index];
        video.first_day() <= day && &population_.channel_of(video, day) == &channel)
      known.push_back(&video);
  std::sort(known.begin(), known.end(), [](const Video* a, const Video* b) {
    return std::tie(b->published_at, a->id) < std::tie(a->published_at, b->id);
  });
  return known;
}

ApiReply YoutubeApi::playlist_items(Call& call) const {
  call.allow({"part", "id", "playlistId", "maxResults", "pageToken", "videoId", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(playlist_item_parts());
  call.refuse_owner_filters({"onBehalfOfContentOwner"});
  const std::string filter = call.filter({"id", "playlistId"});
  struct Item {
    const Video* video;
    const Channel* channel;
    size_t position;
  };
  std::vector<Item> found;
  if (filter == "id") {
    const std::vector<std::string> wanted = call.ids("id");
    for (const Channel& channel : population_.channels()) {
      if (!channel.as_of(call.day())) continue;
      const auto videos = uploads(channel, call.day());
      for (size_t i = 0; i < videos.size(); ++i)
        if (std::find(wanted.begin(), wanted.end(), Renderer::playlist_item_id(channel, *videos[i])) != wanted.end())
          found.push_back({videos[i], &channel, i});
    }
  } else {
    const Channel* channel = population_.by_playlist(*call.text("playlistId"));
    if (!channel || !channel->as_of(call.day()))
      throw ApiError(404, "playlistNotFound", "youtube.playlistItem",
                     "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.")
          .at("playlistId");
    const auto videos = uploads(*channel, call.day());
    const auto only = call.text("videoId");
    for (size_t i = 0; i < videos.size(); ++i)
      if (!only || videos[i]->id == *only) found.push_back({videos[i], channel, i});
  }
  const Call::Page page{found.size(), std::min(call.offset(), found.size()), call.max_results(0, 5)};
  std::string items;
  Fingerprint fingerprint;
  for (size_t i = page.offset; i < page.end(); ++i)
    renderer_.playlist_item(items, fingerprint, *found[i].video, *found[i].channel, found[i].position, parts);
  return call.list("playlistItemListResponse", items, fingerprint, page);
}

ApiReply YoutubeApi::video_categories(Call& call) const {
  call.allow({"part", "id", "regionCode", "hl"});
  const Parts parts = call.parts(category_parts());
  const std::string filter = call.filter({"id", "regionCode"});
  call.check_region();
  std::string items;
  Fingerprint fingerprint;
  const std::vector<std::string> wanted = call.ids("id");
  for (const Category& category : categories())
    if (filter == "regionCode" || std::find(wanted.begin(), wanted.end(), std::to_string(category.id)) != wanted.end())
      Renderer::category(items, fingerprint, category, parts);
  return call.list("videoCategoryListResponse", items, fingerprint, {});
}

}  // namespace dalgona::sandbox
