// The SQL of a leaderboard of creators: of one platform, or several merged.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/postgres/postgres.h"

namespace dalgona::coffee::leaderboard {

struct Sort {
  std::string name;    // as asked
  std::string metric;  // column
  std::string rank;    // column that stir made by it
};
// Throws InvalidInput naming the nearest.
const Sort& find_sort(const std::string& name);

struct Board {
  std::vector<std::string> platforms;
  std::optional<std::string> month;  // YYYY-MM-01; nothing: the newest
  std::optional<std::string> category, language;
  const Sort& sort;
  bool ascending = false;

  // The column that orders it: the place in the category when there is one.
  std::string rank_column() const;
  // Ranks of the rows asked for are 1, 2, 3... without holes.
  bool dense() const { return !language; }
  bool single() const { return platforms.size() == 1; }
  // Whether the rank that is shown is the column's.
  bool shows_column() const { return single() && dense(); }
  // Everything that rows and order depend on, as text.
  std::string question() const;
};

// Where a walk stands: the last row's rank in each platform (nothing before the platform's first), what it showed, and
// the publication in which that was so.
struct Walk {
  std::vector<std::optional<int64_t>> ranks;
  std::string snapshot = {};
  std::string month = {};
  std::optional<std::string> metric = {};  // of the last row
  std::string platform = {}, profile = {};
  int64_t shown = 0;  // rows so far
  int64_t total = 0;
};

struct Statement {
  std::string sql;
  postgres::Params params;
};

// Columns: snapshot, month, total, then those of coffee.leaderboard with place and place_before; one row with NULL in
// the latter when there are no creators.
Statement page_statement(const Board& board, const std::optional<Walk>& walk, int64_t offset, int64_t size);
// Columns: rank, one for each platform in order: where `walk` stands in the present publication.
Statement anchor_statement(const Board& board, const Walk& walk);

}  // namespace dalgona::coffee::leaderboard
