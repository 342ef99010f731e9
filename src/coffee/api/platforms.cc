#include "coffee/api/platforms.h"

#include "base/errors.h"
#include "coffee/api/body.h"

namespace dalgona::coffee {
namespace {

// PostgreSQL flattens such a sub-select into the query around it, so indexes of the tables serve.
constexpr std::string_view kYoutubeProfiles = R"sql((
  SELECT 'YOUTUBE'::text AS platform, channel_id AS profile_id, custom_url AS handle, title, description, country, thumbnail_url,
         followers, views, uploads, published_at, observed_at
  FROM beat.youtube_account))sql";

constexpr std::string_view kYoutubePosts = R"sql((
  SELECT 'YOUTUBE'::text AS platform, video_id AS shortcode, channel_id AS profile_id, title, description, tags, category_id, thumbnail_url,
         published_at, duration_seconds, views, likes, comments, observed_at,
         CASE WHEN views > 0 THEN round((coalesce(likes, 0) + coalesce(comments, 0))::numeric / views * 100, 2) END AS engagement_rate
  FROM beat.youtube_post))sql";

}  // namespace

const std::vector<Platform>& platforms() {
  static const std::vector<Platform> kAll{{"YOUTUBE", kYoutubeProfiles, kYoutubePosts}};
  return kAll;
}

const std::vector<std::string>& platform_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& platform : platforms()) names.push_back(platform.name);
    return names;
  }();
  return kNames;
}

const Platform& find_platform(const std::string& name) {
  known_word(name, platform_names(), "platform", "platform");
  for (const auto& platform : platforms())
    if (platform.name == name) return platform;
  throw Permanent("a known platform is not there");
}

}  // namespace dalgona::coffee
