#include <array>

#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/platforms.h"
#include "coffee/api/refusal.h"
#include "coffee/api/reply.h"
#include "coffee/discovery/discovery.h"
#include "coffee/discovery/growth.h"
#include "coffee/series/rollup.h"
#include "coffee/series/series.h"

namespace dalgona::coffee::discovery {
namespace {

constexpr std::string_view kPost = R"sql(
  SELECT p.platform, p.shortcode, p.profile_id, a.title AS channel_title, a.handle AS channel_handle, p.title, p.description, to_json(p.tags)::text AS tags,
         p.category_id, p.thumbnail_url, to_char(p.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published_at, p.duration_seconds, p.views, p.likes,
         p.comments, p.engagement_rate, to_char(p.observed_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS observed_at
  FROM {posts} p LEFT JOIN {profiles} a ON a.profile_id = p.profile_id
  WHERE p.shortcode = $1)sql";

constexpr std::string_view kOwner = "SELECT p.profile_id FROM {posts} p WHERE p.shortcode = $1";

constexpr std::array<std::string_view, 3> kPostMetrics{"views", "likes", "comments"};

Task<http::Response> post(const Context& context, http::Request& request) {
  const Platform& platform = find_platform(path_text(request, "platform"));
  const std::string shortcode = path_text(request, "shortcode");
  const std::string sql =
      fmt::format(fmt::runtime(kPost), fmt::arg("posts", platform.posts), fmt::arg("profiles", platform.profiles));
  const NamedQuery query{"post", sql};
  postgres::Params params{shortcode};
  const auto found = co_await context.stores.ask(query, std::move(params));
  if (found.rows() == 0) throw not_found(fmt::format("{} has no post {} here", platform.name, shortcode));
  const std::string owner(found.text(0, "profile_id"));
  std::vector<std::string> shortcodes{shortcode};
  const auto growth = co_await growth_of_posts(context.stores, platform, owner, std::move(shortcodes));
  const auto tags = found.optional(0, "tags");
  json::object data{{"platform", platform.name},
                    {"shortcode", shortcode},
                    {"platformProfileId", text_or_null(found, 0, "profile_id")},
                    {"channelTitle", text_or_null(found, 0, "channel_title")},
                    {"channelHandle", text_or_null(found, 0, "channel_handle")},
                    {"title", text_or_null(found, 0, "title")},
                    {"description", text_or_null(found, 0, "description")},
                    {"tags", tags ? json::parse(*tags) : json::array()},
                    {"category", context.categories.name(found.text(0, "category_id"))},
                    {"thumbnailUrl", text_or_null(found, 0, "thumbnail_url")},
                    {"publishedAt", text_or_null(found, 0, "published_at")},
                    {"durationSeconds", integer_or_null(found, 0, "duration_seconds")},
                    {"views", integer_or_null(found, 0, "views")},
                    {"likes", integer_or_null(found, 0, "likes")},
                    {"comments", integer_or_null(found, 0, "comments")},
                    {"engagementRate", number_or_null(found, 0, "engagement_rate")},
                    {"observedAt", text_or_null(found, 0, "observed_at")},
                    {"growth", nullptr}};
  if (const auto one = growth.find(shortcode); one != growth.end())
    data["growth"] = json::object{{"firstDate", one->second.first_date},
                                  {"lastDate", one->second.last_date},
                                  {"views", one->second.views},
                                  {"likes", one->second.likes},
                                  {"comments", one->second.comments}};
  co_return success(std::move(data));
}

Task<http::Response> post_series(const Context& context, http::Request& request) {
  const Platform& platform = find_platform(path_text(request, "platform"));
  const std::string shortcode = path_text(request, "shortcode");
  const DayRange range = read_range(Body(request, {"startDate", "endDate"}));
  const std::string sql = fmt::format(fmt::runtime(kOwner), fmt::arg("posts", platform.posts));
  const NamedQuery owner_query{"post_owner", sql};
  postgres::Params of_post{shortcode};
  const auto owner = co_await context.stores.ask(owner_query, std::move(of_post));
  Page page;
  if (owner.rows() > 0) {
    // The rollup is ordered by profile, so the owner makes it a look-up.
    const DayRange wide = with_neighbours(range);
    const auto days = events::series_of({platform.name, owner.text(0, "profile_id"), shortcode}, wide.first, wide.last);
    const std::string series = rollup_rows("post_daily", days, kPostMetrics);
    const NamedQuery query{"post_series", series};
    const auto rows = co_await context.stores.look_up(query);
    const auto points = fill_gaps(points_of(rows), range);
    page.rows = series_json(points, kPostMetrics);
  }
  co_return success(std::move(page));
}

}  // namespace

void add_post_routes(http::Router& router, const Context& context) {
  router.get("/discovery-service/api/post/{platform}/{shortcode}",
             [&context](http::Request& request) { return post(context, request); });
  router.post("/discovery-service/api/post/{platform}/{shortcode}/timeseries",
              [&context](http::Request& request) { return post_series(context, request); }, {.max_body = kMaxBody});
}

}  // namespace dalgona::coffee::discovery
