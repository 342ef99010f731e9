// The filters of a search: JSON in, SQL with bound parameters out. Nothing that came from outside is ever part of the
// SQL; field names select from a table of ours.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/postgres/postgres.h"

namespace dalgona::coffee::discovery {

inline constexpr size_t kMaxFilters = 20;
inline constexpr size_t kMaxInList = 1000;

struct FilterSql {
  // "a AND b", or "" without filters; refers to p (the profile) and, when `needs_leaderboard`, to f (its row of the
  // newest published month).
  std::string condition;
  bool needs_leaderboard = false;
};

// Appends the values to `params`. `filters` may be null. Throws InvalidInput "filters[2].field: unknown field 'x', did
// you mean 'y'?".
FilterSql filters_to_sql(const boost::json::array* filters, postgres::Params& params);

// The pattern under which names are searched: the text anywhere, or at the beginning of a word when it has one or two
// characters; % and _ stand for themselves.
std::string like_pattern(std::string_view text);

}  // namespace dalgona::coffee::discovery
