#include "dalgona/bench_postgres_log.h"

#include <exception>
#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "base/errors.h"
#include "dalgona/ports.h"

namespace dalgona {
namespace {

constexpr std::string_view kLogTable = R"sql(
  CREATE SCHEMA log;
  CREATE TABLE log.profile_log (event_id uuid NOT NULL, source text NOT NULL, platform text NOT NULL, profile_id text NOT NULL, handle text,
    event_timestamp timestamp NOT NULL, insert_timestamp timestamp NOT NULL, metrics jsonb NOT NULL, dimensions jsonb NOT NULL);)sql";
constexpr std::string_view kLogIndex =
    "CREATE INDEX profile_log_by_profile ON log.profile_log (platform, profile_id, event_timestamp)";

// In TabSeparated, which is COPY's text form but for what needs escaping twice: nothing here does.
constexpr std::string_view kRowsToCopy = R"sql(
  SELECT dateTimeToUUIDv7(toDateTime(event_timestamp)), 'youtube_data_api', 'YOUTUBE', profile_id, handle, event_timestamp, inserted_at,
         concat('{"followers":', toString(followers), ',"following":', toString(following), ',"views":', toString(views), ',"uploads":', toString(uploads), '}'),
         concat('{"title":', toJSONString(title), ',"country":"', country, '"}')
  FROM made.logs)sql";

constexpr std::string_view kPostgresQuestion = R"sql(
  SELECT DISTINCT ON (event_timestamp::date) event_timestamp::date AS date, (metrics->>'followers')::bigint, (metrics->>'views')::bigint,
         (metrics->>'uploads')::bigint
  FROM log.profile_log
  WHERE platform = 'YOUTUBE' AND profile_id = $1 AND event_timestamp >= $2::date AND event_timestamp < $3::date + 1
  ORDER BY event_timestamp::date, event_timestamp DESC)sql";

ChildServerOptions postgres_options(const BenchHome& home) {
  Ports ports(home.path() / "ports");
  ChildServerOptions options;
  options.home = home.path();
  options.port = ports.take("postgres");
  options.durable = false;  // reads are measured
  return options;
}

}  // namespace

PostgresLog::PostgresLog(BenchHome& home) : home_(home), server_(postgres_options(home)) {
  server_.start(std::chrono::seconds{120});
  postgres::PoolOptions options;
  options.url = server_.url();
  options.application_name = "dalgona bench";
  options.size = 1;
  options.statement_timeout = std::chrono::hours{1};
  pool_ = std::make_unique<postgres::Pool>(context_.get_executor(), options);
  run([this]() -> Task<void> { co_await pool_->execute(kLogTable); });
}

PostgresLog::~PostgresLog() {
  pool_.reset();
  try {
    server_.stop(std::chrono::seconds{60});
  } catch (const std::exception&) {  // it ends with this process all the same
  }
}

void PostgresLog::run(std::function<Task<void>()> body) {
  std::optional<std::exception_ptr> ended;
  boost::asio::co_spawn(context_, body(), [&ended](std::exception_ptr failed) { ended = std::move(failed); });
  context_.restart();
  while (!ended && context_.run_one() > 0) {
  }
  if (!ended) throw Permanent("the session with PostgreSQL ended without an answer");
  if (*ended) std::rethrow_exception(*ended);
}

void PostgresLog::take_batch() {
  std::string rows = home_.ask(std::string(kRowsToCopy));
  run([&]() -> Task<void> {
    co_await pool_->with_session([&](postgres::Session& session) -> Task<void> {
      const auto next = [&rows]() -> Task<std::string> { co_return std::exchange(rows, {}); };
      const std::function<Task<std::string>()> pieces = next;
      co_await session.copy_in("COPY log.profile_log FROM STDIN", pieces);
    });
  });
}

uint64_t PostgresLog::finish() {
  uint64_t rows = 0;
  run([&]() -> Task<void> {
    co_await pool_->execute(kLogIndex);
    co_await pool_->execute("VACUUM ANALYZE log.profile_log");
    const auto counted = co_await pool_->query("SELECT count(*) AS n FROM log.profile_log");
    rows = uint64_t(counted.integer(0, "n"));
  });
  return rows;
}

size_t PostgresLog::ask(const std::string& profile_id, const std::string& first, const std::string& last) {
  size_t days = 0;
  run([&]() -> Task<void> {
    postgres::Params params{profile_id, first, last};
    const auto found = co_await pool_->query(kPostgresQuestion, std::move(params));
    days = found.rows();
  });
  return days;
}

std::vector<std::string> PostgresLog::some_profiles() {
  std::vector<std::string> ids;
  run([&]() -> Task<void> {
    const auto found = co_await pool_->query(
        "SELECT DISTINCT profile_id FROM log.profile_log WHERE event_timestamp::date = current_date - 2 LIMIT 20000");
    for (size_t i = 0; i < found.rows(); ++i) ids.emplace_back(found.text(i, 0));
  });
  return ids;
}

uint64_t PostgresLog::bytes() {
  uint64_t size = 0;
  run([&]() -> Task<void> {
    const auto found = co_await pool_->query("SELECT pg_total_relation_size('log.profile_log') AS n");
    size = uint64_t(found.integer(0, "n"));
  });
  return size;
}

}  // namespace dalgona
