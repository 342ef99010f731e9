#include "dalgona/bench_logs.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "base/bench.h"
#include "base/resources.h"
#include "events/catalogue.h"
#include "events/ddl.h"

namespace dalgona {
namespace {

constexpr uint64_t kLogsABatch = 2'000'000;  // logs of one generating statement

constexpr std::string_view kMadeTable = R"sql(
  CREATE TABLE made.logs (profile UInt64, profile_id String, handle String, title String, country String,
    event_timestamp DateTime64(6, 'UTC'), inserted_at DateTime64(6, 'UTC'), followers Int64, following Int64, views Int64, uploads Int64)
  ENGINE = Memory)sql";

// The same whenever it is made: chance is sipHash64 of the profile, the day and what it is for. z and z2 are sums of
// four even numbers with mean 0 and variance 1, near enough to normal. {0}: first profile, {1}: how many, {2}: days.
constexpr std::string_view kMadeLogs = R"sql(
  INSERT INTO made.logs
  SELECT profile, profile_id, handle, title, country, event_timestamp,
         event_timestamp + toIntervalMicrosecond(20000 + sipHash64(profile, day, 9) % 500000) AS inserted_at, followers, following, views, uploads
  FROM (
    SELECT number AS profile, {2} AS days, range(days) AS d,
      concat('UC', substring(replaceAll(base64Encode(reinterpretAsString(sipHash128(profile))), '+', '-'), 1, 22)) AS profile_id,
      concat('@', lower(substring(replaceAll(replaceAll(base64Encode(reinterpretAsString(sipHash128(profile, 1))), '+', '.'), '/', '_'), 1, 6 + profile % 8))) AS handle,
      arrayStringConcat(arrayMap(i -> ['an','ber','chi','dor','el','fa','gen','hu','is','jo','ka','lin','mar','no','ol','pra','qui','ri','sha','ter','um','vi','wo','xa','yu','za',' ',' the ','er','ing','ia','on'][1 + sipHash64(profile, i, 2) % 32], range(4 + profile % 6))) AS title,
      ['US','IN','BR','ID','MX','GB','JP','DE','FR','KR','PH','VN'][1 + toUInt8(11 * pow((sipHash64(profile, 3) % 1000) / 1000, 2))] AS country,
      sipHash64(profile, 4) % 80000000000 AS hour,
      pow(10, 2 + (sipHash64(profile, 5) % 1000) / 250) AS pace,
      pace / (20 + sipHash64(profile, 6) % 181) AS follow_pace,
      arrayMap(i -> sipHash64(profile, i, 7), d) AS h,
      arrayMap(x -> (toInt64(bitAnd(x, 65535) + bitAnd(bitShiftRight(x, 16), 65535) + bitAnd(bitShiftRight(x, 32), 65535) + bitShiftRight(x, 48)) - 131070) / 37837, h) AS z,
      arrayMap(i -> sipHash64(profile, i, 8), d) AS h2,
      arrayMap(x -> (toInt64(bitAnd(x, 65535) + bitAnd(bitShiftRight(x, 16), 65535) + bitAnd(bitShiftRight(x, 32), 65535) + bitShiftRight(x, 48)) - 131070) / 37837, h2) AS z2,
      arrayCumSum(arrayMap(v -> toInt64(pace * exp(0.2 * v)), z)) AS gained,
      arrayCumSum(arrayMap(v -> toInt64(round(follow_pace * (0.7 + 0.5 * v))), z2)) AS followed,
      arrayCumSum(arrayMap(i -> toInt64(sipHash64(profile, i, 10) % 100 < 2 + sipHash64(profile, 11) % 60), d)) AS uploaded,
      arrayCumSum(arrayMap(i -> toInt64(sipHash64(profile, i, 12) % 100 < 3), d)) AS follows
    FROM numbers({0}, {1}))
  ARRAY JOIN d AS day,
    arrayMap(i -> toInt64(1000 + pace * (sipHash64(profile, 13) % 300)) + i, gained) AS views,
    arrayMap(i -> toInt64(100 + follow_pace * (sipHash64(profile, 14) % 1000)) + i, followed) AS followers,
    arrayMap(i -> toInt64(sipHash64(profile, 15) % 400) + i, uploaded) AS uploads,
    arrayMap(i -> toInt64(sipHash64(profile, 16) % 500) + i, follows) AS following,
    arrayMap(i -> toDateTime64(today() - days + i, 6, 'UTC')
                  + toIntervalMicrosecond(toInt64(hour - 60000000 * log(((sipHash64(profile, i, 17) % 1000000) + 1) / 1000001))), d) AS event_timestamp)sql";

// The table of the original: every metric in JSON, parsed by whoever asks.
constexpr std::string_view kOriginalLogs = R"sql(
  CREATE TABLE original.profile_log_events (event_id String, source String, platform String, profile_id String, handle Nullable(String),
    event_timestamp DateTime, insert_timestamp DateTime, metrics String, dimensions String)
  ENGINE = MergeTree PARTITION BY toYYYYMM(event_timestamp) ORDER BY (platform, profile_id, event_timestamp))sql";
constexpr std::string_view kOriginalRows = R"sql(
  INSERT INTO original.profile_log_events
  SELECT toString(dateTimeToUUIDv7(toDateTime(event_timestamp))), 'youtube_data_api', 'YOUTUBE', profile_id, handle, event_timestamp, inserted_at,
         concat('{"followers":', toString(followers), ',"following":', toString(following), ',"views":', toString(views), ',"uploads":', toString(uploads), '}'),
         concat('{"title":', toJSONString(title), ',"country":"', country, '"}')
  FROM made.logs)sql";
constexpr std::string_view kOurRows = R"sql(
  INSERT INTO events.profile_log (event_id, source, platform, profile_id, handle, event_timestamp, followers, following, views, uploads, title, country, insert_delay)
  SELECT dateTimeToUUIDv7(toDateTime(event_timestamp)), 'youtube_data_api', 'YOUTUBE', profile_id, handle, event_timestamp,
         followers, following, views, uploads, title, country, toInt64(toUnixTimestamp(inserted_at)) - toInt64(toUnixTimestamp(event_timestamp))
  FROM made.logs)sql";

// Bits of a yes that comes with probability p.
double bits_of(double p) {
  return p <= 0 || p >= 1 ? 0 : -p * std::log2(p) - (1 - p) * std::log2(1 - p);
}

template <typename F>
double mean_over(int steps, F f) {
  double sum = 0;
  for (int i = 0; i < steps; ++i) sum += f((i + 0.5) / steps);
  return sum / steps;
}

}  // namespace

std::string LogEntropy::text() const {
  return fmt::format(
      "{:.1f} bytes: time to the ms {:.2f}, insert's delay {:.2f}, views {:.2f}, followers {:.2f}, uploads {:.2f}, "
      "following {:.2f}, "
      "names {:.2f}, ids {:.2f}",
      total(), time, delay, views, followers, uploads, following, names, ids);
}

LogEntropy entropy_of(const ProfileLogs& logs, double young) {
  // Of a normal distribution with deviation s in whole numbers: log2(s sqrt(2 pi e)), at least that of a coin or two.
  const auto normal = [](double s) {
    return std::max(0.0, std::log2(std::max(0.3, s) * std::sqrt(2 * std::numbers::pi * std::numbers::e)));
  };
  const auto pace = [](double u) { return std::pow(10, 2 + 4 * u); };
  LogEntropy e;
  e.time = std::log2(std::numbers::e * 60'000) / 8;
  // The second of the insert is the event's or the next one: by the event's place in its second and 0.27 s on average.
  e.delay = mean_over(1000, [&](double at) { return bits_of(std::clamp((at - 0.48) / 0.5, 0.0, 1.0)); }) / 8;
  e.views = mean_over(1000, [&](double u) { return normal(0.2 * pace(u)); }) / 8;
  e.followers = mean_over(200,
                          [&](double u) {
                            return mean_over(100, [&](double v) { return normal(0.5 * pace(u) / (20 + 180 * v)); });
                          }) /
                8;
  e.uploads = mean_over(60, [&](double u) { return bits_of(0.02 + 0.6 * u); }) / 8;
  e.following = bits_of(0.03) / 8;
  // Once a profile and month, which is a partition: 22 characters of 6 bits, 6 to 13 of about 5.2, 4 to 9 syllables of
  // 5, the country.
  e.names = (22 * 6 + 9.5 * 5.2 + 6.5 * 5 + 3) / 8 / std::min<double>(double(logs.days), 30.4);
  // Of UUID version 7: its milliseconds are the event's second and 10 bits of their own.
  e.ids = young * (74 + 10) / 8;
  return e;
}

void make_log_tables(BenchHome& home) {
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  for (const auto& sql : events::shared_ddl("")) home.ask(sql);
  for (const auto& sql : events::stream_ddl(catalogue.stream("profile_log_events"), "")) home.ask(sql);
  home.ask("CREATE DATABASE original");
  home.ask(std::string(kOriginalLogs));
  home.ask("CREATE DATABASE made");
  home.ask(std::string(kMadeTable));
}

void fill_logs(BenchHome& home, const ProfileLogs& logs, uint64_t first, uint64_t last,
               const std::function<void(const std::string&)>& say, const std::function<void()>& more) {
  auto statement = BenchHome::long_options();
  statement.settings["max_partitions_per_insert_block"] = "0";
  statement.settings["max_insert_block_size"] = "1000000";
  const uint64_t batch = std::max<uint64_t>(1, kLogsABatch / logs.days);
  for (uint64_t at = first; at < last; at += batch) {
    const uint64_t count = std::min(batch, last - at);
    home.ask("TRUNCATE TABLE made.logs");
    home.ask(fmt::format(fmt::runtime(kMadeLogs), at, count, logs.days), statement);
    const double ours = bench::seconds([&] { home.ask(std::string(kOurRows), statement); });
    const double theirs = bench::seconds([&] { home.ask(std::string(kOriginalRows), statement); });
    if (more) more();
    say(fmt::format("{} of {} logs: ours {:.1f} s with the rollup, original {:.1f} s", (at + count) * logs.days,
                    logs.rows(), ours, theirs));
  }
  home.ask("TRUNCATE TABLE made.logs");
}

}  // namespace dalgona
