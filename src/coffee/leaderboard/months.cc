#include "coffee/leaderboard/months.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "coffee/api/body.h"
#include "coffee/api/platforms.h"

namespace dalgona::coffee::leaderboard {
namespace {

// Distinct values by hopping from one to the next in an index, whatever the number of rows.
constexpr std::string_view kMonths = R"sql(
  WITH RECURSIVE hop AS (
    (SELECT max(month) AS month FROM coffee.leaderboard WHERE platform = '{platform}')
    UNION ALL
    SELECT (SELECT max(month) FROM coffee.leaderboard WHERE platform = '{platform}' AND month < hop.month) FROM hop WHERE hop.month IS NOT NULL)
  SELECT month::text AS value FROM hop WHERE month IS NOT NULL)sql";

constexpr std::string_view kOfMonths = R"sql(
  SELECT DISTINCT h.value FROM ({months}) m, LATERAL (
    WITH RECURSIVE hop AS (
      (SELECT min({column}) AS value FROM coffee.leaderboard WHERE platform = '{platform}' AND month = m.value::date)
      UNION ALL
      SELECT (SELECT min({column}) FROM coffee.leaderboard WHERE platform = '{platform}' AND month = m.value::date AND {column} > hop.value)
      FROM hop WHERE hop.value IS NOT NULL)
    SELECT hop.value FROM hop WHERE hop.value IS NOT NULL) h)sql";

Task<std::vector<std::string>> distinct(Stores& stores, std::string_view name, std::string_view sql_of_platform,
                                        std::string_view column) {
  std::vector<std::string> all;
  for (const Platform& platform : platforms()) {
    const std::string months = fmt::format(fmt::runtime(kMonths), fmt::arg("platform", platform.name));
    const std::string sql = fmt::format(fmt::runtime(sql_of_platform), fmt::arg("platform", platform.name),
                                        fmt::arg("months", months), fmt::arg("column", column));
    const NamedQuery query{name, sql};
    const auto found = co_await stores.ask(query);
    for (size_t row = 0; row < found.rows(); ++row) all.emplace_back(found.text(row, 0));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  co_return all;
}

}  // namespace

Task<std::vector<std::string>> published_months(Stores& stores) {
  auto months = co_await distinct(stores, "months", kMonths, "");
  std::reverse(months.begin(), months.end());
  co_return months;
}

Task<std::vector<std::string>> published_categories(Stores& stores) {
  return distinct(stores, "categories", kOfMonths, "category");
}

Task<std::vector<std::string>> published_languages(Stores& stores) {
  return distinct(stores, "languages", kOfMonths, "language");
}

std::string parse_month(const std::string& text) {
  const std::string day = text.size() == 7 ? text + "-01" : text;
  std::string month;
  try {
    month = to_date(parse_date(day, "month"));
  } catch (const InvalidInput&) {
    throw InvalidInput("month must be YYYY-MM or a month's first day YYYY-MM-01, not '" + text + "'");
  }
  if (!month.ends_with("-01"))
    throw InvalidInput("month must be a month's first day, such as " + month.substr(0, 8) + "01, not " + month);
  return month;
}

void unknown_month(const std::string& month, const std::vector<std::string>& known) {
  const auto days = [](const std::string& text) { return parse_time(text).time_since_epoch(); };
  const std::string* near = nullptr;
  for (const auto& each : known)
    if (!near || std::chrono::abs(days(each) - days(month)) < std::chrono::abs(days(*near) - days(month))) near = &each;
  throw InvalidInput(fmt::format("month: nothing is published for {}; the nearest month is {}. Known: {}", month,
                                 near ? *near : "none", fmt::join(known, ", ")));
}

}  // namespace dalgona::coffee::leaderboard
