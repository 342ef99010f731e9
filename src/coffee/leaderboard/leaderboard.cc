#include "coffee/leaderboard/leaderboard.h"

#include <algorithm>

#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/paging.h"
#include "coffee/api/platforms.h"
#include "coffee/api/reply.h"
#include "coffee/leaderboard/board.h"
#include "coffee/leaderboard/months.h"

namespace dalgona::coffee::leaderboard {
namespace {

// A publication may come between two statements of one request; two in a row do not.
constexpr int kAnchorTries = 3;

json::object cursor_of(const Walk& walk) {
  json::array ranks;
  for (const auto& rank : walk.ranks) ranks.push_back(rank ? json::value(*rank) : json::value(nullptr));
  json::object position{{"r", std::move(ranks)}, {"s", walk.snapshot}, {"m", walk.month}, {"p", walk.platform},
                        {"i", walk.profile},     {"n", walk.shown},    {"t", walk.total}, {"v", nullptr}};
  if (walk.metric) position["v"] = *walk.metric;
  return position;
}

Walk walk_of(const json::object& position, size_t platforms) {
  Walk walk;
  const json::value* ranks = position.if_contains("r");
  if (!ranks || !ranks->is_array() || ranks->get_array().size() != platforms)
    throw InvalidInput("cursor: not one that this API gave");
  for (const auto& rank : ranks->get_array())
    walk.ranks.push_back(rank.is_int64() ? std::optional(rank.get_int64()) : std::nullopt);
  walk.snapshot = cursor_text(position, "s");
  walk.month = parse_month(cursor_text(position, "m"));
  walk.metric = cursor_optional_text(position, "v");
  walk.platform = cursor_text(position, "p");
  walk.profile = cursor_text(position, "i");
  walk.shown = cursor_integer(position, "n");
  walk.total = cursor_integer(position, "t");
  return walk;
}

// Puts a walk that began in another publication to its place in the present one.
Task<void> anchor(Stores& stores, const Board& board, Walk& walk) {
  Statement statement = anchor_statement(board, walk);
  const NamedQuery query{"leaderboard_anchor", statement.sql};
  const auto found = co_await stores.ask(query, std::move(statement.params));
  for (size_t i = 0; i < board.platforms.size(); ++i)
    walk.ranks[i] =
        found.is_null(0, i) ? std::nullopt : std::optional<int64_t>(std::stoll(std::string(found.text(0, i))));
}

Task<postgres::Result> ask_page(Stores& stores, const Board& board, std::optional<Walk>& walk, const Paging& paging) {
  for (int tries = 0;; ++tries) {
    Statement statement = page_statement(board, walk, paging.offset, paging.size + 1);
    const NamedQuery query{"leaderboard", statement.sql};
    auto found = co_await stores.ask(query, std::move(statement.params));
    const std::string snapshot(found.text(0, "snapshot"));
    if (!walk || walk->snapshot == snapshot || tries == kAnchorTries) co_return found;
    walk->snapshot = snapshot;
    co_await anchor(stores, board, *walk);
  }
}

json::object row_json(const postgres::Result& found, size_t row, json::value rank, json::value before) {
  return {{"rank", std::move(rank)},
          {"previousRank", std::move(before)},
          {"platform", text_or_null(found, row, "platform")},
          {"platformProfileId", text_or_null(found, row, "profile_id")},
          {"handle", text_or_null(found, row, "handle")},
          {"title", text_or_null(found, row, "title")},
          {"thumbnailUrl", text_or_null(found, row, "thumbnail_url")},
          {"country", text_or_null(found, row, "country")},
          {"category", text_or_null(found, row, "category")},
          {"language", text_or_null(found, row, "language")},
          {"followers", integer_or_null(found, row, "followers")},
          {"followersChange", integer_or_null(found, row, "followers_change")},
          {"views", integer_or_null(found, row, "views")},
          {"viewsChange", integer_or_null(found, row, "views_change")},
          {"likes", integer_or_null(found, row, "likes")},
          {"comments", integer_or_null(found, row, "comments")},
          {"uploads", integer_or_null(found, row, "uploads")},
          {"engagementRate", number_or_null(found, row, "engagement_rate")},
          {"month", text_or_null(found, row, "board_month")}};
}

// Why is it empty? A month or a word that nobody knows is the asker's mistake, before the first publication nothing is.
Task<void> explain_empty(Stores& stores, const Board& board) {
  const auto months = co_await published_months(stores);
  if (months.empty()) co_return;
  if (board.month && std::find(months.begin(), months.end(), *board.month) == months.end())
    unknown_month(*board.month, months);
  if (board.category) {
    const auto known = co_await published_categories(stores);
    known_word(*board.category, known, "category", "category");
  }
  if (board.language) {
    const auto known = co_await published_languages(stores);
    known_word(*board.language, known, "language", "language");
  }
}

Task<http::Response> answer(const Context& context, const Board& board, const Paging& paging) {
  std::optional<Walk> walk;
  if (paging.cursor) walk = walk_of(*paging.cursor, board.platforms.size());
  const auto found = co_await ask_page(context.stores, board, walk, paging);
  Page page;
  const bool any = found.optional(0, "place").has_value();
  const size_t rows = any ? std::min(found.rows(), size_t(paging.size)) : 0;
  page.total = walk ? walk->total : found.integer(0, "total");
  if (!any && !walk && paging.offset == 0) co_await explain_empty(context.stores, board);

  Walk next = walk.value_or(Walk{.ranks = std::vector<std::optional<int64_t>>(board.platforms.size())});
  if (!walk) {
    next.shown = paging.offset;
    next.total = page.total;
  }
  for (size_t row = 0; row < rows; ++row) {
    ++next.shown;
    json::value rank = next.shown, before = nullptr;
    if (board.shows_column()) {
      rank = found.integer(row, "place");
      before = integer_or_null(found, row, "place_before");
    } else if (board.ascending && board.dense()) {
      rank = page.total + 1 - next.shown;
    }
    page.rows.push_back(row_json(found, row, std::move(rank), std::move(before)));
    const auto platform = std::find(board.platforms.begin(), board.platforms.end(), found.text(row, "platform"));
    next.ranks[size_t(platform - board.platforms.begin())] = found.integer(row, "place");
  }
  if (rows > 0 && found.rows() > rows) {
    next.snapshot = found.text(0, "snapshot");
    next.month = found.text(0, "board_month");
    next.metric = found.optional(rows - 1, "metric");
    next.platform = found.text(rows - 1, "platform");
    next.profile = found.text(rows - 1, "profile_id");
    page.next_cursor = encode_cursor(cursor_of(next), board.question());
  }
  page.total_exact = board.dense() || page.total <= kMaxCounted;
  if (!page.total_exact) page.total = kMaxCounted;
  co_return success(std::move(page));
}

// The path may fix category and language; a body that says otherwise is refused.
std::optional<std::string> from_path_or_body(const http::Request& request, const Body& body, const std::string& name) {
  auto in_body = body.text(name);
  if (in_body && in_body->empty()) in_body.reset();
  const bool in_path = std::any_of(request.path_params.begin(), request.path_params.end(),
                                   [&](const auto& param) { return param.first == name; });
  if (!in_path) return in_body;
  const std::string given = path_text(request, name);
  if (in_body && *in_body != given) throw InvalidInput(name + " in the body is not the one in the path");
  return given;
}

Task<http::Response> leaderboard(const Context& context, http::Request& request, bool cross_platform) {
  const Body body(request, {"month", "category", "language", "sortBy", "sortDir", "page", "cursor", "size"});
  std::optional<std::string> month = body.text("month");
  if (month && month->empty()) month.reset();
  if (month) month = parse_month(*month);
  const Board board{.platforms = cross_platform
                                     ? platform_names()
                                     : std::vector<std::string>{find_platform(path_text(request, "platform")).name},
                    .month = month,
                    .category = from_path_or_body(request, body, "category"),
                    .language = from_path_or_body(request, body, "language"),
                    .sort = find_sort(body.text("sortBy").value_or("followers")),
                    .ascending = read_ascending(body)};
  const Paging paging = read_paging(body, board.question());
  co_return co_await answer(context, board, paging);
}

}  // namespace

void add_leaderboard_routes(http::Router& router, const Context& context) {
  constexpr std::string_view kBase = "/leaderboard-service/api/leaderboard";
  const http::RouteOptions options{.max_body = kMaxBody};
  for (const std::string_view path :
       {"/platform/{platform}", "/platform/{platform}/category/{category}", "/platform/{platform}/language/{language}"})
    router.post(
        std::string(kBase) + std::string(path),
        [&context](http::Request& request) { return leaderboard(context, request, false); }, options);
  router.post(
      std::string(kBase) + "/cross-platform",
      [&context](http::Request& request) { return leaderboard(context, request, true); }, options);
}

}  // namespace dalgona::coffee::leaderboard
