#include "coffee/discovery/growth.h"

#include <fmt/format.h>

#include "events/series_key.h"

namespace dalgona::coffee::discovery {
namespace {

// Not through the view events.post_series, whose every layer and aggregate is planned for each question: its grouping
// stands here for what is asked alone. Of a day the newest value of each metric that an event gave, bit by bit in
// `given`; of the days that have views the last minus the first.
// PARAMETERS first, last, shortcodes: the range of what the profile has.
constexpr std::string_view kGrowth = R"sql(
  SELECT shortcode, min(s.date) AS first_date, max(s.date) AS last_date,
         argMax(s.v, s.date) - argMin(s.v, s.date) AS views_growth,
         argMaxOrNullIf(s.l, s.date, bitTest(s.g, 1)) - argMinOrNullIf(s.l, s.date, bitTest(s.g, 1)) AS likes_growth,
         argMaxOrNullIf(s.c, s.date, bitTest(s.g, 2)) - argMinOrNullIf(s.c, s.date, bitTest(s.g, 2)) AS comments_growth
  FROM (
    SELECT shortcode, date, groupBitOr(given) AS g, argMaxIf(views, observed_at, bitTest(given, 0)) AS v,
           argMaxIf(likes, observed_at, bitTest(given, 1)) AS l, argMaxIf(comments, observed_at, bitTest(given, 2)) AS c
    FROM events.post_daily
    PREWHERE series >= {first:String} AND series <= {last:String} AND has({shortcodes:Array(String)}, shortcode)
    GROUP BY shortcode, date
  ) AS s
  WHERE bitTest(s.g, 0)
  GROUP BY shortcode)sql";

constexpr std::string_view kByGrowth = R"sql(
  SELECT shortcode, growth, count() OVER () AS total, row_number() OVER (ORDER BY growth DESC, shortcode ASC) AS place
  FROM (
    SELECT shortcode, argMax(s.v, s.date) - argMin(s.v, s.date) AS growth
    FROM (
      SELECT shortcode, date, argMaxIf(views, observed_at, bitTest(given, 0)) AS v
      FROM events.post_daily
      PREWHERE series >= {first:String} AND series <= {last:String} AND bitTest(given, 0)
      GROUP BY shortcode, date
    ) AS s
    GROUP BY shortcode
  ))sql";

std::string text_of(const boost::json::value& value) {
  const auto& text = value.as_string();
  return {text.data(), text.size()};
}

}  // namespace

Task<std::map<std::string, PostGrowth>> growth_of_posts(Stores& stores, const Platform& platform, std::string profile,
                                                        std::vector<std::string> shortcodes) {
  std::map<std::string, PostGrowth> all;
  if (shortcodes.empty()) co_return all;
  std::string list = "[";
  for (const auto& shortcode : shortcodes) list += (list.size() > 1 ? "," : "") + warehouse::literal(shortcode);
  list += "]";
  auto range = events::series_under({platform.name, profile});
  Stores::WarehouseParams params{
      {"first", std::move(range.first)}, {"last", std::move(range.last)}, {"shortcodes", list}};
  const NamedQuery query{"post_growth", kGrowth};
  const auto rows = co_await stores.ask_warehouse(query, std::move(params));
  for (const auto& row : rows)
    all[text_of(row.at(0))] = {text_of(row.at(1)), text_of(row.at(2)), row.at(3), row.at(4), row.at(5)};
  co_return all;
}

Task<GrowthPage> posts_by_growth(Stores& stores, const Platform& platform, std::string profile, bool ascending,
                                 std::optional<GrowthPosition> after, int64_t offset, int64_t size) {
  std::string sql = fmt::format("SELECT shortcode, growth, total FROM ({})", kByGrowth);
  auto range = events::series_under({platform.name, profile});
  Stores::WarehouseParams params{{"first", std::move(range.first)}, {"last", std::move(range.last)}};
  if (after) {
    sql += ascending ? " WHERE growth > {growth:Int64} OR (growth = {growth:Int64} AND shortcode < {after:String})"
                     : " WHERE growth < {growth:Int64} OR (growth = {growth:Int64} AND shortcode > {after:String})";
    params["growth"] = std::to_string(after->growth);
    params["after"] = after->shortcode;
  }
  sql += fmt::format(" ORDER BY place {} LIMIT {} OFFSET {}", ascending ? "DESC" : "ASC", size, offset);
  const NamedQuery query{"posts_by_growth", sql};
  const auto rows = co_await stores.ask_warehouse(query, std::move(params));
  GrowthPage page;
  for (const auto& row : rows) {
    page.posts.emplace_back(text_of(row.at(0)), row.at(1).to_number<int64_t>());
    page.total = row.at(2).to_number<int64_t>();
  }
  co_return page;
}

}  // namespace dalgona::coffee::discovery
