#include "coffee/access/keys.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/errors.h"
#include "base/text.h"
#include "coffee/api/body.h"

namespace dalgona::coffee {

#define DALGONA_KEY_COLUMNS                                                                                            \
  "prefix, encode(hash, 'hex') AS hash, tenant, name, to_json(scopes)::text AS scopes, "                               \
  "(extract(epoch FROM created_at) * 1000000)::bigint AS created, (extract(epoch FROM expires_at) * 1000000)::bigint " \
  "AS expires, (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked"

const std::string_view kFindKey = "SELECT " DALGONA_KEY_COLUMNS " FROM coffee.api_key WHERE prefix = $1";

namespace {

constexpr std::string_view kInsert =
    "INSERT INTO coffee.api_key (prefix, hash, tenant, name, scopes, expires_at) "
    "VALUES ($1, decode($2, 'hex'), $3, $4, $5::text[], $6::timestamptz)";
constexpr std::string_view kList =
    "SELECT " DALGONA_KEY_COLUMNS
    " FROM coffee.api_key WHERE $1::text IS NULL OR tenant = $1 ORDER BY created_at, prefix";
constexpr std::string_view kRevoke =
    "UPDATE coffee.api_key SET revoked_at = coalesce(revoked_at, now()) WHERE prefix = $1";

constexpr std::string_view kStart = "dlg_";
constexpr size_t kPrefixBytes = 6, kSecretBytes = 32;
constexpr size_t kPrefixSize = 2 * kPrefixBytes, kKeySize = kStart.size() + kPrefixSize + 1 + 2 * kSecretBytes;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<Time> time_of(const postgres::Result& rows, size_t row, std::string_view column) {
  if (!rows.optional(row, column)) return {};
  return Time{std::chrono::microseconds{rows.integer(row, column)}};
}

}  // namespace

std::string ApiKey::state(Time now) const {
  if (revoked_at) return "revoked";
  return expires_at && *expires_at <= now ? "expired" : "active";
}

const std::vector<std::string>& known_scopes() {
  static const std::vector<std::string> kScopes{std::string(kScopeRead)};
  return kScopes;
}

std::optional<std::string> prefix_of(std::string_view key) {
  if (key.size() != kKeySize || !key.starts_with(kStart) || key[kStart.size() + kPrefixSize] != '_') return {};
  const std::string_view prefix = key.substr(kStart.size(), kPrefixSize);
  if (!is_hex(prefix) || !is_hex(key.substr(kStart.size() + kPrefixSize + 1))) return {};
  return std::string(prefix);
}

std::string key_hash(std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_Digest(key.data(), key.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Permanent("SHA-256 failed");
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", bytes[i]);
  return hex;
}

bool same_hash(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Task<std::string> create_key(postgres::Pool& pool, const NewKey& wanted) {
  if (trim(wanted.tenant).empty()) throw InvalidInput("a key needs a tenant");
  const std::string tenant = checked_text(wanted.tenant, "tenant"), name = checked_text(wanted.name, "name");
  if (wanted.scopes.empty()) throw InvalidInput("a key needs a scope");
  for (const auto& scope : wanted.scopes) known_word(scope, known_scopes(), "scope", "scope");
  const std::string prefix = random_hex(kPrefixBytes);
  const std::string key = fmt::format("{}{}_{}", kStart, prefix, random_hex(kSecretBytes));
  postgres::Params params{prefix, key_hash(key), tenant, name, postgres::array(wanted.scopes), {}};
  if (wanted.expires_at) params.back() = to_iso(*wanted.expires_at);
  co_await pool.query(kInsert, std::move(params));
  co_return key;
}

Task<std::vector<ApiKey>> list_keys(postgres::Pool& pool, std::optional<std::string> tenant) {
  postgres::Params params{std::move(tenant)};
  const auto rows = co_await pool.query(kList, std::move(params));
  std::vector<ApiKey> keys;
  for (size_t row = 0; row < rows.rows(); ++row) keys.push_back(key_from_row(rows, row));
  co_return keys;
}

Task<bool> revoke_key(postgres::Pool& pool, std::string prefix) {
  postgres::Params params{std::move(prefix)};
  const auto done = co_await pool.query(kRevoke, std::move(params));
  co_return done.affected() > 0;
}

ApiKey key_from_row(const postgres::Result& rows, size_t row) {
  ApiKey key{.prefix = std::string(rows.text(row, "prefix")),
             .tenant = std::string(rows.text(row, "tenant")),
             .name = std::string(rows.text(row, "name")),
             .scopes = {},
             .created_at = time_of(rows, row, "created").value_or(Time{}),
             .expires_at = time_of(rows, row, "expires"),
             .revoked_at = time_of(rows, row, "revoked")};
  const std::string_view text = rows.text(row, "scopes");
  // A variable: in C++20 a range-for keeps only the last temporary of its range alive.
  const boost::json::value scopes = boost::json::parse({text.data(), text.size()});
  for (const auto& scope : scopes.as_array()) key.scopes.emplace_back(scope.as_string());
  return key;
}

}  // namespace dalgona::coffee
