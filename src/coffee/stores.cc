#include "coffee/stores.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "warehouse/point_query.h"

namespace dalgona::coffee {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kRetryAfter{2};
constexpr std::chrono::seconds kComplainEvery{10};
// ClickHouse: UNKNOWN_TABLE, UNKNOWN_DATABASE.
constexpr int kUnknownTable = 60, kUnknownDatabase = 81;
// PostgreSQL: undefined_table, invalid_schema_name; the schema is there once `dalgona migrate` has run.
bool is_unmigrated(const postgres::SqlError& e) {
  return e.sqlstate == "42P01" || e.sqlstate == "3F000";
}

// Observes how long a query took, failed or not.
class Timer {
 public:
  Timer(std::string_view store, std::string_view query)
      : seconds_(metrics::histogram("dalgona_coffee_query_seconds", "Queries to the stores, waiting included",
                                    {{"store", std::string(store)}, {"query", std::string(query)}})) {}
  ~Timer() { seconds_.Observe(std::chrono::duration<double>(steady_clock::now() - started_).count()); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  prometheus::Histogram& seconds_;
  steady_clock::time_point started_ = steady_clock::now();
};

std::vector<boost::json::array> rows_of(const std::string& lines) {
  std::vector<boost::json::array> rows;
  for (const std::string_view line : split(lines, '\n')) {
    if (line.empty()) continue;
    boost::system::error_code failed;
    boost::json::value row = boost::json::parse({line.data(), line.size()}, failed);
    if (failed || !row.is_array()) throw Permanent("the warehouse's answer is no list of JSON arrays");
    rows.push_back(std::move(row.as_array()));
  }
  return rows;
}

}  // namespace

Stores::Stores(postgres::Pool& postgres, warehouse::Client& warehouse, std::chrono::milliseconds limit)
    : postgres_(postgres), warehouse_(warehouse), limit_(limit) {}

void Stores::away(std::string_view store, std::string_view query, const std::exception& why) {
  const int64_t now = steady_clock::now().time_since_epoch().count();
  int64_t next = next_complaint_.load();
  const int64_t later = now + std::chrono::duration_cast<steady_clock::duration>(kComplainEvery).count();
  if (now >= next && next_complaint_.compare_exchange_strong(next, later))
    log::warn("msg=\"a store does not answer\" store={} query={} error={}", store, query, log::quoted(why.what()));
  metrics::counter("dalgona_coffee_store_away_total", "Queries that a store did not answer",
                   {{"store", std::string(store)}})
      .Increment();
  throw StoreAway(fmt::format("{} does not answer; try again", store), kRetryAfter);
}

Task<postgres::Result> Stores::ask(NamedQuery query, postgres::Params params) {
  const Timer timer("postgres", query.name);
  try {
    co_return co_await postgres_.query(query.sql, std::move(params));
  } catch (const postgres::SqlError& e) {
    if (is_unmigrated(e)) away("PostgreSQL", query.name, e);
    // Class 22: a value that the type does not have, which only a made-up cursor can bring here.
    if (e.sqlstate.starts_with("22")) throw InvalidInput("a value is out of the range that is kept here");
    throw;
  } catch (const Retryable& e) {
    away("PostgreSQL", query.name, e);
  } catch (const Permanent& e) {
    // Refused before any SQL: another password, a database that is not there. Curable without us.
    away("PostgreSQL", query.name, e);
  }
}

Task<std::vector<boost::json::array>> Stores::ask_warehouse(NamedQuery query, WarehouseParams params) {
  warehouse::QueryOptions options;
  options.params = std::move(params);
  // More threads cost more to start than they save (8 ms against 19 ms of one series).
  options.settings["max_threads"] = "1";
  co_return co_await rows(query, std::move(options));
}

Task<std::vector<boost::json::array>> Stores::look_up(NamedQuery query) {
  warehouse::QueryOptions options = warehouse::point_query_options();
  co_return co_await rows(query, std::move(options));
}

Task<std::vector<boost::json::array>> Stores::rows(NamedQuery query, warehouse::QueryOptions options) {
  const Timer timer("warehouse", query.name);
  options.timeout = limit_;
  options.settings["output_format_json_quote_64bit_integers"] = "0";
  options.settings["output_format_json_validate_utf8"] = "1";
  try {
    const std::string answer =
        co_await warehouse_.query(std::string(query.sql), "JSONCompactEachRow", std::move(options));
    co_return rows_of(answer);
  } catch (const warehouse::QueryError& e) {
    if (e.code == kUnknownTable || e.code == kUnknownDatabase) co_return std::vector<boost::json::array>();
    throw;
  } catch (const Retryable& e) {
    away("the warehouse", query.name, e);
  }
}

}  // namespace dalgona::coffee
