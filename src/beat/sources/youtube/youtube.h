// The YouTube Data API v3 as rules: what to ask, and what a reply says. Pure functions; nothing here does I/O.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/http/message.h"

namespace dalgona::beat::youtube {

// The API takes no more ids in one call, and gives no more items on one page.
constexpr size_t kIdsPerCall = 50;

struct Profile {
  std::string channel_id;
  std::optional<std::string> title, custom_url, description, country, thumbnail_url, uploads_playlist_id;
  std::optional<Time> published_at;
  std::optional<int64_t> followers;  // missing when hidden
  std::optional<int64_t> views, uploads;
};

struct Post {
  std::string video_id;
  std::optional<std::string> channel_id, channel_title, title, description, thumbnail_url, language;
  std::vector<std::string> tags;
  std::optional<int64_t> category_id, duration_seconds, views, likes, comments;
  std::optional<Time> published_at;
};

template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_page;    // empty: the last
  uint64_t unreadable = 0;  // items without an id
};

struct Call {
  std::string path;
  http::Query query;
};
Call channels(const std::vector<std::string>& ids);
Call videos(const std::vector<std::string>& ids);
Call uploads(const std::string& playlist_id, const std::string& page);
Call chart(const std::string& region, std::optional<int64_t> category, const std::string& page);

// Throw Retryable when the bytes are no reply of that kind: cut short, an error page of something in between.
Page<Profile> parse_channels(std::string_view body);
Page<Post> parse_videos(std::string_view body);
// Video ids in playlist order.
Page<std::string> parse_playlist_items(std::string_view body);

// ISO 8601 duration ("PT1H2M3S", "P1DT5S") in seconds; nothing when it is not one.
std::optional<int64_t> parse_duration_seconds(std::string_view text);

// What a reply's status and body say.
struct Verdict {
  enum class Kind {
    kGood,
    kQuotaGone,   // this credential, until the quota comes back
    kThrottled,   // this credential, for a while
    kKeyInvalid,  // this credential, for good
    kTransient,   // nobody's fault; again later
    kNotFound,    // what was asked for is not there
    kRefused,     // the request itself is wrong
  };
  Kind kind = Kind::kGood;
  std::string reason;  // "403 quotaExceeded: The request cannot be completed because..."
};
Verdict judge(int status, std::string_view body);

}  // namespace dalgona::beat::youtube
