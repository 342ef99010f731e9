#include "beat/queue.h"

#include <fmt/format.h>

#include "base/errors.h"

namespace dalgona::beat {
namespace {

using Texts = std::vector<std::string>;
using Nullables = std::vector<std::optional<std::string>>;
using Numbers = std::vector<int64_t>;

// The ids are drawn first, so that the answer can be given in the order of the question.
constexpr std::string_view kEnqueue = R"sql(
  WITH input AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('beat.scrape_request_log', 'id')) AS id, i.*
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::int[])
         WITH ORDINALITY AS i(key, platform, flow, params, priority, account_id, run_after, deadline, max_attempts, at)
  ), inserted AS (
    INSERT INTO beat.scrape_request_log
      (id, idempotency_key, platform, flow, params, priority, account_id, run_after, deadline, expires_at, max_attempts)
    OVERRIDING SYSTEM VALUE
    SELECT id, key, platform, flow, params::jsonb, priority, account_id, coalesce(run_after, now()), deadline, deadline, max_attempts
    FROM input ORDER BY at
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING id
  )
  SELECT input.at - 1 AS at, inserted.id FROM input LEFT JOIN inserted USING (id) ORDER BY input.at)sql";

constexpr std::string_view kByKey = R"sql(
  SELECT id, idempotency_key FROM beat.scrape_request_log WHERE idempotency_key = ANY($1::text[]))sql";

// One index range a flow; what a flow locked but the overall limit left out is free again at commit.
constexpr std::string_view kClaim = R"sql(
  WITH want(flow, n) AS (SELECT * FROM unnest($1::text[], $2::int[])),
  due AS (
    SELECT d.id, d.priority FROM want, LATERAL (
      SELECT s.id, s.priority FROM beat.scrape_request_log s
      WHERE s.status = 'PENDING' AND s.flow = want.flow AND s.run_after <= now() AND (s.expires_at IS NULL OR s.expires_at > now())
      ORDER BY s.priority DESC, s.id LIMIT want.n FOR UPDATE SKIP LOCKED) d
    ORDER BY d.priority DESC, d.id LIMIT $3::int)
  UPDATE beat.scrape_request_log t SET
    status = 'PROCESSING', picked_at = now(), attempts = t.attempts + 1, waiting_for = NULL,
    expires_at = least(t.deadline, now() + interval '1 hour'),
    lease_owner = $4::text, lease_until = now() + $5::bigint * interval '1 millisecond', lease_token = t.lease_token + 1
  FROM due WHERE t.id = due.id
  RETURNING t.id, t.lease_token, t.platform, t.flow, t.params, t.attempts, t.max_attempts, t.created_at, t.picked_at,
            greatest(t.created_at, t.run_after) AS eligible_at, t.priority)sql";

constexpr std::string_view kSettle = R"sql(
  UPDATE beat.scrape_request_log t SET
    status = o.status, reason = o.reason, data = coalesce(o.data::jsonb, t.data),
    scraped_at = CASE WHEN o.status = 'COMPLETE' THEN now() ELSE t.scraped_at END,
    run_after = CASE WHEN o.status = 'PENDING' THEN now() + o.wait * interval '1 millisecond' ELSE t.run_after END,
    expires_at = CASE WHEN o.status = 'PENDING' THEN t.deadline ELSE t.expires_at END,
    retry_count = t.retry_count + CASE WHEN o.status = 'PENDING' THEN o.counted ELSE 0 END,
    attempts = t.attempts - CASE WHEN o.counted = 1 THEN 0 ELSE 1 END,
    waiting_for = o.waiting_for, lease_owner = NULL, lease_until = NULL
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::int[], $8::text[])
       AS o(id, token, status, reason, data, wait, counted, waiting_for)
  WHERE t.id = o.id AND t.lease_token = o.token AND t.status = 'PROCESSING'
  RETURNING t.id)sql";

constexpr std::string_view kHeartbeat = R"sql(
  UPDATE beat.scrape_request_log t SET lease_until = now() + $3::bigint * interval '1 millisecond'
  FROM unnest($1::bigint[], $2::bigint[]) AS h(id, token)
  WHERE t.id = h.id AND t.lease_token = h.token AND t.status = 'PROCESSING'
  RETURNING t.id)sql";

// The token moves on with the lapse, so that the silent worker is fenced off even before anybody claims again.
constexpr std::string_view kLapse = R"sql(
  WITH lapsed AS (
    SELECT id FROM beat.scrape_request_log WHERE status = 'PROCESSING' AND lease_until < now()
    ORDER BY lease_until LIMIT 1000 FOR UPDATE SKIP LOCKED)
  UPDATE beat.scrape_request_log t SET
    status = CASE WHEN t.attempts >= t.max_attempts THEN 'FAILED' ELSE 'PENDING' END,
    reason = 'lease lapsed: no word from ' || coalesce(t.lease_owner, 'the worker') || ' in attempt ' || t.attempts,
    retry_count = t.retry_count + 1, run_after = now(), expires_at = t.deadline,
    lease_owner = NULL, lease_until = NULL, lease_token = t.lease_token + 1
  FROM lapsed WHERE t.id = lapsed.id)sql";

constexpr std::string_view kExpire = R"sql(
  WITH expired AS (
    SELECT id FROM beat.scrape_request_log WHERE status = 'PENDING' AND expires_at <= now()
    ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
  UPDATE beat.scrape_request_log t SET status = 'FAILED', waiting_for = NULL,
    reason = 'expired before it could be done' || coalesce('; before that: ' || t.reason, '')
  FROM expired WHERE t.id = expired.id)sql";

constexpr std::string_view kWake = R"sql(
  UPDATE beat.scrape_request_log SET run_after = now(), waiting_for = NULL
  WHERE status = 'PENDING' AND waiting_for = $1::text)sql";

constexpr std::string_view kGet = "SELECT row_to_json(t) AS task FROM beat.scrape_request_log t WHERE id = $1::bigint";

constexpr std::string_view kTaskList = R"sql(
  SELECT row_to_json(t) AS task FROM beat.scrape_request_log t
  WHERE ($1::text IS NULL OR status = $1::text) AND ($2::text IS NULL OR flow = $2::text) ORDER BY id DESC LIMIT $3::int)sql";

constexpr std::string_view kCounts =
    "SELECT flow, status, count(*) AS tasks FROM beat.scrape_request_log GROUP BY flow, status ORDER BY flow, status";

std::optional<std::string> sql_time(const std::optional<Time>& t) {
  if (!t) return {};
  return to_iso(*t);
}

std::vector<int64_t> ids_of(const postgres::Result& result) {
  std::vector<int64_t> ids;
  for (size_t row = 0; row < result.rows(); ++row) ids.push_back(result.integer(row, "id"));
  return ids;
}

}  // namespace

Queue::Queue(postgres::Pool& pool, std::string owner, std::chrono::milliseconds lease)
    : pool_(pool), owner_(std::move(owner)), lease_(lease) {}

Task<std::vector<Enqueued>> Queue::enqueue(std::vector<NewTask> tasks) {
  Nullables keys, accounts, run_after, deadlines;
  Texts platforms, flows, params;
  Numbers priorities, max_attempts;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const NewTask& task = tasks[i];
    if (task.max_attempts < 1) throw InvalidInput(fmt::format("task {}: max_attempts must be at least 1", i));
    keys.push_back(task.idempotency_key);
    platforms.push_back(task.platform);
    flows.push_back(task.flow);
    params.push_back(task.params);
    priorities.push_back(task.priority);
    accounts.push_back(task.account_id);
    run_after.push_back(sql_time(task.run_after));
    deadlines.push_back(sql_time(task.deadline));
    max_attempts.push_back(task.max_attempts);
  }
  std::vector<Enqueued> enqueued(tasks.size());
  if (tasks.empty()) co_return enqueued;
  postgres::Params row{postgres::array(keys),      postgres::array(platforms),  postgres::array(flows),
                       postgres::array(params),    postgres::array(priorities), postgres::array(accounts),
                       postgres::array(run_after), postgres::array(deadlines),  postgres::array(max_attempts)};
  const postgres::Result result = co_await pool_.query(kEnqueue, std::move(row));
  Texts known;
  for (size_t i = 0; i < result.rows(); ++i) {
    if (const auto id = result.optional(i, "id"))
      enqueued[i] = {std::stoll(*id), true};
    else
      known.push_back(tasks[i].idempotency_key.value_or(""));
  }
  if (known.empty()) co_return enqueued;
  postgres::Params wanted{postgres::array(known)};
  const postgres::Result existing = co_await pool_.query(kByKey, std::move(wanted));
  std::map<std::string, int64_t, std::less<>> by_key;
  for (size_t i = 0; i < existing.rows(); ++i)
    by_key.emplace(existing.text(i, "idempotency_key"), existing.integer(i, "id"));
  for (size_t i = 0; i < enqueued.size(); ++i) {
    if (enqueued[i].created) continue;
    const auto found = by_key.find(tasks[i].idempotency_key.value_or(""));
    // Only when somebody deletes rows between the two statements.
    if (found == by_key.end()) throw Retryable("the task with this idempotency key has just gone");
    enqueued[i].id = found->second;
  }
  co_return enqueued;
}

Task<std::vector<Lease>> Queue::claim(std::map<std::string, int> free, int limit) {
  Texts flows;
  Numbers counts;
  for (const auto& [flow, count] : free) {
    if (count <= 0) continue;
    flows.push_back(flow);
    counts.push_back(count);
  }
  std::vector<Lease> leases;
  if (flows.empty() || limit <= 0) co_return leases;
  postgres::Params params{postgres::array(flows), postgres::array(counts), std::to_string(limit), owner_,
                          std::to_string(lease_.count())};
  const postgres::Result result = co_await pool_.query(kClaim, std::move(params));
  std::vector<std::pair<int64_t, Lease>> picked;
  for (size_t i = 0; i < result.rows(); ++i) {
    Lease lease;
    lease.id = result.integer(i, "id");
    lease.token = result.integer(i, "lease_token");
    lease.platform = result.text(i, "platform");
    lease.flow = result.text(i, "flow");
    lease.params = result.text(i, "params");
    lease.attempts = int(result.integer(i, "attempts"));
    lease.max_attempts = int(result.integer(i, "max_attempts"));
    lease.created_at = parse_time(result.text(i, "created_at"));
    lease.picked_at = parse_time(result.text(i, "picked_at"));
    lease.eligible_at = parse_time(result.text(i, "eligible_at"));
    picked.emplace_back(result.integer(i, "priority"), std::move(lease));
  }
  // UPDATE ... RETURNING keeps no order.
  std::sort(picked.begin(), picked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second.id < b.second.id;
  });
  for (auto& [priority, lease] : picked) leases.push_back(std::move(lease));
  co_return leases;
}

Task<std::vector<int64_t>> Queue::settle(std::vector<Settled> settled) {
  Numbers ids, tokens, waits, counted;
  Texts statuses;
  Nullables reasons, data, waiting_for;
  for (const Settled& one : settled) {
    const Outcome& outcome = one.outcome;
    ids.push_back(one.lease.id);
    tokens.push_back(one.lease.token);
    waits.push_back(outcome.wait.count());
    counted.push_back(outcome.kind == Outcome::Kind::kDefer ? 0 : 1);
    data.push_back(outcome.data);
    waiting_for.push_back(outcome.kind == Outcome::Kind::kDefer ? outcome.waiting_for : std::nullopt);
    std::optional<std::string> reason;
    if (!outcome.reason.empty()) reason = outcome.reason;
    switch (outcome.kind) {
      case Outcome::Kind::kComplete:
        statuses.push_back("COMPLETE");
        break;
      case Outcome::Kind::kFailed:
        statuses.push_back("FAILED");
        break;
      case Outcome::Kind::kDefer:
        statuses.push_back("PENDING");
        break;
      case Outcome::Kind::kRetry:
        if (one.lease.attempts < one.lease.max_attempts) {
          statuses.push_back("PENDING");
        } else {
          statuses.push_back("FAILED");
          reason = fmt::format("gave up after {} attempts: {}", one.lease.attempts, outcome.reason);
        }
        break;
    }
    reasons.push_back(std::move(reason));
  }
  if (settled.empty()) co_return std::vector<int64_t>{};
  postgres::Params params{postgres::array(ids),     postgres::array(tokens),     postgres::array(statuses),
                          postgres::array(reasons), postgres::array(data),       postgres::array(waits),
                          postgres::array(counted), postgres::array(waiting_for)};
  const postgres::Result result = co_await pool_.query(kSettle, std::move(params));
  co_return ids_of(result);
}

Task<std::vector<int64_t>> Queue::heartbeat(std::vector<Lease> leases) {
  Numbers ids, tokens;
  for (const Lease& lease : leases) {
    ids.push_back(lease.id);
    tokens.push_back(lease.token);
  }
  if (leases.empty()) co_return ids;
  postgres::Params params{postgres::array(ids), postgres::array(tokens), std::to_string(lease_.count())};
  const postgres::Result result = co_await pool_.query(kHeartbeat, std::move(params));
  co_return ids_of(result);
}

Task<Queue::Swept> Queue::sweep() {
  Swept swept;
  const postgres::Result lapsed = co_await pool_.query(kLapse);
  swept.lapsed = lapsed.affected();
  const postgres::Result expired = co_await pool_.query(kExpire);
  swept.expired = expired.affected();
  co_return swept;
}

Task<uint64_t> Queue::wake(std::string source) {
  postgres::Params params{std::move(source)};
  const postgres::Result result = co_await pool_.query(kWake, std::move(params));
  co_return result.affected();
}

Task<std::optional<std::string>> Queue::get(int64_t id) {
  postgres::Params params{std::to_string(id)};
  const postgres::Result result = co_await pool_.query(kGet, std::move(params));
  if (result.rows() == 0) co_return std::nullopt;
  co_return std::string(result.text(0, "task"));
}

Task<std::vector<std::string>> Queue::list(Filter filter) {
  postgres::Params params{filter.status, filter.flow, std::to_string(filter.limit)};
  const postgres::Result result = co_await pool_.query(kTaskList, std::move(params));
  std::vector<std::string> rows;
  for (size_t i = 0; i < result.rows(); ++i) rows.emplace_back(result.text(i, "task"));
  co_return rows;
}

Task<std::vector<Queue::Count>> Queue::counts() {
  const postgres::Result result = co_await pool_.query(kCounts);
  std::vector<Count> all;
  for (size_t i = 0; i < result.rows(); ++i)
    all.push_back(
        {std::string(result.text(i, "flow")), std::string(result.text(i, "status")), result.integer(i, "tasks")});
  co_return all;
}

}  // namespace dalgona::beat
