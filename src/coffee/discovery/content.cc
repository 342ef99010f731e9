#include <array>

#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/paging.h"
#include "coffee/api/platforms.h"
#include "coffee/api/reply.h"
#include "coffee/discovery/discovery.h"
#include "coffee/discovery/growth.h"
#include "coffee/discovery/keyset.h"

namespace dalgona::coffee::discovery {
namespace {

constexpr std::string_view kColumns = R"sql(
  p.platform, p.shortcode, p.profile_id, p.title, p.thumbnail_url, to_char(p.published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published_at,
  p.category_id, p.duration_seconds, p.views, p.likes, p.comments, p.engagement_rate)sql";

constexpr std::string_view kContentCount = "SELECT count(*) AS total FROM {posts} p WHERE p.profile_id = $1";

constexpr std::array<SortKey, 4> kContentOrders{
    {{"publishedAt", "coalesce(p.published_at, '-infinity'::timestamptz)", "timestamptz"},
     {"views", "coalesce(p.views, -1)", "bigint"},
     {"likes", "coalesce(p.likes, -1)", "bigint"},
     {"comments", "coalesce(p.comments, -1)", "bigint"}}};
const std::vector<std::string> kSortNames{"publishedAt", "views", "likes", "comments", "viewsGrowth"};

struct Question {
  const Platform& platform;
  std::string profile, sort;
  bool ascending;
  Paging paging;
  std::string text;
};

Question read_question(const http::Request& request) {
  const Body body(request, {"sortBy", "sortDir", "page", "cursor", "size"});
  const Platform& platform = find_platform(path_text(request, "platform"));
  const std::string profile = path_text(request, "platformProfileId");
  const std::string sort = known_word(body.text("sortBy").value_or("publishedAt"), kSortNames, "sortBy", "sort key");
  const bool ascending = read_ascending(body);
  const std::string text = fmt::format("content\n{}\n{}\n{}\n{}", platform.name, profile, sort, ascending);
  return {platform, profile, sort, ascending, read_paging(body, text), text};
}

json::object row_json(const Context& context, const postgres::Result& found, size_t row, json::value growth) {
  return {{"platform", text_or_null(found, row, "platform")},
          {"shortcode", text_or_null(found, row, "shortcode")},
          {"platformProfileId", text_or_null(found, row, "profile_id")},
          {"title", text_or_null(found, row, "title")},
          {"thumbnailUrl", text_or_null(found, row, "thumbnail_url")},
          {"publishedAt", text_or_null(found, row, "published_at")},
          {"category", context.categories.name(found.text(row, "category_id"))},
          {"durationSeconds", integer_or_null(found, row, "duration_seconds")},
          {"views", integer_or_null(found, row, "views")},
          {"likes", integer_or_null(found, row, "likes")},
          {"comments", integer_or_null(found, row, "comments")},
          {"viewsGrowth", std::move(growth)},
          {"engagementRate", number_or_null(found, row, "engagement_rate")}};
}

// In an order that PostgreSQL keeps; the growth of the page's posts is looked up.
Task<Page> page_by_column(const Context& context, const Question& asked) {
  const SortKey& key = *std::find_if(kContentOrders.begin(), kContentOrders.end(),
                                     [&](const SortKey& each) { return each.name == asked.sort; });
  Page page;
  postgres::Params params{asked.profile};
  std::string sql = fmt::format("SELECT {}, ({})::text AS sort_value FROM {} p WHERE p.profile_id = $1", kColumns,
                                key.expression, asked.platform.posts);
  if (asked.paging.cursor) {
    params.emplace_back(cursor_text(*asked.paging.cursor, "v"));
    params.emplace_back(cursor_text(*asked.paging.cursor, "i"));
    page.total = cursor_integer(*asked.paging.cursor, "t");
    sql += " AND " + after_condition(key, "p.shortcode", asked.ascending, 2, 3);
  } else {
    const std::string count = fmt::format(fmt::runtime(kContentCount), fmt::arg("posts", asked.platform.posts));
    const NamedQuery count_query{"content_count", count};
    postgres::Params of_profile{asked.profile};
    const auto counted = co_await context.stores.ask(count_query, std::move(of_profile));
    page.total = counted.integer(0, "total");
  }
  // One row more tells whether there is a next page.
  sql += fmt::format(" ORDER BY {} LIMIT {} OFFSET {}", order_by(key, "p.shortcode", asked.ascending),
                     asked.paging.size + 1, asked.paging.offset);
  const NamedQuery query{"content", sql};
  const auto found = co_await context.stores.ask(query, std::move(params));
  const size_t rows = std::min(found.rows(), size_t(asked.paging.size));
  std::vector<std::string> shortcodes;
  for (size_t row = 0; row < rows; ++row) shortcodes.emplace_back(found.text(row, "shortcode"));
  const auto growth = co_await growth_of_posts(context.stores, asked.platform, asked.profile, shortcodes);
  for (size_t row = 0; row < rows; ++row) {
    const auto one = growth.find(shortcodes[row]);
    page.rows.push_back(row_json(context, found, row, one == growth.end() ? json::value(nullptr) : one->second.views));
  }
  if (found.rows() > rows && rows > 0)
    page.next_cursor = encode_cursor(
        {{"v", found.text(rows - 1, "sort_value")}, {"i", shortcodes.back()}, {"t", page.total}}, asked.text);
  co_return page;
}

// In the rollup's order; the posts' own data is looked up. A post that beat does not know any more has its id alone.
Task<Page> page_by_growth(const Context& context, const Question& asked) {
  std::optional<GrowthPosition> after;
  Page page;
  if (asked.paging.cursor) {
    after = GrowthPosition{cursor_integer(*asked.paging.cursor, "v"), cursor_text(*asked.paging.cursor, "i")};
    page.total = cursor_integer(*asked.paging.cursor, "t");
  }
  const auto by_growth = co_await posts_by_growth(context.stores, asked.platform, asked.profile, asked.ascending, after,
                                                  asked.paging.offset, asked.paging.size + 1);
  if (!asked.paging.cursor) page.total = by_growth.total;
  const size_t rows = std::min(by_growth.posts.size(), size_t(asked.paging.size));
  std::vector<std::string> shortcodes;
  for (size_t row = 0; row < rows; ++row) shortcodes.push_back(by_growth.posts[row].first);
  const std::string sql =
      fmt::format("SELECT {} FROM {} p WHERE p.shortcode = any($1::text[])", kColumns, asked.platform.posts);
  const NamedQuery query{"content_of_posts", sql};
  postgres::Params params{postgres::array(shortcodes)};
  const auto found = co_await context.stores.ask(query, std::move(params));
  std::map<std::string_view, size_t> row_of;
  for (size_t row = 0; row < found.rows(); ++row) row_of[found.text(row, "shortcode")] = row;
  for (size_t i = 0; i < rows; ++i) {
    const auto& [shortcode, growth] = by_growth.posts[i];
    if (const auto row = row_of.find(shortcode); row != row_of.end())
      page.rows.push_back(row_json(context, found, row->second, growth));
    else
      page.rows.push_back(json::object{{"platform", asked.platform.name},
                                       {"shortcode", shortcode},
                                       {"platformProfileId", asked.profile},
                                       {"viewsGrowth", growth}});
  }
  if (by_growth.posts.size() > rows && rows > 0)
    page.next_cursor = encode_cursor(
        {{"v", by_growth.posts[rows - 1].second}, {"i", shortcodes.back()}, {"t", page.total}}, asked.text);
  co_return page;
}

Task<http::Response> content(const Context& context, http::Request& request) {
  const Question asked = read_question(request);
  Page page;
  if (asked.sort == "viewsGrowth")
    page = co_await page_by_growth(context, asked);
  else
    page = co_await page_by_column(context, asked);
  co_return success(std::move(page));
}

}  // namespace

void add_content_routes(http::Router& router, const Context& context) {
  router.post("/discovery-service/api/profile/{platform}/{platformProfileId}/content",
              [&context](http::Request& request) { return content(context, request); }, {.max_body = kMaxBody});
}

}  // namespace dalgona::coffee::discovery
