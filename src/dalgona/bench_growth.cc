#include "dalgona/bench_growth.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/bench_home.h"
#include "events/catalogue.h"
#include "events/ddl.h"

namespace dalgona {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr uint64_t kBatch = 2'000'000;  // logs of one generating statement
constexpr int kSeriesDays = 30;         // days of a series
constexpr int kQuestions = 300;         // of one run

// `profiles` profiles, each seen once on each of `days` days that end yesterday.
struct Logs {
  uint64_t profiles = 0, days = 0;
  uint64_t rows() const { return profiles * days; }
};

// What both schemas get: the same profiles, times and figures. {0}: first number, {1}: how many, {2}: days. An id is a
// hash, 24 characters as YouTube's are. Figures grow at a pace of their own, with noise.
constexpr std::string_view kLogs = R"sql(
  SELECT intDiv(number, {2}) AS profile, number % {2} AS day,
         concat('UC', substring(replaceAll(base64Encode(reinterpretAsString(sipHash128(profile))), '+', '-'), 1, 22)) AS profile_id,
         toDateTime64(today() - {2} + day, 6, 'UTC') + toIntervalMicrosecond(sipHash64(number) % 86400000000) AS event_timestamp,
         toInt64(1000 + sipHash64(profile) % 1000000 + day * (sipHash64(profile, 1) % 500) + sipHash64(number, 2) % 50) AS followers,
         toInt64(sipHash64(profile, 3) % 500) AS following,
         toInt64(followers * 80 + day * (sipHash64(profile, 4) % 50000) + sipHash64(number, 5) % 5000) AS views,
         toInt64(20 + sipHash64(profile, 6) % 400 + intDiv(day, 1 + sipHash64(profile, 7) % 6)) AS uploads
  FROM numbers({0}, {1}))sql";

// The table of the original: every metric in JSON, parsed by whoever asks.
constexpr std::string_view kOriginal = R"sql(
  CREATE TABLE original.profile_log_events (event_id String, source String, platform String, profile_id String, handle Nullable(String),
    event_timestamp DateTime, insert_timestamp DateTime, metrics String, dimensions String)
  ENGINE = MergeTree PARTITION BY toYYYYMM(event_timestamp) ORDER BY (platform, profile_id, event_timestamp))sql";
constexpr std::string_view kOriginalRows = R"sql(
  INSERT INTO original.profile_log_events
  SELECT toString(dateTimeToUUIDv7(toDateTime(event_timestamp))), 'youtube_data_api', 'YOUTUBE', profile_id, concat('@creator', toString(profile)),
         event_timestamp, event_timestamp + 1,
         concat('{{"followers":', toString(followers), ',"following":', toString(following), ',"views":', toString(views), ',"uploads":', toString(uploads), '}}'),
         concat('{{"title":"Creator ', toString(profile), '","country":"US"}}')
  FROM ({0}))sql";
constexpr std::string_view kOurRows = R"sql(
  INSERT INTO events.profile_log (event_id, source, platform, profile_id, handle, event_timestamp, followers, following, views, uploads, title, country, insert_timestamp)
  SELECT dateTimeToUUIDv7(toDateTime(event_timestamp)), 'youtube_data_api', 'YOUTUBE', profile_id, concat('@creator', toString(profile)), event_timestamp,
         followers, following, views, uploads, concat('Creator ', toString(profile)), 'US', event_timestamp + 1
  FROM ({0}))sql";

// As coffee asks.
constexpr std::string_view kOurQuestion = R"sql(
  SELECT date, given, observed_at, followers, views, uploads FROM events.profile_daily
  WHERE platform = {platform:String} AND profile_id = {profile:String} AND date BETWEEN {first:Date} AND {last:Date})sql";
constexpr std::string_view kOriginalQuestion = R"sql(
  SELECT toDate(event_timestamp) AS date, argMax(JSONExtractInt(metrics, 'followers'), event_timestamp) AS followers,
         argMax(JSONExtractInt(metrics, 'views'), event_timestamp) AS views, argMax(JSONExtractInt(metrics, 'uploads'), event_timestamp) AS uploads
  FROM original.profile_log_events
  WHERE platform = {platform:String} AND profile_id = {profile:String} AND date BETWEEN {first:Date} AND {last:Date}
  GROUP BY date ORDER BY date)sql";

void generate(BenchHome& home, const bench::Options& options, const Logs& logs) {
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  for (const auto& sql : events::shared_ddl("")) home.ask(sql);
  for (const auto& sql : events::stream_ddl(catalogue.stream("profile_log_events"), "")) home.ask(sql);
  home.ask("CREATE DATABASE original");
  home.ask(std::string(kOriginal));
  auto statement = BenchHome::long_options();
  statement.settings["max_partitions_per_insert_block"] = "0";
  statement.settings["max_insert_block_size"] = "1000000";
  for (uint64_t at = 0; at < logs.rows(); at += kBatch) {
    const std::string rows = fmt::format(fmt::runtime(kLogs), at, std::min(kBatch, logs.rows() - at), logs.days);
    const double ours = bench::seconds([&] { home.ask(fmt::format(fmt::runtime(kOurRows), rows), statement); });
    const double theirs = bench::seconds([&] { home.ask(fmt::format(fmt::runtime(kOriginalRows), rows), statement); });
    options.say(fmt::format("{} of {} logs: ours {:.1f} s with the rollup, original {:.1f} s",
                            std::min(at + kBatch, logs.rows()), logs.rows(), ours, theirs));
  }
  // What merges reach in the long run; without it the figure is one of how long the bench has waited.
  for (const char* table : {"events.profile_log", "events.profile_daily", "original.profile_log_events"}) {
    const double took = bench::seconds([&] { home.ask(fmt::format("OPTIMIZE TABLE {} FINAL", table)); });
    options.say(fmt::format("{} merged in {:.1f} s", table, took));
  }
}

double bytes_a_log(BenchHome& home, const std::string& database, const std::string& table) {
  return home.number(fmt::format(
      "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = '{}' AND table = '{}'",
      database, table));
}

struct Latency {
  double p50 = 0, p99 = 0;  // milliseconds
};

Latency ask_for_series(BenchHome& home, std::string_view sql, const Logs& logs, const std::vector<std::string>& ids,
                       std::mt19937_64& random) {
  std::vector<double> took;
  for (int i = 0; i < kQuestions; ++i) {
    const int64_t since = int64_t(random() % (logs.days - kSeriesDays + 1));
    const auto day = [&](int64_t n) {
      return to_date(system_clock().now() - std::chrono::days{int64_t(logs.days) - since - n});
    };
    warehouse::QueryOptions options;
    options.params = {{"platform", "YOUTUBE"},
                      {"profile", ids[random() % ids.size()]},
                      {"first", day(0)},
                      {"last", day(kSeriesDays - 1)}};
    options.settings["max_threads"] = "1";  // as coffee does: a series is one thread's work
    const auto began = SteadyClock::now();
    const std::string answer = home.ask(std::string(sql), std::move(options));
    took.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - began).count());
    if (const auto days = std::count(answer.begin(), answer.end(), '\n'); days != kSeriesDays)
      throw Permanent(fmt::format("a series has {} days in place of {}", days, kSeriesDays));
  }
  std::sort(took.begin(), took.end());
  const auto quantile = [&](double q) { return took[size_t(std::ceil(q * double(took.size()))) - 1]; };
  return {quantile(0.5), quantile(0.99)};
}

Logs logs_of(const bench::Options& options, uint64_t rows, uint64_t days) {
  if (options.rows) rows = options.rows;
  const Logs logs{.profiles = rows / days, .days = days};
  if (logs.profiles == 0) throw InvalidInput(fmt::format("--rows must be {} at least", days));
  return logs;
}

bench::Result growth(const bench::Options& options) {
  // 200,000 profiles; with fewer logs the history is shorter, with too few for 50 days there are fewer profiles.
  const uint64_t rows = options.rows ? options.rows : 100'000'000;
  const Logs logs = logs_of(options, rows, std::max<uint64_t>(50, rows / 200'000));
  BenchHome home("growth");
  generate(home, options, logs);
  std::vector<std::string> ids;
  const std::string chosen = home.ask(
      "SELECT DISTINCT profile_id FROM events.profile_daily WHERE date = today() - 1 ORDER BY rand() LIMIT 20000");
  for (const auto id : split(chosen, '\n'))
    if (!id.empty()) ids.emplace_back(id);
  std::mt19937_64 random(options.runs);
  std::vector<double> ours, theirs, ours_p50, theirs_p50;
  for (int run = 0; run <= options.runs; ++run) {
    const Latency a = ask_for_series(home, kOurQuestion, logs, ids, random);
    const Latency b = ask_for_series(home, kOriginalQuestion, logs, ids, random);
    if (run == 0) continue;  // fills the caches of both
    options.say(fmt::format("run {}: ours p50 {:.2f} p99 {:.2f} ms, original p50 {:.2f} p99 {:.2f} ms", run, a.p50,
                            a.p99, b.p50, b.p99));
    ours.push_back(a.p99);
    theirs.push_back(b.p99);
    ours_p50.push_back(a.p50);
    theirs_p50.push_back(b.p50);
  }
  bench::Result result;
  result.value = bench::median(ours);
  result.unit = "ms";
  result.lower_is_better = true;
  result.peer = "the original's table and query (metrics as JSON, parsed when asked for) on the same engine, p99";
  result.peer_value = bench::median(theirs);
  result.runs = options.runs;
  result.details = {{"logs", fmt::format("{} of {} profiles, {} days", logs.rows(), logs.profiles, logs.days)},
                    {"questions a run", std::to_string(kQuestions)},
                    {"p50", fmt::format("{:.2f} ms", bench::median(ours_p50))},
                    {"p50 of the original", fmt::format("{:.2f} ms", bench::median(theirs_p50))},
                    {"bytes a day in the rollup", fmt::format("{:.1f}", bytes_a_log(home, "events", "profile_daily"))}};
  return result;
}

bench::Result storage(const bench::Options& options) {
  const Logs logs = logs_of(options, 10'000'000, 500);
  BenchHome home("storage");
  generate(home, options, logs);
  const auto ours_where = [&](const std::string& where) {
    return home.number(
        "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = 'events' AND table = "
        "'profile_log' AND partition " +
        where);
  };
  bench::Result result;
  result.value = bytes_a_log(home, "events", "profile_log");
  result.unit = "bytes a log";
  result.lower_is_better = true;
  result.peer = "the original's table (text ids, metrics and dimensions as JSON) on the same engine";
  result.peer_value = bytes_a_log(home, "original", "profile_log_events");
  result.runs = 1;  // the same bytes each time
  const std::string month = "toString(toYYYYMM(today() - 91))";
  result.details = {
      {"logs", fmt::format("{} of {} profiles, {} days, merged", logs.rows(), logs.profiles, logs.days)},
      {"younger than 90 days, with their ids", fmt::format("{:.1f}", ours_where("> " + month))},
      {"older, ids dropped", fmt::format("{:.1f}", ours_where("< " + month))},
      {"the daily rollup beside, a day", fmt::format("{:.1f}", bytes_a_log(home, "events", "profile_daily"))}};
  return result;
}

}  // namespace

void register_warehouse_benches(bench::Registry& registry) {
  registry.add("growth", "30 days of one profile out of 100M logs (--rows), through the HTTP interface: p99", growth);
  registry.add("storage", "Bytes a profile log takes on disk", storage);
}

}  // namespace dalgona
