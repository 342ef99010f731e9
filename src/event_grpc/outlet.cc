#include "event_grpc/outlet.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"

namespace dalgona::event_grpc {

namespace {

using events::FieldType;
using std::chrono::milliseconds;

constexpr milliseconds kHttpTimeout{15'000};

postgres::Param value_of(const events::Field& f, const warehouse::Column& column, size_t row) {
  if (column.is_null(row)) return {};
  switch (f.type) {
    case FieldType::kUuid:
      return column.uuid(row).text();
    case FieldType::kString:
    case FieldType::kKeyword:
      return std::string(column.text(row));
    case FieldType::kJson:
      return column.text(row).empty() ? "null" : std::string(column.text(row));
    case FieldType::kRest:
      return fmt::format("{{{}}}", column.text(row));
    case FieldType::kInt64:
      return std::to_string(column.integer(row));
    case FieldType::kFloat64:
      return fmt::format("{}", column.real(row));
    case FieldType::kBool:
      return column.integer(row) != 0 ? "true" : "false";
    case FieldType::kTime:
      return to_iso(Time{std::chrono::microseconds{column.integer(row)}});
  }
  return {};
}

// A value that the column can't take, or a rule that it breaks; anything else may change by itself or by a person.
bool is_about_the_row(const postgres::SqlError& e) {
  return e.sqlstate.starts_with("22") || e.sqlstate.starts_with("23");
}

}  // namespace

std::string_view postgres_type(FieldType type) {
  switch (type) {
    case FieldType::kUuid:
      return "uuid";
    case FieldType::kInt64:
      return "bigint";
    case FieldType::kFloat64:
      return "double precision";
    case FieldType::kBool:
      return "boolean";
    case FieldType::kTime:
      return "timestamptz";
    case FieldType::kJson:
    case FieldType::kRest:
      return "jsonb";
    case FieldType::kString:
    case FieldType::kKeyword:
      break;
  }
  return "text";
}

PostgresOutlet::PostgresOutlet(Runtime& runtime, postgres::Pool& pool, const events::Stream& stream, StopFlag& stop)
    : runtime_(runtime), pool_(pool), stream_(stream), stop_(stop) {
  std::string columns, arrays;
  for (size_t i = 0; i < stream.fields.size(); ++i) {
    const auto& f = stream.fields[i];
    columns += (i ? ", " : "") + postgres::identifier(f.name);
    arrays += fmt::format("{}${}::{}[]", i ? ", " : "", i + 1, postgres_type(f.type));
  }
  sql_ = fmt::format("INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO NOTHING",
                     postgres::identifier(stream.target.table), columns, arrays, postgres::identifier(stream.id));
}

Task<void> PostgresOutlet::insert(Outgoing& events, size_t from, size_t to) {
  if (from == to) co_return;
  postgres::Params params;
  for (size_t i = 0; i < stream_.fields.size(); ++i) {
    std::vector<std::optional<std::string>> values;
    for (size_t row = from; row < to; ++row)
      values.push_back(value_of(stream_.fields[i], events.block.columns[i], row));
    params.push_back(postgres::array(values));
  }
  std::string refusal;
  for (int attempt = 0;; ++attempt) {
    std::string why;
    try {
      co_await pool_.query(sql_, params);
      for (size_t row = from; row < to; ++row) events.outcomes[row] = {Outcome::Kind::kDone, ""};
      co_return;
    } catch (const postgres::SqlError& e) {
      if (is_about_the_row(e)) {
        refusal = e.what();
        break;
      }
      why = e.what();
    } catch (const Retryable& e) {
      why = e.what();
    }
    if (stop_.stopped()) co_return;
    if (attempt % 20 == 0)
      log::warn("msg=\"PostgreSQL does not take it, trying again\" stream={} attempt={} error={}", stream_.name,
                attempt + 1, log::quoted(why.substr(0, 500)));
    const auto pause = milliseconds(50) + backoff(attempt, milliseconds(100), milliseconds(5000));
    co_await sleep_for(pause);
  }
  if (to - from == 1) {
    events.outcomes[from] = {Outcome::Kind::kRefused, refusal};
    co_return;
  }
  const size_t middle = from + (to - from) / 2;
  co_await insert(events, from, middle);
  co_await insert(events, middle, to);
}

void PostgresOutlet::deliver(std::shared_ptr<Outgoing> events, std::function<void()> done) {
  asio::co_spawn(
      runtime_.executor(), [this, events]() -> Task<void> { co_await insert(*events, 0, events->block.rows()); },
      [events, done = std::move(done)](const std::exception_ptr& failure) {
        // What has no outcome is tried again.
        if (failure) log::debug("msg=\"events for PostgreSQL not written\"");
        done();
      });
}

HttpOutlet::HttpOutlet(Runtime& runtime, http::Client& client, const events::Stream& stream, std::string url,
                       std::string bearer)
    : runtime_(runtime), client_(client), stream_(stream), url_(std::move(url)), bearer_(std::move(bearer)) {}

Task<Outcome> HttpOutlet::post(std::string id, std::string body) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = url_;
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Idempotency-Key", id);
  if (!bearer_.empty()) request.headers.add("Authorization", "Bearer " + bearer_);
  request.body = std::move(body);
  request.timeout = kHttpTimeout;
  request.max_body = 1 << 20;
  Outcome outcome;
  try {
    const http::ClientResponse response = co_await client_.send(std::move(request));
    const int status = response.status;
    if (status >= 200 && status < 300) {
      outcome.kind = Outcome::Kind::kDone;
      co_return outcome;
    }
    const bool again =
        status >= 500 || status == 401 || status == 403 || status == 408 || status == 425 || status == 429;
    outcome.kind = again ? Outcome::Kind::kAgain : Outcome::Kind::kRefused;
    outcome.reason = fmt::format("HTTP {}: {}", status, to_utf8_lossy(std::string_view(response.body).substr(0, 300)));
  } catch (const Retryable& e) {
    outcome.reason = e.what();
  } catch (const Permanent& e) {  // a wrong URL or certificate: no fault of the event
    outcome.reason = e.what();
  }
  co_return outcome;
}

void HttpOutlet::deliver(std::shared_ptr<Outgoing> events, std::function<void()> done) {
  const size_t rows = events->block.rows();
  const auto& ids = events->block.columns[stream_.index_of(stream_.id)];
  auto left = std::make_shared<std::atomic<size_t>>(rows);
  auto finish = std::make_shared<std::function<void()>>(std::move(done));
  for (size_t row = 0; row < rows; ++row)
    asio::co_spawn(runtime_.executor(), post(ids.uuid(row).text(), events->bodies[row]),
                   [events, row, left, finish](const std::exception_ptr& failure, Outcome outcome) {
                     if (!failure) events->outcomes[row] = std::move(outcome);
                     if (--*left == 0) (*finish)();
                   });
}

}  // namespace dalgona::event_grpc
