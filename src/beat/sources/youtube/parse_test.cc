#include <cstdlib>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/resources.h"
#include "beat/sources/youtube/youtube.h"

namespace dalgona::beat::youtube {
namespace {

// A real reply, kept apart from the project; the tests that need it say so when it is missing.
std::optional<std::string> reply(const std::string& name) {
  const char* data = std::getenv("DALGONA_DATA");
  const std::filesystem::path path =
      std::filesystem::path(data ? data : "../shared/data") / "api-replies/youtube" / name;
  if (!std::filesystem::exists(path)) return {};
  return read_file(path);
}
#define SKIP_WITHOUT(body) \
  if (!(body)) GTEST_SKIP() << "no such reply in DALGONA_DATA/api-replies/youtube"

TEST(YoutubeParse, RealChannels) {
  const auto body = reply("channels-info_multiple.json");
  SKIP_WITHOUT(body);
  const auto page = parse_channels(*body);
  ASSERT_EQ(page.items.size(), 2u);
  const Profile& google = page.items[0];
  EXPECT_EQ(google.channel_id, "UCK8sQmJBp8GCxrOtXWBpyEA");
  EXPECT_EQ(google.title, "Google");
  EXPECT_EQ(google.custom_url, "@google");
  EXPECT_EQ(google.followers, 10'700'000);
  EXPECT_EQ(google.views, 3'331'930'783);
  EXPECT_EQ(google.uploads, 2678);
  EXPECT_EQ(google.uploads_playlist_id, "UUK8sQmJBp8GCxrOtXWBpyEA");
  EXPECT_EQ(to_iso(google.published_at.value()), "2005-09-18T22:37:10.000000Z");
  EXPECT_NE(google.thumbnail_url.value_or("").find("s800"), std::string::npos);
  EXPECT_EQ(page.next_page, "");
  EXPECT_EQ(page.unreadable, 0u);
}

TEST(YoutubeParse, RealChannelWithoutStatistics) {
  const auto body = reply("channels-info.json");
  SKIP_WITHOUT(body);
  const auto page = parse_channels(*body);
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(page.items[0].country, "US");
  EXPECT_EQ(page.items[0].followers, std::nullopt);
}

TEST(YoutubeParse, RealVideos) {
  const auto body = reply("videos-videos_info_single.json");
  SKIP_WITHOUT(body);
  const auto page = parse_videos(*body);
  ASSERT_EQ(page.items.size(), 1u);
  const Post& post = page.items[0];
  EXPECT_EQ(post.video_id, "D-lhorsDlUQ");
  EXPECT_EQ(post.channel_id, "UC_x5XG1OV2P6uZZ5FSM9Ttw");
  EXPECT_EQ(post.tags.size(), 20u);
  EXPECT_EQ(post.category_id, 28);
  EXPECT_EQ(post.language, "en");
  EXPECT_EQ(post.views, std::nullopt);
  const auto chart_body = reply("videos-videos_chart_paged_1.json");
  SKIP_WITHOUT(chart_body);
  const auto chart_page = parse_videos(*chart_body);
  EXPECT_EQ(chart_page.items.size(), 5u);
  EXPECT_EQ(chart_page.next_page, "CAUQAA");
}

TEST(YoutubeParse, RealPlaylistItems) {
  const auto body = reply("playlist_items-playlist_items_paged_1.json");
  SKIP_WITHOUT(body);
  const auto page = parse_playlist_items(*body);
  EXPECT_EQ(page.items.size(), 10u);
  EXPECT_EQ(page.items[0], "CvTApw9X8aA");
  EXPECT_EQ(page.next_page, "CAoQAA");
}

// Cut anywhere, a reply is refused as a whole and never half believed; and nothing crashes.
TEST(YoutubeParse, ATruncatedReplyIsRefusedAtEveryByte) {
  const auto body = reply("channels-info_multiple.json");
  SKIP_WITHOUT(body);
  const size_t whole = body->find_last_of('}');
  for (size_t size = 0; size <= whole; ++size)
    EXPECT_THROW(parse_channels(std::string_view(*body).substr(0, size)), Retryable);
}

TEST(YoutubeParse, WhatOddRepliesSay) {
  EXPECT_EQ(parse_channels(R"({"kind":"youtube#channelListResponse","pageInfo":{"totalResults":0}})").items.size(), 0u);
  EXPECT_THROW(parse_channels(R"({"kind":"youtube#videoListResponse","items":[]})"), Retryable);
  EXPECT_THROW(parse_channels("<html>gateway</html>"), Retryable);
  EXPECT_THROW(parse_channels(R"({"kind":"youtube#channelListResponse","items":{}})"), Retryable);
  const auto odd = parse_channels(
      R"({"kind":"youtube#channelListResponse","items":[1,{},{"id":5},{"id":"a","snippet":7,"statistics":{"viewCount":"x","subscriberCount":"12","videoCount":"99999999999999999999"}},
      {"id":"h","statistics":{"subscriberCount":"0","hiddenSubscriberCount":true,"viewCount":"7"}}]})");
  EXPECT_EQ(odd.unreadable, 3u);
  ASSERT_EQ(odd.items.size(), 2u);
  EXPECT_EQ(odd.items[0].views, std::nullopt);
  EXPECT_EQ(odd.items[0].uploads, std::nullopt);
  EXPECT_EQ(odd.items[0].followers, 12);
  EXPECT_EQ(odd.items[1].followers, std::nullopt);  // hidden is not zero
  EXPECT_EQ(odd.items[1].views, 7);
}

TEST(YoutubeParse, Durations) {
  EXPECT_EQ(parse_duration_seconds("PT3M33S"), 213);
  EXPECT_EQ(parse_duration_seconds("P1DT1S"), 86'401);
  EXPECT_EQ(parse_duration_seconds("PT0S"), 0);
  EXPECT_EQ(parse_duration_seconds("P1W"), 604'800);
  for (const char* bad : {"", "P", "PT", "3M", "PT3", "PTM", "P3M", "PT-3S", "PT99999999999999999999S"})
    EXPECT_EQ(parse_duration_seconds(bad), std::nullopt) << bad;
}

TEST(YoutubeParse, CallsCarryNoKey) {
  const Call call = channels({"UCa", "UCb"});
  EXPECT_EQ(call.path, "/youtube/v3/channels");
  EXPECT_EQ(call.query.get("id"), "UCa,UCb");
  EXPECT_FALSE(call.query.has("key"));
  EXPECT_EQ(chart("US", 10, "p").query.get("videoCategoryId"), "10");
}

TEST(YoutubeJudge, TellsWhoseFaultItIs) {
  using Kind = Verdict::Kind;
  const auto error = [](int code, const std::string& reason) {
    return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":"m","errors":[{"reason":")" + reason +
           R"("}]}})";
  };
  EXPECT_EQ(judge(200, "").kind, Kind::kGood);
  EXPECT_EQ(judge(403, error(403, "quotaExceeded")).kind, Kind::kQuotaGone);
  EXPECT_EQ(judge(403, error(403, "quotaExceeded")).reason, "403 quotaExceeded: m");
  EXPECT_EQ(judge(429, "").kind, Kind::kThrottled);
  EXPECT_EQ(judge(403, error(403, "userRateLimitExceeded")).kind, Kind::kThrottled);
  EXPECT_EQ(judge(400, error(400, "keyInvalid")).kind, Kind::kKeyInvalid);
  EXPECT_EQ(
      judge(
          400,
          R"({"error":{"message":"API key not valid.","errors":[{"reason":"badRequest"}],"details":[{"reason":"API_KEY_INVALID"}]}})")
          .kind,
      Kind::kKeyInvalid);
  EXPECT_EQ(judge(400, error(400, "invalidChannelId")).kind, Kind::kRefused);
  EXPECT_EQ(judge(404, error(404, "playlistNotFound")).kind, Kind::kNotFound);
  EXPECT_EQ(judge(503, "<html>").kind, Kind::kTransient);
  EXPECT_EQ(judge(500, "").kind, Kind::kTransient);
  EXPECT_EQ(judge(403, "").kind, Kind::kTransient);
  const auto body = reply("error_permission_resp.json");
  SKIP_WITHOUT(body);
  EXPECT_EQ(judge(403, *body).kind, Kind::kTransient);
}

}  // namespace
}  // namespace dalgona::beat::youtube
