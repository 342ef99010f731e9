#include "dalgona/bench_growth.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <random>
#include <set>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/text.h"
#include "coffee/series/rollup.h"
#include "coffee/series/series.h"
#include "dalgona/bench_home.h"
#include "dalgona/bench_logs.h"
#include "dalgona/bench_postgres_log.h"
#include "events/series_key.h"
#include "warehouse/point_query.h"

namespace dalgona {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kSeriesDays = 30;  // days of a series
constexpr int kQuestions = 300;  // of one run
// PostgreSQL takes 300 bytes a log and ten minutes for 100 million, so it holds this many at most.
constexpr uint64_t kMostInPostgres = 10'000'000;

constexpr std::array<std::string_view, 3> kSeriesMetrics{"followers", "views", "uploads"};
constexpr std::string_view kOriginalQuestion = R"sql(
  SELECT toDate(event_timestamp) AS date, argMax(JSONExtractInt(metrics, 'followers'), event_timestamp) AS followers,
         argMax(JSONExtractInt(metrics, 'views'), event_timestamp) AS views, argMax(JSONExtractInt(metrics, 'uploads'), event_timestamp) AS uploads
  FROM original.profile_log_events
  WHERE platform = {platform:String} AND profile_id = {profile:String} AND date BETWEEN {first:Date} AND {last:Date}
  GROUP BY date ORDER BY date)sql";

double bytes_a_log(BenchHome& home, const std::string& database, const std::string& table,
                   const std::string& where = "true") {
  return home.number(
      fmt::format("SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts WHERE active AND database = '{}' AND table "
                  "= '{}' AND {}",
                  database, table, where));
}

// What merges reach in the long run; without it a figure is one of how long the bench has waited.
void merge_log(BenchHome& home, const bench::Options& options, const std::string& table) {
  const double took = bench::seconds([&] { home.ask(fmt::format("OPTIMIZE TABLE {} FINAL", table)); });
  options.say(fmt::format("{} merged in {:.1f} s", table, took));
}

// Processor time that the process has taken so far, in milliseconds.
double processor_time(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto fields = split(text.substr(std::min(text.rfind(')') + 2, text.size())), ' ');
  if (fields.size() < 13) return 0;
  const auto ticks = std::stoull(std::string(fields[11])) + std::stoull(std::string(fields[12]));
  return double(ticks) * 1000 / double(::sysconf(_SC_CLK_TCK));
}

struct Latency {
  double p50 = 0, p99 = 0, processor = 0;  // milliseconds; `processor`: the server's, the mean of a question
};

// Of several runs.
Latency median(const std::vector<Latency>& runs) {
  const auto of = [&](double Latency::*value) {
    std::vector<double> values;
    for (const auto& run : runs) values.push_back(run.*value);
    return bench::median(std::move(values));
  };
  return {of(&Latency::p50), of(&Latency::p99), of(&Latency::processor)};
}

// A profile, and the first and last of its thirty days.
struct Question {
  std::string profile, first, last;
};

class Questions {
 public:
  Questions(const ProfileLogs& logs, std::vector<std::string> ids, uint64_t seed)
      : logs_(logs), ids_(std::move(ids)), random_(seed) {}
  Question next() {
    const int64_t since = int64_t(random_() % (logs_.days - kSeriesDays + 1));
    const auto day = [&](int64_t n) {
      return to_date(system_clock().now() - std::chrono::days{int64_t(logs_.days) - since - n});
    };
    return {ids_[random_() % ids_.size()], day(0), day(kSeriesDays - 1)};
  }

 private:
  ProfileLogs logs_;
  std::vector<std::string> ids_;
  std::mt19937_64 random_;
};

template <typename Ask>
Latency measure_series(Questions& questions, Ask ask, pid_t server = -1) {
  std::vector<double> took;
  const double before = server > 0 ? processor_time(server) : 0;
  for (int i = 0; i < kQuestions; ++i) {
    const Question question = questions.next();
    const auto began = SteadyClock::now();
    const size_t days = ask(question);
    took.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - began).count());
    if (days != kSeriesDays) throw Permanent(fmt::format("a series has {} days in place of {}", days, kSeriesDays));
  }
  const double spent = server > 0 ? (processor_time(server) - before) / kQuestions : 0;
  std::sort(took.begin(), took.end());
  return {bench::quantile(took, 0.5), bench::quantile(took, 0.99), spent};
}

// As coffee asks, over the same statement, settings and interface. Rows of a day that merges have not put together yet
// are several.
size_t ask_ours(BenchHome& home, const Question& q) {
  const auto range =
      events::series_of({"YOUTUBE", q.profile}, coffee::day_from_store(q.first), coffee::day_from_store(q.last));
  const std::string sql = coffee::rollup_rows("profile_daily", range, kSeriesMetrics);
  const std::string answer =
      home.warehouse().query_blocking(sql, "JSONCompactEachRow", warehouse::point_query_options());
  std::set<std::string_view> days;
  for (const auto line : split(answer, '\n'))
    if (!line.empty()) days.insert(line.substr(0, std::string_view("[\"2026-01-01").size()));
  return days.size();
}

// What no question through the interface can be faster than: one that reads nothing.
size_t ask_nothing(BenchHome& home, const Question&) {
  home.warehouse().query_blocking("SELECT 1", "JSONCompactEachRow", warehouse::point_query_options());
  return kSeriesDays;
}

size_t ask_original(BenchHome& home, const Question& q) {
  warehouse::QueryOptions options;
  options.params = {{"platform", "YOUTUBE"}, {"profile", q.profile}, {"first", q.first}, {"last", q.last}};
  options.settings["max_threads"] = "1";
  const std::string answer = home.ask(std::string(kOriginalQuestion), std::move(options));
  return size_t(std::count(answer.begin(), answer.end(), '\n'));
}

ProfileLogs logs_of(const bench::Options& options, uint64_t rows, uint64_t days) {
  if (options.rows) rows = options.rows;
  const ProfileLogs logs{.profiles = rows / days, .days = days};
  if (logs.profiles == 0) throw InvalidInput(fmt::format("--rows must be {} at least", days));
  return logs;
}

std::vector<std::string> some_profiles(BenchHome& home) {
  const std::string chosen = home.ask(
      "SELECT DISTINCT profile_id FROM events.profile_daily WHERE date = today() - 2 ORDER BY rand() LIMIT 20000");
  std::vector<std::string> ids;
  for (const auto id : split(chosen, '\n'))
    if (!id.empty()) ids.emplace_back(id);
  return ids;
}

// The latest observation of 20,000 profiles once more, in five inserts: their last days lie in six parts.
void insert_more(BenchHome& home) {
  for (int i = 1; i <= 5; ++i)
    home.ask(fmt::format(
        "INSERT INTO events.profile_log (event_id, source, platform, profile_id, event_timestamp, followers, views, "
        "uploads) "
        "SELECT generateUUIDv7(), 'again', platform, profile_id, observed_at + {}, followers, views, uploads "
        "FROM events.profile_daily WHERE date >= today() - 30 LIMIT 30 BY profile_id LIMIT 600000",
        i));
}

bench::Result growth(const bench::Options& options) {
  // 200,000 profiles; with fewer logs the history is shorter, with too few for 50 days there are fewer profiles.
  const uint64_t rows = options.rows ? options.rows : 100'000'000;
  const ProfileLogs logs = logs_of(options, rows, std::max<uint64_t>(50, rows / 200'000));
  BenchHome home("growth");
  make_log_tables(home);
  PostgresLog postgres(home);
  uint64_t copied = 0;
  const auto copy = [&] {
    if (copied >= kMostInPostgres) return;
    copied += uint64_t(home.number("SELECT count() FROM made.logs"));
    const double took = bench::seconds([&] { postgres.take_batch(); });
    options.say(fmt::format("PostgreSQL has {} logs, the last ones in {:.1f} s", copied, took));
  };
  const auto ours = [&](const Question& q) { return ask_ours(home, q); };
  // A tenth first: the figure must not grow with the logs.
  const uint64_t tenth = std::max<uint64_t>(1, logs.profiles / 10);
  fill_logs(home, logs, 0, tenth, options.say, copy);
  merge_log(home, options, "events.profile_daily");
  Questions few(logs, some_profiles(home), uint64_t(options.runs));
  measure_series(few, ours);
  const Latency small = measure_series(few, ours, home.warehouse_pid());
  options.say(fmt::format("{} logs: p50 {:.2f} p99 {:.2f} ms, processor {:.2f} ms", tenth * logs.days, small.p50,
                          small.p99, small.processor));
  fill_logs(home, logs, tenth, logs.profiles, options.say, copy);
  const uint64_t in_postgres = postgres.finish();
  for (const char* table : {"events.profile_daily", "original.profile_log_events"}) merge_log(home, options, table);

  Questions questions(logs, some_profiles(home), uint64_t(options.runs));
  // PostgreSQL may hold fewer profiles; the first ones.
  Questions for_postgres(logs, postgres.some_profiles(), uint64_t(options.runs));
  std::vector<Latency> all_ours, all_originals, all_postgres, all_least;
  for (int run = 0; run <= options.runs; ++run) {
    const Latency a = measure_series(questions, ours, home.warehouse_pid());
    const Latency b = measure_series(
        questions, [&](const Question& q) { return ask_original(home, q); }, home.warehouse_pid());
    const Latency c =
        measure_series(for_postgres, [&](const Question& q) { return postgres.ask(q.profile, q.first, q.last); });
    const Latency d = measure_series(
        questions, [&](const Question& q) { return ask_nothing(home, q); }, home.warehouse_pid());
    if (run == 0) continue;  // fills the caches of all
    options.say(fmt::format(
        "run {}: ours p50 {:.2f} p99 {:.2f} ms, original p50 {:.2f} p99 {:.2f} ms, PostgreSQL p50 {:.2f} p99 {:.2f} "
        "ms, SELECT 1 p50 {:.2f} p99 {:.2f} ms",
        run, a.p50, a.p99, b.p50, b.p99, c.p50, c.p99, d.p50, d.p99));
    all_ours.push_back(a), all_originals.push_back(b), all_postgres.push_back(c), all_least.push_back(d);
  }
  const double merged_bytes = bytes_a_log(home, "events", "profile_daily");
  insert_more(home);
  const double parts =
      home.number("SELECT count() FROM system.parts WHERE active AND database = 'events' AND table = 'profile_daily'");
  measure_series(questions, ours);
  const Latency fresh = measure_series(questions, ours, home.warehouse_pid());
  const auto line = [](const Latency& l) {
    return fmt::format("p50 {:.2f} ms, p99 {:.2f} ms, processor time of the server {:.2f} ms", l.p50, l.p99,
                       l.processor);
  };
  const Latency mine = median(all_ours), original = median(all_originals), in_memory = median(all_postgres);
  bench::Result result;
  result.value = mine.p99;
  result.unit = "ms";
  result.lower_is_better = true;
  result.peer = "the original's table and query (metrics as JSON, parsed when asked for) on the same engine, p99";
  result.peer_value = original.p99;
  result.runs = options.runs;
  result.details = {
      {"logs", fmt::format("{} of {} profiles, {} days", logs.rows(), logs.profiles, logs.days)},
      {"questions a run", std::to_string(kQuestions)},
      {"ours", line(mine)},
      {fmt::format("ours with {} logs", tenth * logs.days), line(small)},
      {fmt::format("ours in {:.0f} parts, days in up to 6 of them", parts), line(fresh)},
      {"original", line(original)},
      {"SELECT 1, ours", line(median(all_least))},
      {fmt::format("PostgreSQL with {} logs, index (platform, profile_id, event_timestamp), all in memory",
                   in_postgres),
       fmt::format("p50 {:.2f} ms, p99 {:.2f} ms, {:.0f} bytes a log", in_memory.p50, in_memory.p99,
                   double(postgres.bytes()) / double(std::max<uint64_t>(1, in_postgres)))},
      {"bytes a day in the rollup", fmt::format("{:.1f}", merged_bytes)}};
  return result;
}

bench::Result storage(const bench::Options& options) {
  const ProfileLogs logs = logs_of(options, 10'000'000, 500);
  BenchHome home("storage");
  make_log_tables(home);
  fill_logs(home, logs, 0, logs.profiles, options.say);
  for (const char* table : {"events.profile_log", "events.profile_daily", "original.profile_log_events"})
    merge_log(home, options, table);
  bench::Result result;
  result.value = bytes_a_log(home, "events", "profile_log");
  result.unit = "bytes a log";
  result.lower_is_better = true;
  result.peer = "the original's table (text ids, metrics and dimensions as JSON) on the same engine";
  result.peer_value = bytes_a_log(home, "original", "profile_log_events");
  result.runs = 1;  // the same bytes each time
  const double young =
      home.number("SELECT avg(event_id != toUUID('00000000-0000-0000-0000-000000000000')) FROM events.profile_log");
  result.details = {
      {"logs", fmt::format("{} of {} profiles, {} days, merged", logs.rows(), logs.profiles, logs.days)},
      {"younger than 30 days, with their ids",
       fmt::format("{:.1f}",
                   bytes_a_log(home, "events", "profile_log", "partition = toString(toYYYYMM(today() - 1))"))},
      {"older, ids dropped", fmt::format("{:.1f}", bytes_a_log(home, "events", "profile_log",
                                                               "partition < toString(toYYYYMM(today() - 31))"))},
      {"rows that have an id", fmt::format("{:.1f} %", 100 * young)},
      {"entropy", entropy_of(logs, young).text()},
      {"the daily rollup beside, a day", fmt::format("{:.1f}", bytes_a_log(home, "events", "profile_daily"))}};
  const std::string columns = home.ask(
      "SELECT column, sum(column_data_compressed_bytes) / (SELECT count() FROM events.profile_log) AS bytes FROM "
      "system.parts_columns WHERE active AND database = 'events' AND table = 'profile_log' GROUP BY column HAVING "
      "bytes "
      ">= 0.005 ORDER BY bytes DESC");
  std::string list;
  for (const auto row : split(columns, '\n')) {
    const auto cells = split(row, '\t');
    if (cells.size() == 2)
      list += fmt::format("{}{} {:.2f}", list.empty() ? "" : ", ", cells[0], std::stod(std::string(cells[1])));
  }
  if (!list.empty()) result.details.emplace_back("by column, where a column has a file", list);
  return result;
}

}  // namespace

void register_warehouse_benches(bench::Registry& registry) {
  registry.add("growth", "30 days of one profile out of 100M logs (--rows), through the HTTP interface: p99", growth);
  registry.add("storage", "Bytes a profile log takes on disk", storage);
}

}  // namespace dalgona
