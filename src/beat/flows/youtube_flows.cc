#include "beat/flows/youtube_flows.h"

#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

namespace dalgona::beat {
namespace {

using Strings = std::vector<std::string>;

// Without repetitions, in order.
Strings texts(const boost::json::value& list) {
  Strings all;
  std::unordered_set<std::string> seen;
  for (const auto& item : list.as_array())
    if (std::string text(item.as_string()); seen.insert(text).second) all.push_back(std::move(text));
  return all;
}

Strings slice(const Strings& ids, size_t from) {
  return {ids.begin() + std::ptrdiff_t(from),
          ids.begin() + std::ptrdiff_t(std::min(ids.size(), from + youtube::kIdsPerCall))};
}

// A chart that moves while it is read may show a video on two pages.
class Posts {
 public:
  explicit Posts(Harvest& harvest) : harvest_(harvest) {}
  void add(youtube::Page<youtube::Post>& page, Time at) {
    harvest_.unreadable += page.unreadable;
    for (youtube::Post& post : page.items) {
      const auto [known, is_new] = at_.try_emplace(post.video_id, harvest_.posts.size());
      if (is_new)
        harvest_.posts.push_back({std::move(post), at});
      else
        harvest_.posts[known->second] = {std::move(post), at};
    }
  }
  bool has(const std::string& id) const { return at_.contains(id); }

 private:
  Harvest& harvest_;
  std::unordered_map<std::string, size_t> at_;
};

Task<void> fetch_videos(Fetcher& fetcher, const Source& source, const Strings& ids, Harvest& harvest) {
  Posts posts(harvest);
  for (size_t from = 0; from < ids.size(); from += youtube::kIdsPerCall) {
    const Strings asked = slice(ids, from);
    const Reply reply = co_await fetcher.fetch(source, youtube::videos(asked));
    ++harvest.calls;
    auto page = youtube::parse_videos(reply.body);
    posts.add(page, reply.observed_at);
    for (const std::string& id : asked)
      if (!posts.has(id)) harvest.missing.push_back(id);
  }
}

Task<Harvest> refresh_profiles(Fetcher& fetcher, const Source& source, const boost::json::object& params) {
  Harvest harvest;
  const Strings ids = texts(params.at("channel_ids"));
  for (size_t from = 0; from < ids.size(); from += youtube::kIdsPerCall) {
    const Strings asked = slice(ids, from);
    const Reply reply = co_await fetcher.fetch(source, youtube::channels(asked));
    ++harvest.calls;
    auto page = youtube::parse_channels(reply.body);
    harvest.unreadable += page.unreadable;
    std::unordered_set<std::string> seen;
    for (youtube::Profile& profile : page.items)
      if (seen.insert(profile.channel_id).second) harvest.profiles.push_back({std::move(profile), reply.observed_at});
    for (const std::string& id : asked)
      if (!seen.contains(id)) harvest.missing.push_back(id);
  }
  co_return harvest;
}

Task<Harvest> refresh_posts(Fetcher& fetcher, const Source& source, const boost::json::object& params) {
  Harvest harvest;
  const Strings ids = texts(params.at("video_ids"));
  co_await fetch_videos(fetcher, source, ids, harvest);
  co_return harvest;
}

Task<Harvest> refresh_posts_by_channel(Fetcher& fetcher, const Source& source, const boost::json::object& params) {
  Harvest harvest;
  const std::string channel_id(params.at("channel_id").as_string());
  const int64_t max_pages = params.at("max_pages").as_int64();
  const Strings channel{channel_id};
  const Reply found = co_await fetcher.fetch(source, youtube::channels(channel));
  ++harvest.calls;
  const auto channels = youtube::parse_channels(found.body);
  if (channels.items.empty() || channels.items[0].uploads_playlist_id.value_or("").empty()) {
    harvest.missing.push_back(channel_id);
    co_return harvest;
  }
  const std::string playlist = *channels.items[0].uploads_playlist_id;
  Strings ids;
  std::unordered_set<std::string> seen;
  std::string page_token;
  for (int64_t page = 0;; ++page) {
    if (page == max_pages) {
      harvest.cut_short = true;
      break;
    }
    Reply reply;
    bool gone = false;
    try {
      reply = co_await fetcher.fetch(source, youtube::uploads(playlist, page_token));
    } catch (const NotFound&) {
      gone = true;  // a channel without uploads has a playlist id and no playlist
    }
    ++harvest.calls;
    if (gone) break;
    auto items = youtube::parse_playlist_items(reply.body);
    harvest.unreadable += items.unreadable;
    for (std::string& id : items.items)
      if (seen.insert(id).second) ids.push_back(std::move(id));
    if (items.next_page.empty()) break;
    page_token = items.next_page;
  }
  co_await fetch_videos(fetcher, source, ids, harvest);
  co_return harvest;
}

Task<Harvest> refresh_posts_by_genre(Fetcher& fetcher, const Source& source, const boost::json::object& params) {
  Harvest harvest;
  Posts posts(harvest);
  const std::string region(params.at("region_code").as_string());
  std::optional<int64_t> category;
  if (const auto* given = params.if_contains("category_id")) category = given->as_int64();
  const int64_t max_pages = params.at("max_pages").as_int64();
  std::string page_token;
  for (int64_t page = 0;; ++page) {
    if (page == max_pages) {
      harvest.cut_short = true;
      break;
    }
    const Reply reply = co_await fetcher.fetch(source, youtube::chart(region, category, page_token));
    ++harvest.calls;
    auto videos = youtube::parse_videos(reply.body);
    posts.add(videos, reply.observed_at);
    if (videos.next_page.empty()) break;
    page_token = videos.next_page;
  }
  co_return harvest;
}

}  // namespace

std::string Harvest::summary() const {
  boost::json::object all{{"source", source}, {"calls", calls}, {"profiles", profiles.size()}, {"posts", posts.size()}};
  if (unreadable) all["unreadable"] = unreadable;
  if (cut_short) all["cut_short"] = true;
  if (!missing.empty()) all["missing"] = boost::json::array(missing.begin(), missing.end());
  return boost::json::serialize(all);
}

const std::map<std::string, FlowFunction, std::less<>>& flow_functions() {
  static const std::map<std::string, FlowFunction, std::less<>> all{
      {"refresh_yt_profiles", refresh_profiles},
      {"refresh_yt_posts", refresh_posts},
      {"refresh_yt_posts_by_channel_id", refresh_posts_by_channel},
      {"refresh_yt_posts_by_genre", refresh_posts_by_genre},
  };
  return all;
}

}  // namespace dalgona::beat
