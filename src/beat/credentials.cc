#include "beat/credentials.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::beat {
namespace {

constexpr std::string_view kRead = R"sql(
  SELECT id, credentials->>'key' AS key, coalesce(reason, '') AS reason, greatest(0, ceil(extract(epoch FROM disabled_till - now()) * 1000))::bigint AS wait_ms
  FROM beat.credential WHERE source = $1::text AND enabled AND NOT data_access_expired AND credentials ? 'key')sql";
constexpr std::string_view kDisableFor = R"sql(
  UPDATE beat.credential SET disabled_till = greatest(disabled_till, now() + $2::bigint * interval '1 millisecond'),
    reason = $3::text, updated_at = now() WHERE id = $1::bigint)sql";
constexpr std::string_view kDisable =
    "UPDATE beat.credential SET enabled = false, reason = $2::text, updated_at = now() WHERE id = $1::bigint";
constexpr std::string_view kAdd = R"sql(
  INSERT INTO beat.credential (idempotency_key, source, handle, credentials)
  VALUES ($1::text || ':' || encode(sha256(convert_to($2::text, 'UTF8')), 'hex'), $1::text, $3::text, jsonb_build_object('key', $2::text))
  ON CONFLICT (idempotency_key) DO UPDATE SET enabled = true, disabled_till = NULL, data_access_expired = false, reason = NULL,
    handle = coalesce(excluded.handle, beat.credential.handle), updated_at = now()
  RETURNING id)sql";
constexpr std::string_view kEnable = R"sql(
  UPDATE beat.credential SET enabled = $2::boolean, disabled_till = NULL, reason = NULL, updated_at = now()
  WHERE id = $1::bigint RETURNING id)sql";
constexpr std::string_view kCredentialList = R"sql(
  SELECT json_build_object('id', id, 'source', source, 'handle', handle, 'enabled', enabled, 'disabled_till', disabled_till,
    'usable', enabled AND NOT data_access_expired AND coalesce(disabled_till <= now(), true), 'reason', reason,
    'created_at', created_at, 'updated_at', updated_at) AS row
  FROM beat.credential ORDER BY id)sql";

}  // namespace

Credentials::Credentials(postgres::Pool& pool, std::chrono::milliseconds refresh)
    : pool_(pool), refresh_(refresh), random_(std::random_device{}()) {}

Task<void> Credentials::read(std::string source) {
  uint64_t version;
  {
    const std::scoped_lock lock(mutex_);
    version = cached_[source].version;
  }
  std::exception_ptr failed;
  std::vector<Entry> entries;
  try {
    postgres::Params params{source};
    const postgres::Result result = co_await pool_.query(kRead, std::move(params));
    const Moment now = std::chrono::steady_clock::now();
    for (size_t i = 0; i < result.rows(); ++i) {
      const auto wait = result.optional(i, "wait_ms");
      entries.push_back({{result.integer(i, "id"), std::string(result.text(i, "key"))},
                         now + std::chrono::milliseconds{wait ? std::stoll(*wait) : 0},
                         std::string(result.text(i, "reason"))});
    }
  } catch (...) {
    failed = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  Cached& cached = cached_[source];
  cached.reading = false;
  if (failed) std::rethrow_exception(failed);
  // What was disabled meanwhile is right here and may be missing there: read again at the next pick.
  if (cached.version != version) co_return;
  cached.entries = std::move(entries);
  cached.read_at = std::chrono::steady_clock::now();
}

Task<Credentials::Pick> Credentials::pick(std::string source) {
  bool must_read = false;
  {
    const std::scoped_lock lock(mutex_);
    Cached& cached = cached_[source];
    const bool never = cached.read_at == Moment{};
    // One reads for all; the others go on with what was known, unless nothing was.
    must_read = never || (!cached.reading && std::chrono::steady_clock::now() - cached.read_at > refresh_);
    if (must_read) cached.reading = true;
  }
  if (must_read) co_await read(source);
  const std::scoped_lock lock(mutex_);
  const Cached& cached = cached_[source];
  const Moment now = std::chrono::steady_clock::now();
  std::vector<const Entry*> free;
  Pick pick;
  for (const Entry& entry : cached.entries) {
    if (entry.free_at <= now) {
      free.push_back(&entry);
      continue;
    }
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(entry.free_at - now);
    if (pick.free_in && wait >= *pick.free_in) continue;
    pick.free_in = wait;
    pick.reason = entry.reason;
  }
  if (!free.empty())
    pick.credential = free[std::uniform_int_distribution<size_t>(0, free.size() - 1)(random_)]->credential;
  co_return pick;
}

void Credentials::forget(int64_t id, std::optional<Moment> until, const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  for (auto& [source, cached] : cached_) {
    for (auto entry = cached.entries.begin(); entry != cached.entries.end(); ++entry) {
      if (entry->credential.id != id) continue;
      ++cached.version;
      if (until) {
        entry->free_at = std::max(entry->free_at, *until);
        entry->reason = reason;
      } else {
        cached.entries.erase(entry);
      }
      break;
    }
  }
}

Task<void> Credentials::disable_for(int64_t id, std::chrono::milliseconds time, std::string reason) {
  forget(id, std::chrono::steady_clock::now() + time, reason);
  postgres::Params params{std::to_string(id), std::to_string(time.count()), std::move(reason)};
  co_await pool_.query(kDisableFor, std::move(params));
}

Task<void> Credentials::disable(int64_t id, std::string reason) {
  forget(id, {}, reason);
  postgres::Params params{std::to_string(id), std::move(reason)};
  co_await pool_.query(kDisable, std::move(params));
}

Task<int64_t> Credentials::add(std::string source, std::string key, std::optional<std::string> handle) {
  key = std::string(trim(key));
  if (key.empty()) throw InvalidInput("the key is empty");
  for (char c : key)
    if (c <= 0x20 || c >= 0x7F)
      throw InvalidInput("the key has characters that no key has: it must be one line of printable ASCII");
  postgres::Params params{std::move(source), std::move(key), std::move(handle)};
  const postgres::Result result = co_await pool_.query(kAdd, std::move(params));
  co_return result.integer(0, "id");
}

Task<bool> Credentials::enable(int64_t id, bool enabled) {
  postgres::Params params{std::to_string(id), enabled ? "true" : "false"};
  const postgres::Result result = co_await pool_.query(kEnable, std::move(params));
  co_return result.rows() > 0;
}

Task<std::vector<std::string>> Credentials::list() {
  const postgres::Result result = co_await pool_.query(kCredentialList);
  std::vector<std::string> rows;
  for (size_t i = 0; i < result.rows(); ++i) rows.emplace_back(result.text(i, "row"));
  co_return rows;
}

}  // namespace dalgona::beat
