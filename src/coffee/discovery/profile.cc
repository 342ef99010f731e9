#include <array>

#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/platforms.h"
#include "coffee/api/refusal.h"
#include "coffee/api/reply.h"
#include "coffee/discovery/discovery.h"
#include "coffee/series/rollup.h"
#include "coffee/series/series.h"

namespace dalgona::coffee::discovery {
namespace {

// With the places of the newest month that has the profile.
constexpr std::string_view kProfile = R"sql(
  SELECT p.platform, p.profile_id, p.handle, p.title, p.description, p.thumbnail_url, p.country, p.followers, p.views, p.uploads,
         to_char(p.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published_at,
         to_char(p.observed_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS observed_at,
         l.month::text AS month, l.category, l.language, l.engagement_rate,
         l.followers_rank, l.followers_change_rank, l.views_rank, l.views_change_rank,
         l.followers_rank_by_category, l.followers_change_rank_by_category, l.views_rank_by_category, l.views_change_rank_by_category,
         l.previous_ranks
  FROM {profiles} p
  LEFT JOIN LATERAL (SELECT * FROM coffee.leaderboard b WHERE b.platform = p.platform AND b.profile_id = p.profile_id
                     ORDER BY b.month DESC LIMIT 1) l ON true
  WHERE p.profile_id = $1)sql";

constexpr std::array<std::string_view, 3> kProfileMetrics{"followers", "views", "uploads"};

struct GrowthSpan {
  std::string_view name;
  int days;
};
constexpr std::array<GrowthSpan, 4> kGrowthSpans{{{"7d", 7}, {"30d", 30}, {"90d", 90}, {"365d", 365}}};

struct RankName {
  std::string_view column, field;
};
constexpr std::array<RankName, 8> kRanks{{{"followers_rank", "followersRank"},
                                          {"followers_change_rank", "followersChangeRank"},
                                          {"views_rank", "viewsRank"},
                                          {"views_change_rank", "viewsChangeRank"},
                                          {"followers_rank_by_category", "followersRankByCategory"},
                                          {"followers_change_rank_by_category", "followersChangeRankByCategory"},
                                          {"views_rank_by_category", "viewsRankByCategory"},
                                          {"views_change_rank_by_category", "viewsChangeRankByCategory"}}};

json::value ranks_of(const postgres::Result& found) {
  if (!found.optional(0, "month")) return nullptr;
  json::object ranks{{"month", text_or_null(found, 0, "month")}};
  for (const auto& rank : kRanks) ranks[rank.field] = integer_or_null(found, 0, rank.column);
  const json::value before = json::parse(found.text(0, "previous_ranks"));
  ranks["previous"] = nullptr;
  if (before.is_object() && !before.get_object().empty()) {
    json::object previous;
    for (const auto& rank : kRanks) {
      const json::value* value = before.get_object().if_contains(rank.column);
      previous[rank.field] = value ? *value : json::value(nullptr);
    }
    ranks["previous"] = std::move(previous);
  }
  return ranks;
}

json::object growth_of(std::span<const Point> observed) {
  json::object all;
  for (const auto& span : kGrowthSpans) {
    const auto growth = growth_over(observed, span.days);
    if (!growth) {
      all[span.name] = nullptr;
      continue;
    }
    json::object one;
    for (size_t i = 0; i < kProfileMetrics.size(); ++i) {
      const auto change = i < growth->change.size() ? growth->change[i] : std::nullopt;
      one[kProfileMetrics[i]] = change ? json::value(*change) : json::value(nullptr);
    }
    one["startDate"] = day_text(growth->start);
    one["endDate"] = day_text(growth->end);
    all[span.name] = std::move(one);
  }
  return all;
}

Task<http::Response> profile(const Context& context, const Platform& platform, std::string id) {
  const std::string sql = fmt::format(fmt::runtime(kProfile), fmt::arg("profiles", platform.profiles));
  const NamedQuery query{"profile", sql};
  postgres::Params params{id};
  const auto found = co_await context.stores.ask(query, std::move(params));
  if (found.rows() == 0) throw not_found(fmt::format("{} has no profile {} here", platform.name, id));
  const auto days = events::series_under({platform.name, id});
  const std::string series = rollup_rows("profile_daily", days, kProfileMetrics);
  const NamedQuery recent{"profile_growth", series};
  const auto rows = co_await context.stores.look_up(recent);
  const auto observed = points_of(rows);
  json::object data{{"platform", platform.name},
                    {"platformProfileId", id},
                    {"handle", text_or_null(found, 0, "handle")},
                    {"title", text_or_null(found, 0, "title")},
                    {"description", text_or_null(found, 0, "description")},
                    {"thumbnailUrl", text_or_null(found, 0, "thumbnail_url")},
                    {"country", text_or_null(found, 0, "country")},
                    {"category", text_or_null(found, 0, "category")},
                    {"language", text_or_null(found, 0, "language")},
                    {"followers", integer_or_null(found, 0, "followers")},
                    {"views", integer_or_null(found, 0, "views")},
                    {"uploads", integer_or_null(found, 0, "uploads")},
                    {"engagementRate", number_or_null(found, 0, "engagement_rate")},
                    {"publishedAt", text_or_null(found, 0, "published_at")},
                    {"observedAt", text_or_null(found, 0, "observed_at")},
                    {"growth", growth_of(observed)},
                    {"ranks", ranks_of(found)}};
  co_return success(std::move(data));
}

Task<http::Response> profile_by_platform(const Context& context, http::Request& request) {
  const Platform& platform = find_platform(path_text(request, "platform"));
  co_return co_await profile(context, platform, path_text(request, "platformProfileId"));
}

// The id is PLATFORM:platformProfileId.
Task<http::Response> profile_by_id(const Context& context, http::Request& request) {
  const std::string id = path_text(request, "id");
  const size_t colon = id.find(':');
  if (colon == std::string::npos || colon + 1 == id.size())
    throw InvalidInput("id must be PLATFORM:platformProfileId, such as YOUTUBE:UC0123456789abcdefghijkl");
  const Platform& platform = find_platform(id.substr(0, colon));
  co_return co_await profile(context, platform, id.substr(colon + 1));
}

Task<http::Response> profile_series(const Context& context, http::Request& request) {
  const Platform& platform = find_platform(path_text(request, "platform"));
  const std::string id = path_text(request, "platformProfileId");
  const DayRange range = read_range(Body(request, {"startDate", "endDate"}));
  const DayRange wide = with_neighbours(range);
  const auto days = events::series_of({platform.name, id}, wide.first, wide.last);
  const std::string sql = rollup_rows("profile_daily", days, kProfileMetrics);
  const NamedQuery query{"profile_series", sql};
  const auto rows = co_await context.stores.look_up(query);
  const auto points = fill_gaps(points_of(rows), range);
  Page page;
  page.rows = series_json(points, kProfileMetrics);
  co_return success(std::move(page));
}

}  // namespace

void add_profile_routes(http::Router& router, const Context& context) {
  router.get("/discovery-service/api/profile/{id}",
             [&context](http::Request& request) { return profile_by_id(context, request); });
  router.get("/discovery-service/api/profile/{platform}/{platformProfileId}",
             [&context](http::Request& request) { return profile_by_platform(context, request); });
  router.post("/discovery-service/api/profile/{platform}/{platformProfileId}/timeseries",
              [&context](http::Request& request) { return profile_series(context, request); }, {.max_body = kMaxBody});
}

}  // namespace dalgona::coffee::discovery
