#include "stir/history.h"

namespace dalgona::stir {

Task<std::optional<int64_t>> History::begin(std::string dag, std::string trigger) {
  postgres::Params stale;
  stale.emplace_back(dag);
  co_await pool_.query(
      "UPDATE stir.run SET status = 'FAILED', finished_at = now(), error = 'its process ended' WHERE dag = $1 AND "
      "status = "
      "'RUNNING' AND heartbeat_at < now() - interval '20 seconds'",
      stale);
  postgres::Params row;
  row.emplace_back(dag);
  row.emplace_back(trigger);
  const auto made = co_await pool_.query(
      "INSERT INTO stir.run (dag, trigger) VALUES ($1, $2) ON CONFLICT (dag) WHERE status = 'RUNNING' DO NOTHING "
      "RETURNING id",
      row);
  if (made.rows() == 0) co_return std::nullopt;
  co_return made.integer(0, "id");
}

Task<void> History::heartbeat(int64_t run, int attempt) {
  postgres::Params row;
  row.emplace_back(std::to_string(run));
  row.emplace_back(std::to_string(attempt));
  co_await pool_.query("UPDATE stir.run SET heartbeat_at = now(), attempt = $2::int WHERE id = $1::bigint", row);
}

Task<void> History::finish(int64_t run, bool ok, std::string error, boost::json::object report) {
  postgres::Params row;
  row.emplace_back(std::to_string(run));
  row.emplace_back(ok ? "SUCCESS" : "FAILED");
  if (error.empty())
    row.emplace_back(std::nullopt);
  else
    row.emplace_back(error);
  row.emplace_back(boost::json::serialize(report));
  co_await pool_.query(
      "UPDATE stir.run SET status = $2, finished_at = now(), error = $3, report = $4::jsonb WHERE id = $1::bigint AND "
      "status = 'RUNNING'",
      row);
}

Task<std::optional<std::string>> History::run(int64_t id) {
  postgres::Params row;
  row.emplace_back(std::to_string(id));
  const auto found =
      co_await pool_.query("SELECT to_jsonb(r) - 'heartbeat_at' AS run FROM stir.run r WHERE id = $1::bigint", row);
  if (found.rows() == 0) co_return std::nullopt;
  co_return std::string(found.text(0, "run"));
}

Task<std::string> History::runs(std::string dag, int limit) {
  postgres::Params row;
  row.emplace_back(dag);
  row.emplace_back(std::to_string(limit));
  const auto found = co_await pool_.query(
      "SELECT coalesce(jsonb_agg(to_jsonb(r) - 'heartbeat_at' - 'report'), '[]') AS runs FROM (SELECT * FROM stir.run "
      "WHERE $1 = '' OR dag = $1 ORDER BY id DESC LIMIT $2::int) r",
      row);
  co_return std::string(found.text(0, "runs"));
}

}  // namespace dalgona::stir
