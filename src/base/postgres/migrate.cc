#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/log.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"

namespace dalgona::postgres {
namespace {

struct Migration {
  int64_t number = 0;
  std::string name, sql, checksum;
};

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    throw Permanent("SHA-256 failed");
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::vector<Migration> read_folder(const std::string& folder) {
  std::vector<Migration> all;
  if (!std::filesystem::is_directory(folder)) throw InvalidInput(fmt::format("{} is no folder", folder));
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".sql") continue;
    Migration migration;
    migration.name = entry.path().filename().string();
    const auto [end, error] =
        std::from_chars(migration.name.data(), migration.name.data() + migration.name.size(), migration.number);
    if (error != std::errc{} || *end != '_')
      throw InvalidInput(fmt::format("{}: a migration is named NNNN_name.sql", entry.path().string()));
    migration.sql = read_file(entry.path());
    migration.checksum = sha256_hex(migration.sql);
    all.push_back(std::move(migration));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  for (size_t i = 1; i < all.size(); ++i)
    if (all[i].number == all[i - 1].number)
      throw InvalidInput(fmt::format("migrations {} and {} have one number", all[i - 1].name, all[i].name));
  return all;
}

Task<bool> apply(Session& session, const Migration& migration) {
  Params number{std::to_string(migration.number)};
  const Result known =
      co_await session.query("SELECT checksum FROM public.schema_migrations WHERE number = $1::bigint", number);
  if (known.rows() > 0) {
    if (known.text(0, 0) != migration.checksum)
      throw InvalidInput(fmt::format("migration {} was changed after it was applied; add a new one", migration.name));
    co_return false;
  }
  std::string failed_sql;
  std::exception_ptr failed;
  try {
    co_await session.execute("BEGIN; SET LOCAL statement_timeout = 0");
    co_await session.execute(migration.sql);
    Params record{std::to_string(migration.number), migration.name, migration.checksum};
    co_await session.query(
        "INSERT INTO public.schema_migrations (number, name, checksum) VALUES ($1::bigint, $2::text, $3::text)",
        record);
    co_await session.execute("COMMIT");
  } catch (const SqlError& e) {
    failed = std::make_exception_ptr(SqlError(fmt::format("migration {}: {}", migration.name, e.what()), e.sqlstate));
  }
  if (failed) {
    co_await session.execute("ROLLBACK");
    std::rethrow_exception(failed);
  }
  log::info("msg=\"migration applied\" name={}", migration.name);
  co_return true;
}

}  // namespace

Task<std::vector<std::string>> migrate(Pool& pool, std::string folder) {
  const std::vector<Migration> migrations = read_folder(folder);
  std::vector<std::string> applied;
  co_await pool.with_session([&](Session& session) -> Task<void> {
    // Two starters at once take turns. The number is arbitrary; the lock goes with the session when we die.
    co_await session.execute("SELECT pg_advisory_lock(4921075302)");
    std::exception_ptr failed;
    try {
      co_await session.execute(
          "CREATE TABLE IF NOT EXISTS public.schema_migrations (number bigint PRIMARY KEY, name text NOT NULL, "
          "checksum text NOT NULL,"
          " applied_at timestamptz NOT NULL DEFAULT now())");
      for (const Migration& migration : migrations)
        if (co_await apply(session, migration)) applied.push_back(migration.name);
    } catch (...) {
      failed = std::current_exception();
    }
    try {
      co_await session.execute("SELECT pg_advisory_unlock(4921075302)");
    } catch (const std::exception&) {
      if (!failed) failed = std::current_exception();
    }
    if (failed) std::rethrow_exception(failed);
  });
  co_return applied;
}

}  // namespace dalgona::postgres
