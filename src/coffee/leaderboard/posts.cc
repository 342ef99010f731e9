#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/paging.h"
#include "coffee/api/platforms.h"
#include "coffee/api/reply.h"
#include "coffee/leaderboard/leaderboard.h"
#include "coffee/leaderboard/months.h"

namespace dalgona::coffee::leaderboard {
namespace {

// $1 platform, $2 category or NULL, $3 the last rank that was shown, $4 rows to skip, $5 rows. One row with NULL in the
// rank when there are none. Without a category ranks have no holes: what is skipped is added to the rank, and the
// largest is the count.
constexpr std::string_view kAll = R"sql(
  SELECT h.snapshot, h.total, g.* FROM (
    SELECT (SELECT snapshot_id::text FROM coffee.publication WHERE table_name = 'coffee.post_growth' ORDER BY id DESC LIMIT 1) AS snapshot,
           coalesce((SELECT max(growth_rank) FROM coffee.post_growth WHERE platform = $1), 0) AS total) h
  LEFT JOIN (
    SELECT *, to_char(published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published FROM coffee.post_growth
    WHERE platform = $1 AND $2::text IS NULL AND growth_rank > $3::bigint + $4::bigint ORDER BY growth_rank LIMIT $5::bigint) g ON true
  ORDER BY g.growth_rank)sql";

constexpr std::string_view kOfCategory = R"sql(
  SELECT h.snapshot, h.total, g.* FROM (
    SELECT (SELECT snapshot_id::text FROM coffee.publication WHERE table_name = 'coffee.post_growth' ORDER BY id DESC LIMIT 1) AS snapshot,
           (SELECT count(*) FROM (SELECT 1 FROM coffee.post_growth WHERE platform = $1 AND category = $2::text LIMIT 10001) counted) AS total) h
  LEFT JOIN (
    SELECT *, to_char(published_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS published FROM coffee.post_growth
    WHERE platform = $1 AND category = $2::text AND growth_rank > $3::bigint ORDER BY growth_rank LIMIT $5::bigint OFFSET $4::bigint) g ON true
  ORDER BY g.growth_rank)sql";

// The rank, in the present publication, of the last row at or before one that was shown in another.
constexpr std::string_view kAnchor = R"sql(
  SELECT coalesce(max(growth_rank), 0) AS rank FROM coffee.post_growth
  WHERE platform = $1 AND (views_growth > $2::bigint OR (views_growth = $2::bigint AND shortcode COLLATE "C" <= $3)))sql";

constexpr std::string_view kCategories =
    "SELECT DISTINCT category FROM coffee.post_growth WHERE platform = $1 AND category IS NOT NULL";

constexpr int kPostAnchorTries = 3;

struct Walk {
  int64_t rank = 0;
  std::string snapshot, shortcode;
  int64_t growth = 0, total = 0;
};

Walk walk_of(const json::object& position) {
  return {cursor_integer(position, "r"), cursor_text(position, "s"), cursor_text(position, "i"),
          cursor_integer(position, "v"), cursor_integer(position, "t")};
}

Task<postgres::Result> ask_page(Stores& stores, const std::string& platform, const std::optional<std::string>& category,
                                std::optional<Walk>& walk, const Paging& paging) {
  const NamedQuery query{"post_leaderboard", category ? kOfCategory : kAll};
  for (int tries = 0;; ++tries) {
    postgres::Params params{platform, category, std::to_string(walk ? walk->rank : 0), std::to_string(paging.offset),
                            std::to_string(paging.size + 1)};
    auto found = co_await stores.ask(query, std::move(params));
    const std::string snapshot(found.text(0, "snapshot"));
    if (!walk || walk->snapshot == snapshot || tries == kPostAnchorTries) co_return found;
    walk->snapshot = snapshot;
    const NamedQuery anchor{"post_leaderboard_anchor", kAnchor};
    postgres::Params shown{platform, std::to_string(walk->growth), walk->shortcode};
    const auto place = co_await stores.ask(anchor, std::move(shown));
    walk->rank = place.integer(0, "rank");
  }
}

json::object row_json(const postgres::Result& found, size_t row) {
  return {{"rank", integer_or_null(found, row, "growth_rank")},
          {"platform", text_or_null(found, row, "platform")},
          {"shortcode", text_or_null(found, row, "shortcode")},
          {"platformProfileId", text_or_null(found, row, "profile_id")},
          {"title", text_or_null(found, row, "title")},
          {"channelTitle", text_or_null(found, row, "channel_title")},
          {"category", text_or_null(found, row, "category")},
          {"thumbnailUrl", text_or_null(found, row, "thumbnail_url")},
          {"publishedAt", text_or_null(found, row, "published")},
          {"firstDate", text_or_null(found, row, "first_date")},
          {"lastDate", text_or_null(found, row, "last_date")},
          {"firstViews", integer_or_null(found, row, "first_views")},
          {"lastViews", integer_or_null(found, row, "last_views")},
          {"viewsGrowth", integer_or_null(found, row, "views_growth")},
          {"likesGrowth", integer_or_null(found, row, "likes_growth")},
          {"commentsGrowth", integer_or_null(found, row, "comments_growth")}};
}

Task<void> explain_empty(Stores& stores, const std::string& platform, const std::string& category) {
  const NamedQuery query{"post_categories", kCategories};
  postgres::Params params{platform};
  const auto found = co_await stores.ask(query, std::move(params));
  std::vector<std::string> known;
  for (size_t row = 0; row < found.rows(); ++row) known.emplace_back(found.text(row, 0));
  if (!known.empty()) known_word(category, known, "category", "category");
}

Task<http::Response> posts(const Context& context, http::Request& request) {
  const Body body(request, {"sortBy", "category", "page", "cursor", "size"});
  const Platform& platform = find_platform(path_text(request, "platform"));
  static const std::vector<std::string> kSorts{"views_growth"};
  known_word(body.text("sortBy").value_or("views_growth"), kSorts, "sortBy", "sort key");
  std::optional<std::string> category = body.text("category");
  if (category && category->empty()) category.reset();
  const std::string question = fmt::format("posts\n{}\n{}", platform.name, category.value_or("\x01"));
  const Paging paging = read_paging(body, question);

  std::optional<Walk> walk;
  if (paging.cursor) walk = walk_of(*paging.cursor);
  const auto found = co_await ask_page(context.stores, platform.name, category, walk, paging);
  const bool any = found.optional(0, "growth_rank").has_value();
  const size_t rows = any ? std::min(found.rows(), size_t(paging.size)) : 0;
  if (!any && category && !walk && paging.offset == 0) co_await explain_empty(context.stores, platform.name, *category);
  Page page;
  page.total = walk ? walk->total : found.integer(0, "total");
  for (size_t row = 0; row < rows; ++row) page.rows.push_back(row_json(found, row));
  if (rows > 0 && found.rows() > rows)
    page.next_cursor = encode_cursor({{"r", found.integer(rows - 1, "growth_rank")},
                                      {"s", found.text(0, "snapshot")},
                                      {"i", found.text(rows - 1, "shortcode")},
                                      {"v", found.integer(rows - 1, "views_growth")},
                                      {"t", page.total}},
                                     question);
  page.total_exact = !category || page.total <= kMaxCounted;
  if (!page.total_exact) page.total = kMaxCounted;
  co_return success(std::move(page));
}

}  // namespace

void add_posts_routes(http::Router& router, const Context& context) {
  router.post("/leaderboard-service/api/leaderboard/platform/{platform}/posts",
              [&context](http::Request& request) { return posts(context, request); }, {.max_body = kMaxBody});
}

}  // namespace dalgona::coffee::leaderboard
