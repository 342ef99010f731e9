// API keys of tenants. A key is "dlg_PREFIX_SECRET"; PostgreSQL holds prefix, SHA-256 of the whole key, tenant, scopes
// and times. The key itself is shown once, when it is made.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/postgres/postgres.h"

namespace dalgona::coffee {

struct ApiKey {
  std::string prefix, tenant, name;
  std::vector<std::string> scopes;
  Time created_at{};
  std::optional<Time> expires_at, revoked_at;

  // "active", "expired" or "revoked".
  std::string state(Time now) const;
};

// What a key may do; another scope is an entry in keys.cc.
const std::vector<std::string>& known_scopes();
inline constexpr std::string_view kScopeRead = "read";

// The visible prefix of a well-formed key, else nothing. Reads no store.
std::optional<std::string> prefix_of(std::string_view key);
// Raw 32 bytes as lower-case hex.
std::string key_hash(std::string_view key);
// In time that does not depend on where they differ.
bool same_hash(std::string_view a, std::string_view b);

struct NewKey {
  std::string tenant, name;
  std::vector<std::string> scopes{std::string(kScopeRead)};
  std::optional<Time> expires_at;
};

// Gives the whole key. Throws InvalidInput for an empty tenant or an unknown scope.
Task<std::string> create_key(postgres::Pool& pool, const NewKey& wanted);
// Oldest first.
Task<std::vector<ApiKey>> list_keys(postgres::Pool& pool, std::optional<std::string> tenant);
// False when there is no such prefix; revoking twice keeps the first time.
Task<bool> revoke_key(postgres::Pool& pool, std::string prefix);

// Of the row $1 = prefix; columns as in ApiKey, times in microseconds, and hash as hex.
extern const std::string_view kFindKey;
ApiKey key_from_row(const postgres::Result& rows, size_t row);

}  // namespace dalgona::coffee
