#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/errors.h"
#include "beat/sources/youtube/youtube.h"

namespace dalgona::beat::youtube {
namespace {

namespace json = boost::json;

// Descriptions and tags are long; memory of one reply comes and goes in one piece.
json::value parse_object(std::string_view body) {
  boost::system::error_code failed;
  json::value value = json::parse({body.data(), body.size()}, failed);
  if (failed || !value.is_object())
    throw Retryable(
        fmt::format("unreadable reply of {} bytes: {}", body.size(), failed ? failed.message() : "no object"));
  return value;
}

json::value parse_list(std::string_view body, std::string_view kind) {
  json::value value = parse_object(body);
  const json::value* found = value.get_object().if_contains("kind");
  if (!found || !found->is_string() || std::string_view(found->get_string()) != kind)
    throw Retryable(fmt::format("the reply is no {}", kind));
  // A list without matches has no "items" at all.
  const json::value* items = value.get_object().if_contains("items");
  if (items && !items->is_array()) throw Retryable(fmt::format("{}: items is no list", kind));
  return value;
}

const json::object* object_at(const json::object* in, std::string_view key) {
  const json::value* found = in ? in->if_contains({key.data(), key.size()}) : nullptr;
  return found ? found->if_object() : nullptr;
}

std::optional<std::string> text_at(const json::object* in, std::string_view key) {
  const json::value* found = in ? in->if_contains({key.data(), key.size()}) : nullptr;
  if (!found || !found->is_string()) return {};
  return std::string(found->get_string());
}

// Statistics are numbers written as texts.
std::optional<int64_t> number_at(const json::object* in, std::string_view key) {
  const json::value* found = in ? in->if_contains({key.data(), key.size()}) : nullptr;
  if (!found) return {};
  if (found->is_int64()) return found->get_int64();
  if (!found->is_string()) return {};
  const std::string_view text = found->get_string();
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

std::optional<Time> time_at(const json::object* in, std::string_view key) {
  const auto text = text_at(in, key);
  if (!text) return {};
  try {
    return parse_time(*text);
  } catch (const InvalidInput&) {
    return {};
  }
}

// The largest that every channel and video has.
std::optional<std::string> thumbnail(const json::object* snippet) {
  const json::object* thumbnails = object_at(snippet, "thumbnails");
  for (std::string_view size : {"high", "medium", "default"})
    if (auto url = text_at(object_at(thumbnails, size), "url")) return url;
  return {};
}

template <typename T, typename F>
Page<T> parse_page(std::string_view body, std::string_view kind, F read) {
  const json::value value = parse_list(body, kind);
  const json::object& reply = value.get_object();
  Page<T> page;
  page.next_page = text_at(&reply, "nextPageToken").value_or("");
  const json::value* items = reply.if_contains("items");
  if (!items) return page;
  for (const json::value& item : items->get_array()) {
    std::optional<T> one;
    if (const json::object* object = item.if_object()) one = read(*object);
    if (one)
      page.items.push_back(std::move(*one));
    else
      ++page.unreadable;
  }
  return page;
}

std::optional<Profile> read_profile(const json::object& item) {
  const auto id = text_at(&item, "id");
  if (!id || id->empty()) return {};
  const json::object* snippet = object_at(&item, "snippet");
  const json::object* statistics = object_at(&item, "statistics");
  Profile profile;
  profile.channel_id = *id;
  profile.title = text_at(snippet, "title");
  profile.custom_url = text_at(snippet, "customUrl");
  profile.description = text_at(snippet, "description");
  profile.country = text_at(snippet, "country");
  profile.thumbnail_url = thumbnail(snippet);
  profile.published_at = time_at(snippet, "publishedAt");
  profile.uploads_playlist_id = text_at(object_at(object_at(&item, "contentDetails"), "relatedPlaylists"), "uploads");
  profile.views = number_at(statistics, "viewCount");
  profile.uploads = number_at(statistics, "videoCount");
  const json::value* hidden = statistics ? statistics->if_contains("hiddenSubscriberCount") : nullptr;
  // A hidden count is reported as 0 beside the flag.
  if (!(hidden && hidden->is_bool() && hidden->get_bool()))
    profile.followers = number_at(statistics, "subscriberCount");
  return profile;
}

std::optional<Post> read_post(const json::object& item) {
  const auto id = text_at(&item, "id");
  if (!id || id->empty()) return {};
  const json::object* snippet = object_at(&item, "snippet");
  const json::object* statistics = object_at(&item, "statistics");
  Post post;
  post.video_id = *id;
  post.channel_id = text_at(snippet, "channelId");
  post.channel_title = text_at(snippet, "channelTitle");
  post.title = text_at(snippet, "title");
  post.description = text_at(snippet, "description");
  post.thumbnail_url = thumbnail(snippet);
  post.language = text_at(snippet, "defaultAudioLanguage");
  if (!post.language) post.language = text_at(snippet, "defaultLanguage");
  post.category_id = number_at(snippet, "categoryId");
  post.published_at = time_at(snippet, "publishedAt");
  if (const json::value* tags = snippet ? snippet->if_contains("tags") : nullptr; tags && tags->is_array())
    for (const json::value& tag : tags->get_array())
      if (tag.is_string()) post.tags.emplace_back(tag.get_string());
  if (const auto duration = text_at(object_at(&item, "contentDetails"), "duration"))
    post.duration_seconds = parse_duration_seconds(*duration);
  post.views = number_at(statistics, "viewCount");
  post.likes = number_at(statistics, "likeCount");
  post.comments = number_at(statistics, "commentCount");
  return post;
}

std::optional<std::string> read_playlist_item(const json::object& item) {
  auto id = text_at(object_at(&item, "contentDetails"), "videoId");
  if (!id) id = text_at(object_at(object_at(&item, "snippet"), "resourceId"), "videoId");
  if (id && id->empty()) return {};
  return id;
}

Call list(std::string_view what, http::Query query) {
  return {fmt::format("/youtube/v3/{}", what), std::move(query)};
}

std::string joined(const std::vector<std::string>& ids) {
  return fmt::format("{}", fmt::join(ids, ","));
}

constexpr const char* kAllParts = "snippet,contentDetails,statistics";

}  // namespace

Call channels(const std::vector<std::string>& ids) {
  return list("channels", {{"part", kAllParts}, {"id", joined(ids)}, {"maxResults", std::to_string(kIdsPerCall)}});
}

Call videos(const std::vector<std::string>& ids) {
  return list("videos", {{"part", kAllParts}, {"id", joined(ids)}});
}

Call uploads(const std::string& playlist_id, const std::string& page) {
  http::Query query{
      {"part", "contentDetails"}, {"playlistId", playlist_id}, {"maxResults", std::to_string(kIdsPerCall)}};
  if (!page.empty()) query.add("pageToken", page);
  return list("playlistItems", std::move(query));
}

Call chart(const std::string& region, std::optional<int64_t> category, const std::string& page) {
  http::Query query{{"part", kAllParts},
                    {"chart", "mostPopular"},
                    {"regionCode", region},
                    {"maxResults", std::to_string(kIdsPerCall)}};
  if (category) query.add("videoCategoryId", std::to_string(*category));
  if (!page.empty()) query.add("pageToken", page);
  return list("videos", std::move(query));
}

Page<Profile> parse_channels(std::string_view body) {
  return parse_page<Profile>(body, "youtube#channelListResponse", read_profile);
}

Page<Post> parse_videos(std::string_view body) {
  return parse_page<Post>(body, "youtube#videoListResponse", read_post);
}

Page<std::string> parse_playlist_items(std::string_view body) {
  return parse_page<std::string>(body, "youtube#playlistItemListResponse", read_playlist_item);
}

std::optional<int64_t> parse_duration_seconds(std::string_view text) {
  if (!text.starts_with('P')) return {};
  text.remove_prefix(1);
  bool in_time = false, any = false;
  int64_t total = 0;
  while (!text.empty()) {
    if (text[0] == 'T' && !in_time) {
      in_time = true;
      text.remove_prefix(1);
      continue;
    }
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data() + text.size() || value < 0 || value > 1'000'000'000) return {};
    int64_t unit = 0;
    switch (*end) {
      case 'W':
        unit = in_time ? 0 : 604'800;
        break;
      case 'D':
        unit = in_time ? 0 : 86'400;
        break;
      case 'H':
        unit = in_time ? 3600 : 0;
        break;
      case 'M':
        unit = in_time ? 60 : 0;
        break;
      case 'S':
        unit = in_time ? 1 : 0;
        break;
      default:
        break;
    }
    if (unit == 0) return {};
    total += value * unit;
    any = true;
    text.remove_prefix(size_t(end - text.data()) + 1);
  }
  if (!any) return {};
  return total;
}

Verdict judge(int status, std::string_view body) {
  using Kind = Verdict::Kind;
  if (status >= 200 && status < 300) return {};
  std::string reason, message;
  boost::system::error_code failed;
  const json::value value = json::parse({body.data(), body.size()}, failed);
  if (!failed && value.is_object()) {
    const json::object* error = object_at(&value.get_object(), "error");
    message = text_at(error, "message").value_or("");
    const json::value* errors = error ? error->if_contains("errors") : nullptr;
    if (errors && errors->is_array() && !errors->get_array().empty())
      reason = text_at(errors->get_array().front().if_object(), "reason").value_or("");
    // Newer replies say it in details[]: {"@type": ".../ErrorInfo", "reason": "API_KEY_INVALID"}.
    const json::value* details = error ? error->if_contains("details") : nullptr;
    if (details && details->is_array())
      for (const json::value& detail : details->get_array())
        if (auto detailed = text_at(detail.if_object(), "reason"); detailed && detailed->starts_with("API_KEY"))
          reason = *detailed;
  }
  Verdict verdict;
  verdict.reason = fmt::format("{}{}{}", status, reason.empty() ? "" : " " + reason,
                               message.empty() ? "" : ": " + message.substr(0, 300));
  const auto is = [&](std::initializer_list<std::string_view> any) {
    return std::find(any.begin(), any.end(), std::string_view(reason)) != any.end();
  };
  if (is({"quotaExceeded", "dailyLimitExceeded"}))
    verdict.kind = Kind::kQuotaGone;
  else if (status == 429 || is({"rateLimitExceeded", "userRateLimitExceeded"}))
    verdict.kind = Kind::kThrottled;
  else if (is({"keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked", "API_KEY_INVALID",
               "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED"}) ||
           status == 401)
    verdict.kind = Kind::kKeyInvalid;
  else if (status >= 500 || status == 408 || status < 200 || is({"SERVICE_UNAVAILABLE", "backendError"}) ||
           (status == 403 && reason.empty()))
    verdict.kind = Kind::kTransient;
  else if (status == 404 || status == 410 || is({"playlistItemsNotAccessible"}))
    verdict.kind = Kind::kNotFound;
  else
    verdict.kind = Kind::kRefused;
  return verdict;
}

}  // namespace dalgona::beat::youtube
