// The months and categories that are published.
#pragma once
#include <string>
#include <vector>

#include "coffee/stores.h"

namespace dalgona::coffee::leaderboard {

// First days of the months of any platform, "YYYY-MM-DD", newest first.
Task<std::vector<std::string>> published_months(Stores& stores);
// By name, of creators in any month.
Task<std::vector<std::string>> published_categories(Stores& stores);
Task<std::vector<std::string>> published_languages(Stores& stores);

// "YYYY-MM" or a month's first day "YYYY-MM-DD", as the latter. Throws InvalidInput.
std::string parse_month(const std::string& text);
// InvalidInput that names the published month nearest to `month`.
[[noreturn]] void unknown_month(const std::string& month, const std::vector<std::string>& known);

}  // namespace dalgona::coffee::leaderboard
