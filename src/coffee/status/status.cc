#include "coffee/status/status.h"

#include <fmt/format.h>

#include "coffee/api/platforms.h"
#include "coffee/api/reply.h"
#include "coffee/leaderboard/months.h"
#include "coffee/status/paced.h"

namespace dalgona::coffee::status {
namespace {

// Delivery is at least once, so distinct ids are counted; the id of an event is dropped long after the last repetition
// can have come (`keep` in config/streams), and each row without one is an event.
constexpr std::string_view kLogs = R"sql(
  SELECT uniqExactIf(event_id, event_id != toUUID('00000000-0000-0000-0000-000000000000'))
       + countIf(event_id = toUUID('00000000-0000-0000-0000-000000000000')) FROM events.{table})sql";

constexpr std::string_view kDates = "SELECT minOrNull(date), maxOrNull(date) FROM events.{table}";

constexpr std::string_view kKnown =
    "SELECT (SELECT count(*) FROM {profiles} p) AS profiles, (SELECT count(*) FROM {posts} p) AS posts";

constexpr std::string_view kPublication = R"sql(
  SELECT snapshot_id::text AS snapshot_id, to_char(finished_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS finished_at
  FROM coffee.publication ORDER BY id DESC LIMIT 1)sql";

struct Counts {
  int64_t profile_logs = 0, post_logs = 0, profiles = 0, posts = 0;
  std::optional<std::string> first_date, last_date;
};

Task<int64_t> count_logs(Stores& stores, std::string_view table) {
  const std::string sql = fmt::format(fmt::runtime(kLogs), fmt::arg("table", table));
  const NamedQuery query{"count_logs", sql};
  const auto rows = co_await stores.ask_warehouse(query);
  co_return rows.empty() ? 0 : rows[0].at(0).to_number<int64_t>();
}

Task<void> widen_dates(Stores& stores, std::string_view table, Counts& counts) {
  const std::string sql = fmt::format(fmt::runtime(kDates), fmt::arg("table", table));
  const NamedQuery query{"log_dates", sql};
  const auto rows = co_await stores.ask_warehouse(query);
  if (rows.empty() || !rows[0].at(0).is_string()) co_return;
  const std::string first(rows[0].at(0).as_string()), last(rows[0].at(1).as_string());
  if (!counts.first_date || first < *counts.first_date) counts.first_date = first;
  if (!counts.last_date || last > *counts.last_date) counts.last_date = last;
}

Task<Counts> count(Stores& stores) {
  Counts counts;
  counts.profile_logs = co_await count_logs(stores, "profile_log");
  counts.post_logs = co_await count_logs(stores, "post_log");
  co_await widen_dates(stores, "profile_daily", counts);
  co_await widen_dates(stores, "post_daily", counts);
  for (const Platform& platform : platforms()) {
    const std::string sql =
        fmt::format(fmt::runtime(kKnown), fmt::arg("profiles", platform.profiles), fmt::arg("posts", platform.posts));
    const NamedQuery query{"count_known", sql};
    const auto known = co_await stores.ask(query);
    counts.profiles += known.integer(0, "profiles");
    counts.posts += known.integer(0, "posts");
  }
  co_return counts;
}

json::value or_null(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return json::value(*text);
}

Task<http::Response> answer_status(const Context& context, Paced<Counts>& counts) {
  const Counts now = co_await counts.get();
  const NamedQuery query{"publication", kPublication};
  const auto published = co_await context.stores.ask(query);
  json::value publication = nullptr;
  if (published.rows() > 0)
    publication = json::object{{"snapshotId", text_or_null(published, 0, "snapshot_id")},
                               {"finishedAt", text_or_null(published, 0, "finished_at")}};
  json::object data{{"profileLogs", now.profile_logs},
                    {"postLogs", now.post_logs},
                    {"profiles", now.profiles},
                    {"posts", now.posts},
                    {"firstDate", or_null(now.first_date)},
                    {"lastDate", or_null(now.last_date)},
                    {"publication", std::move(publication)}};
  co_return success(std::move(data));
}

json::array array_of(const std::vector<std::string>& items) {
  json::array all;
  for (const auto& item : items) all.emplace_back(item);
  return all;
}

Task<http::Response> answer_meta(const Context& context) {
  const auto months = co_await leaderboard::published_months(context.stores);
  const auto categories = co_await leaderboard::published_categories(context.stores);
  const auto languages = co_await leaderboard::published_languages(context.stores);
  json::object data{{"platforms", array_of(platform_names())},
                    {"months", array_of(months)},
                    {"categories", array_of(categories)},
                    {"languages", array_of(languages)}};
  co_return success(std::move(data));
}

}  // namespace

void add_status_routes(http::Router& router, const Context& context) {
  auto counts = std::make_shared<Paced<Counts>>([&context] { return count(context.stores); });
  router.get("/api/status", [&context, counts](http::Request&) { return answer_status(context, *counts); });
  router.get("/api/meta", [&context](http::Request&) { return answer_meta(context); });
}

}  // namespace dalgona::coffee::status
