#include <array>

#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/paging.h"
#include "coffee/api/platforms.h"
#include "coffee/api/reply.h"
#include "coffee/discovery/discovery.h"
#include "coffee/discovery/filters.h"
#include "coffee/discovery/keyset.h"

namespace dalgona::coffee::discovery {
namespace {

// The expressions are those of the indexes in migrations/.
constexpr std::array<SortKey, 5> kSearchOrders{
    {{"followers", "coalesce(p.followers, -1)", "bigint"},
     {"views", "coalesce(p.views, -1)", "bigint"},
     {"uploads", "coalesce(p.uploads, -1)", "bigint"},
     {"publishedAt", "coalesce(p.published_at, '-infinity'::timestamptz)", "timestamptz"},
     // As the index of config/dags has it; profiles without one are left out.
     {"engagementRate", "f.engagement_rate", "float8"}}};

// Joined only when a filter or the order needs it.
constexpr std::string_view kJoinLeaderboard = R"sql(
  JOIN coffee.leaderboard f ON f.platform = '{platform}' AND f.profile_id = p.profile_id
    AND f.month = (SELECT max(month) FROM coffee.leaderboard WHERE platform = '{platform}'))sql";

// The page first, what the leaderboard says of its few rows then.
constexpr std::string_view kSearch = R"sql(
  WITH page AS (
    SELECT p.*, {sort} AS sort_key FROM {profiles} p {join}
    {where} ORDER BY {order} LIMIT {limit} OFFSET {offset})
  SELECT page.profile_id, page.handle, page.title, page.thumbnail_url, page.country, page.followers, page.views, page.uploads, page.sort_key::text AS sort_value,
         to_char(page.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published_at,
         to_char(page.observed_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS observed_at, l.category, l.language, l.engagement_rate
  FROM page LEFT JOIN coffee.leaderboard l ON l.platform = page.platform AND l.profile_id = page.profile_id
    AND l.month = (SELECT max(month) FROM coffee.leaderboard WHERE platform = '{platform}')
  ORDER BY {page_order})sql";

constexpr std::string_view kSearchCount =
    "SELECT count(*) AS total FROM (SELECT 1 FROM {profiles} p {join} {where} LIMIT {limit}) counted";

const std::vector<std::string>& sort_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const SortKey& key : kSearchOrders) names.emplace_back(key.name);
    return names;
  }();
  return kNames;
}

Task<http::Response> search(const Context& context, http::Request& request) {
  const Body body(request, {"filters", "sortBy", "sortDir", "page", "cursor", "size"});
  const Platform& platform = find_platform(path_text(request, "platform"));
  const std::string sort = known_word(body.text("sortBy").value_or("followers"), sort_names(), "sortBy", "sort key");
  const SortKey& key =
      *std::find_if(kSearchOrders.begin(), kSearchOrders.end(), [&](const SortKey& each) { return each.name == sort; });
  const bool ascending = read_ascending(body);
  postgres::Params params;
  const FilterSql filter = filters_to_sql(body.list("filters"), params);
  std::string question = fmt::format("search\n{}\n{}\n{}\n", platform.name, sort, ascending);
  if (const auto* filters = body.list("filters")) question += json::serialize(*filters);
  const Paging paging = read_paging(body, question);

  const bool sorts_by_leaderboard = sort == "engagementRate";
  std::string join;
  if (filter.needs_leaderboard || sorts_by_leaderboard)
    join = fmt::format(fmt::runtime(kJoinLeaderboard), fmt::arg("platform", platform.name));
  std::string where = filter.condition.empty() ? "" : "WHERE " + filter.condition;
  if (sorts_by_leaderboard)
    where += (where.empty() ? "WHERE " : " AND ") + std::string("f.engagement_rate IS NOT NULL");
  Page page;
  if (paging.cursor) {
    page.total = cursor_integer(*paging.cursor, "t");
  } else {
    const std::string sql =
        fmt::format(fmt::runtime(kSearchCount), fmt::arg("profiles", platform.profiles), fmt::arg("join", join),
                    fmt::arg("where", where), fmt::arg("limit", kMaxCounted + 1));
    const NamedQuery query{"search_count", sql};
    postgres::Params values = params;
    const auto counted = co_await context.search.ask(query, std::move(values));
    page.total = counted.integer(0, "total");
  }
  page.total_exact = page.total <= kMaxCounted;

  if (paging.cursor) {
    params.emplace_back(cursor_text(*paging.cursor, "v"));
    params.emplace_back(cursor_text(*paging.cursor, "i"));
    where += (where.empty() ? "WHERE " : " AND ") +
             after_condition(key, "p.profile_id", ascending, params.size() - 1, params.size());
  }
  const SortKey page_key{key.name, "page.sort_key", key.type};
  const std::string sql =
      fmt::format(fmt::runtime(kSearch), fmt::arg("sort", key.expression),
                  fmt::arg("page_order", order_by(page_key, "page.profile_id", ascending)),
                  fmt::arg("order", order_by(key, "p.profile_id", ascending)), fmt::arg("profiles", platform.profiles),
                  fmt::arg("join", join), fmt::arg("where", where), fmt::arg("limit", paging.size + 1),
                  fmt::arg("offset", paging.offset), fmt::arg("platform", platform.name));
  const NamedQuery query{"search", sql};
  const auto found = co_await context.search.ask(query, std::move(params));
  const size_t rows = std::min(found.rows(), size_t(paging.size));
  for (size_t row = 0; row < rows; ++row)
    page.rows.push_back(json::object{{"platform", platform.name},
                                     {"platformProfileId", text_or_null(found, row, "profile_id")},
                                     {"handle", text_or_null(found, row, "handle")},
                                     {"title", text_or_null(found, row, "title")},
                                     {"thumbnailUrl", text_or_null(found, row, "thumbnail_url")},
                                     {"country", text_or_null(found, row, "country")},
                                     {"category", text_or_null(found, row, "category")},
                                     {"language", text_or_null(found, row, "language")},
                                     {"followers", integer_or_null(found, row, "followers")},
                                     {"views", integer_or_null(found, row, "views")},
                                     {"uploads", integer_or_null(found, row, "uploads")},
                                     {"engagementRate", number_or_null(found, row, "engagement_rate")},
                                     {"publishedAt", text_or_null(found, row, "published_at")},
                                     {"observedAt", text_or_null(found, row, "observed_at")}});
  if (found.rows() > rows && rows > 0)
    page.next_cursor = encode_cursor(
        {{"v", found.text(rows - 1, "sort_value")}, {"i", found.text(rows - 1, "profile_id")}, {"t", page.total}},
        question);
  // Beyond the bound it is a bound and no count.
  page.total = std::min(page.total, kMaxCounted);
  co_return success(std::move(page));
}

}  // namespace

void add_search_routes(http::Router& router, const Context& context) {
  router.post("/discovery-service/api/profile/{platform}/search",
              [&context](http::Request& request) { return search(context, request); }, {.max_body = kMaxBody});
}

}  // namespace dalgona::coffee::discovery
