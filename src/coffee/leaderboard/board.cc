#include "coffee/leaderboard/board.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/errors.h"
#include "coffee/api/body.h"
#include "coffee/api/paging.h"

namespace dalgona::coffee::leaderboard {
namespace {

// Binds a value and gives its place in the SQL.
class Binder {
 public:
  explicit Binder(postgres::Params& params) : params_(params) {}
  std::string operator()(postgres::Param value, std::string_view type) {
    params_.push_back(std::move(value));
    return fmt::format("${}::{}", params_.size(), type);
  }

 private:
  postgres::Params& params_;
};

postgres::Param number(std::optional<int64_t> value) {
  if (!value) return {};
  return std::to_string(*value);
}

std::string newest_month(const Board& board) {
  std::string all;
  for (const auto& platform : board.platforms)
    all += fmt::format("{}(SELECT max(month) FROM coffee.leaderboard WHERE platform = '{}')", all.empty() ? "" : ", ",
                       platform);
  return "greatest(" + all + ")";
}

// Category and language are bound once and named by place.
struct Filter {
  std::string sql;
};
Filter filter_of(const Board& board, Binder& bind) {
  Filter filter;
  if (board.category) filter.sql += " AND l.category = " + bind(*board.category, "text");
  if (board.language) filter.sql += " AND l.language = " + bind(*board.language, "text");
  return filter;
}

std::string rows_of(const std::string& platform, const Filter& filter) {
  return fmt::format("coffee.leaderboard l WHERE l.platform = '{}' AND l.month = (SELECT month FROM chosen){}",
                     platform, filter.sql);
}

// Ranks are dense, so the largest is the count; the index has it.
std::string total_of(const Board& board, const std::string& platform, const Filter& filter) {
  if (board.dense())
    return fmt::format("coalesce((SELECT max(l.{}) FROM {}), 0)", board.rank_column(), rows_of(platform, filter));
  return fmt::format("(SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) counted)", rows_of(platform, filter),
                     kMaxCounted + 1);
}

}  // namespace

const Sort& find_sort(const std::string& name) {
  static const std::vector<Sort> kSorts{{"followers", "followers_change", "followers_change_rank"},
                                        {"followers_lifetime", "followers", "followers_rank"},
                                        {"views", "views", "views_rank"},
                                        {"views_change", "views_change", "views_change_rank"},
                                        {"plays", "views", "views_rank"}};
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& sort : kSorts) names.push_back(sort.name);
    return names;
  }();
  known_word(name, kNames, "sortBy", "sort key");
  return *std::find_if(kSorts.begin(), kSorts.end(), [&](const Sort& sort) { return sort.name == name; });
}

std::string Board::rank_column() const {
  return category ? sort.rank + "_by_category" : sort.rank;
}

std::string Board::question() const {
  std::string text = "leaderboard";
  for (const auto& platform : platforms) text += "\n" + platform;
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", text, month.value_or(""), category.value_or("\x01"),
                     language.value_or("\x01"), sort.name, ascending);
}

Statement page_statement(const Board& board, const std::optional<Walk>& walk, int64_t offset, int64_t size) {
  Statement statement;
  Binder bind(statement.params);
  const std::string rank = board.rank_column();
  const std::string month = walk ? walk->month : board.month.value_or("");
  const std::string given = bind(month.empty() ? postgres::Param() : postgres::Param(month), "date");
  const Filter filter = filter_of(board, bind);
  // Of one dense board a page begins at its rank; of others the rows before it are skipped.
  const bool jump = board.shows_column() && !walk;
  const std::string skip = bind(std::to_string(jump ? offset : 0), "bigint");
  const std::string limit = bind(std::to_string(jump || walk ? size : offset + size), "bigint");
  std::string total, branches;
  for (size_t i = 0; i < board.platforms.size(); ++i) {
    const std::string& platform = board.platforms[i];
    const std::string of_platform = total_of(board, platform, filter);
    total += (total.empty() ? "" : " + ") + of_platform;
    const std::string from = bind(walk ? number(walk->ranks.at(i)) : postgres::Param(), "bigint");
    std::string range;
    if (!board.ascending)
      range = fmt::format("l.{} > coalesce({}, 0) + {}", rank, from, skip);
    else if (board.dense())
      range = fmt::format("l.{} < coalesce({}, {} + 1) - {}", rank, from, of_platform, skip);
    else
      range = fmt::format("({0} IS NULL OR l.{1} < {0})", from, rank);
    branches += fmt::format(
        "{}(SELECT l.*, l.{} AS place, (l.previous_ranks->>'{}')::bigint AS place_before FROM {} AND {} ORDER BY l.{} "
        "{} LIMIT {})",
        branches.empty() ? "" : " UNION ALL ", rank, rank, rows_of(platform, filter), range, rank,
        board.ascending ? "DESC" : "ASC", limit);
  }
  const std::string order =
      board.single()
          ? fmt::format("b.place {}", board.ascending ? "DESC" : "ASC")
          : fmt::format("b.{0} IS NULL {1}, b.{0} {2}, b.platform COLLATE \"C\" {1}, b.profile_id COLLATE \"C\" {1}",
                        board.sort.metric, board.ascending ? "DESC" : "ASC", board.ascending ? "ASC" : "DESC");
  statement.sql = fmt::format(
      "WITH chosen AS MATERIALIZED (SELECT coalesce({}, {}) AS month) "
      "SELECT h.snapshot, h.month::text AS board_month, h.total, b.*, b.{} AS metric "
      "FROM (SELECT (SELECT snapshot_id::text FROM coffee.publication WHERE table_name = 'coffee.leaderboard' ORDER BY "
      "id DESC LIMIT 1) AS snapshot, "
      "(SELECT month FROM chosen) AS month, {} AS total) h LEFT JOIN (SELECT * FROM ({}) b ORDER BY {} LIMIT {} OFFSET "
      "{}) b ON true ORDER BY {}",
      given, newest_month(board), board.sort.metric, total, branches, order, size, jump || walk ? 0 : offset, order);
  return statement;
}

Statement anchor_statement(const Board& board, const Walk& walk) {
  Statement statement;
  Binder bind(statement.params);
  const std::string month = bind(walk.month, "date");
  const Filter filter = filter_of(board, bind);
  const std::string value = bind(walk.metric, "bigint");
  const std::string platform_id = bind(walk.platform, "text"), profile_id = bind(walk.profile, "text");
  const std::string metric = "l." + board.sort.metric;
  const std::string key = fmt::format("(l.platform COLLATE \"C\", l.profile_id COLLATE \"C\")");
  const std::string walked = fmt::format("({}, {})", platform_id, profile_id);
  // Rows at or before the last one that was shown, in the order of the walk. NULL comes last, descending.
  std::string before;
  if (!board.ascending)
    before = fmt::format(
        "CASE WHEN {0} IS NULL THEN {1} IS NOT NULL OR {2} <= {3} ELSE {1} > {0} OR ({1} = {0} AND {2} <= {3}) END",
        value, metric, key, walked);
  else
    before = fmt::format(
        "CASE WHEN {0} IS NULL THEN {1} IS NULL AND {2} >= {3} ELSE {1} IS NULL OR {1} < {0} OR ({1} = {0} AND {2} >= "
        "{3}) END",
        value, metric, key, walked);
  std::string columns;
  for (const auto& platform : board.platforms)
    columns += fmt::format("{}(SELECT {}(l.{}) FROM {} AND {})", columns.empty() ? "" : ", ",
                           board.ascending ? "min" : "max", board.rank_column(), rows_of(platform, filter), before);
  statement.sql = fmt::format("WITH chosen AS MATERIALIZED (SELECT {} AS month) SELECT {}", month, columns);
  return statement;
}

}  // namespace dalgona::coffee::leaderboard
