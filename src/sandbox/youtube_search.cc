#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sandbox/youtube_call.h"

namespace dalgona::sandbox {
namespace {

constexpr size_t kMaxSearchResults = 500;  // the platform goes no further, however many pages are asked for

// The words of `q`: all must be there; "a|b" is either, "-a" is not a.
class Wanted {
 public:
  explicit Wanted(std::string_view q) {
    const std::string lower = to_lower_ascii(q);
    for (const std::string_view word : split(lower, ' ')) {
      if (trim(word).empty()) continue;
      if (word.size() > 1 && word.front() == '-') {
        unwanted_.emplace_back(word.substr(1));
        continue;
      }
      std::vector<std::string> either;
      for (const std::string_view one : split(word, '|'))
        if (!one.empty()) either.emplace_back(one);
      if (!either.empty()) words_.push_back(std::move(either));
    }
  }
  bool in(std::string_view text) const {
    for (const auto& either : words_)
      if (std::none_of(either.begin(), either.end(), [&](const auto& w) { return text.find(w) != text.npos; }))
        return false;
    return std::none_of(unwanted_.begin(), unwanted_.end(), [&](const auto& w) { return text.find(w) != text.npos; });
  }
  int score(std::string_view title) const {
    int score = 0;
    for (const auto& either : words_)
      score += std::any_of(either.begin(), either.end(), [&](const auto& w) { return title.find(w) != title.npos; });
    return score;
  }

 private:
  std::vector<std::vector<std::string>> words_;
  std::vector<std::string> unwanted_;
};

struct Hit {
  const Video* video = nullptr;
  const Channel* channel = nullptr;
  int score = 0;
  int64_t views = 0, videos = 0;
  double rating = 0;
  Time published_at{};
  std::string_view title, id;
};

std::function<bool(const Hit&, const Hit&)> order_by(const std::string& order) {
  const auto less = [](auto key) {
    return [key](const Hit& a, const Hit& b) {
      const auto x = key(a), y = key(b);
      return x != y ? x < y : a.id < b.id;
    };
  };
  if (order == "date") return less([](const Hit& h) { return -h.published_at.time_since_epoch().count(); });
  if (order == "viewCount") return less([](const Hit& h) { return -h.views; });
  if (order == "videoCount") return less([](const Hit& h) { return -h.videos; });
  if (order == "rating") return less([](const Hit& h) { return -h.rating; });
  if (order == "title") return less([](const Hit& h) { return h.title; });
  if (order == "relevance") return less([](const Hit& h) { return std::pair(-h.score, -h.views); });
  throw invalid_parameter(
      "order",
      "Invalid value '" + order + "'. Allowed values are: [date, rating, relevance, title, videoCount, viewCount]");
}

bool has_duration(const Video& video, std::string_view kind) {
  if (kind == "short") return video.duration_seconds < 240;
  if (kind == "medium") return video.duration_seconds >= 240 && video.duration_seconds <= 1200;
  if (kind == "long") return video.duration_seconds > 1200;
  if (kind == "any") return true;
  throw invalid_parameter("videoDuration", "Invalid value. Allowed values are: [any, short, medium, long]");
}

}  // namespace

ApiReply YoutubeApi::search(Call& call) const {
  call.allow({"part", "q", "type", "order", "channelId", "publishedAfter", "publishedBefore", "maxResults", "pageToken",
              "regionCode", "videoCategoryId", "videoDuration", "safeSearch", "relevanceLanguage", "forMine",
              "forContentOwner", "forDeveloper", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(search_parts());
  call.refuse_owner_filters({"forMine", "forContentOwner", "forDeveloper", "onBehalfOfContentOwner"});
  call.check_region();
  std::set<std::string, std::less<>> types;
  const std::string type = call.text("type").value_or("video,channel,playlist");
  for (const std::string_view one : split(type, ',')) {
    if (one != "video" && one != "channel" && one != "playlist")
      throw invalid_parameter("type", "Invalid value '" + type + "'. Allowed values are: [channel, playlist, video]");
    types.emplace(one);
  }
  const auto category = call.text("videoCategoryId"), duration = call.text("videoDuration");
  if ((category || duration) && type != "video")
    throw ApiError(400, "invalidSearchFilter", "youtube.search",
                   "The request contains an invalid combination of search filters and/or restrictions. Note that you "
                   "must set the <code>type</code> parameter to <code>video</code> if you set a value for a parameter "
                   "that restricts videos.")
        .at("parameters.", "other");
  const auto order = order_by(call.text("order").value_or("relevance"));
  const Wanted wanted(call.text("q").value_or(""));
  const auto channel_id = call.text("channelId");
  const auto after = call.time("publishedAfter"), before = call.time("publishedBefore");
  const auto published_within = [&](Time t) { return (!after || t >= *after) && (!before || t < *before); };
  const size_t size = call.max_results(0, 5);

  std::vector<Hit> hits;
  for (size_t i = 0; types.contains("video") && i < population_.videos().size(); ++i) {
    const Video& video = population_.videos()[i];
    const Snapshot* now = video.as_of(call.day());
    if (!now || !published_within(video.published_at) || !wanted.in(video_text_[i])) continue;
    if (channel_id && population_.channel_of(video, call.day()).id != *channel_id) continue;
    if (category && std::to_string(video.category) != *category) continue;
    if (duration && !has_duration(video, *duration)) continue;
    hits.push_back({.video = &video,
                    .score = wanted.score(to_lower_ascii(video.title)),
                    .views = now->views,
                    .rating = now->views > 0 ? double(now->likes) / double(now->views) : 0,
                    .published_at = video.published_at,
                    .title = video.title,
                    .id = video.id});
  }
  for (size_t i = 0; types.contains("channel") && i < population_.channels().size(); ++i) {
    const Channel& channel = population_.channels()[i];
    const ChannelStatistics* now = channel.as_of(call.day());
    if (!now || !published_within(channel.published_at) || !wanted.in(channel_text_[i])) continue;
    if (channel_id && channel.id != *channel_id) continue;
    hits.push_back({.channel = &channel,
                    .score = wanted.score(to_lower_ascii(channel.title)),
                    .views = now->views,
                    .videos = now->videos,
                    .published_at = channel.published_at,
                    .title = channel.title,
                    .id = channel.id});
  }
  std::sort(hits.begin(), hits.end(), order);
  // The platform tells how many there are but gives the first few hundred only.
  const size_t total = hits.size();
  const size_t reachable = std::min(total, kMaxSearchResults);
  const Call::Page page{reachable, std::min(call.offset(), reachable), size};
  std::string items;
  Fingerprint fingerprint;
  for (size_t i = page.offset; i < page.end(); ++i) {
    if (hits[i].video)
      renderer_.found_video(items, fingerprint, *hits[i].video, call.day(), parts);
    else
      renderer_.found_channel(items, fingerprint, *hits[i].channel, parts);
  }
  return call.list("searchListResponse", items, fingerprint, page, call.text("regionCode").value_or(region_));
}

}  // namespace dalgona::sandbox
