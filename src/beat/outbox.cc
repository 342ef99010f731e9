#include "beat/outbox.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/metrics.h"
#include "beat/event_id.h"
#include "beat/events.h"

namespace dalgona::beat {
namespace {

constexpr std::string_view kTake = R"sql(
  SELECT seq, at, body FROM beat.scrape_request_log_outbox ORDER BY seq LIMIT 2000 FOR UPDATE SKIP LOCKED)sql";
constexpr std::string_view kDelete = "DELETE FROM beat.scrape_request_log_outbox WHERE seq = ANY($1::bigint[])";

}  // namespace

std::string state_event(int64_t seq, Time at, std::string_view body) {
  namespace json = boost::json;
  const json::value value = json::parse({body.data(), body.size()});
  const json::object& row = value.as_object();
  json::object event{{"event_id", event_uuid(at, fmt::format("scl/{}", seq)).text()}, {"event_timestamp", to_sql(at)}};
  for (const char* key : {"scl_id", "platform", "flow", "params", "status", "priority", "reason"})
    if (const json::value* found = row.if_contains(key)) event[key] = *found;
  for (const char* key : {"picked_at", "expires_at"})
    if (const json::value* found = row.if_contains(key); found && found->is_string())
      event[key] = to_sql(parse_time(std::string_view(found->get_string())));
  return json::serialize(event);
}

Task<size_t> Outbox::drain_some() {
  size_t taken = 0;
  std::exception_ptr failed;
  try {
    co_await pool_.transaction([&](postgres::Session& session) -> Task<void> {
      const postgres::Result rows = co_await session.query(kTake);
      if (rows.rows() == 0) co_return;
      std::vector<int64_t> seqs;
      std::vector<std::string> lines;
      for (size_t i = 0; i < rows.rows(); ++i) {
        seqs.push_back(rows.integer(i, "seq"));
        if (publish_) lines.push_back(state_event(seqs.back(), parse_time(rows.text(i, "at")), rows.text(i, "body")));
      }
      if (publish_)
        co_await publisher_.publish(pack("scrape_request_log_events", lines, events_per_message_, maybe_resent_));
      postgres::Params params{postgres::array(seqs)};
      co_await session.query(kDelete, std::move(params));
      taken = seqs.size();
    });
  } catch (...) {
    failed = std::current_exception();
  }
  maybe_resent_ = bool(failed);
  if (failed) std::rethrow_exception(failed);
  if (publish_ && taken)
    metrics::counter("dalgona_beat_states_total", "State changes published and confirmed").Increment(double(taken));
  co_return taken;
}

}  // namespace dalgona::beat
