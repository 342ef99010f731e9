#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "stir/runner.h"

namespace dalgona::stir {
namespace {

struct Address {
  std::string host, database, user, password;
};

Address parse_address(const std::string& text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || (parsed->scheme() != "postgres" && parsed->scheme() != "postgresql"))
    throw InvalidInput("postgres.url: want postgres://user:password@host:port/database");
  const boost::urls::url_view& url = *parsed;
  Address address;
  address.host = std::string(url.encoded_host()) + ":" + (url.has_port() ? std::string(url.port()) : "5432");
  if (!url.segments().empty()) address.database = url.segments().front();
  address.user = url.user();
  address.password = url.password();
  return address;
}

// Tells whether the database was made for this URL, without showing it.
std::string fingerprint(const std::string& url) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const std::string salted = "dalgona beat_replica " + url;
  EVP_Digest(salted.data(), salted.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < 16; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace

Task<void> ensure_replica(warehouse::Client& client, std::string postgres_url, std::string cluster) {
  const Address address = parse_address(postgres_url);
  const std::string comment = "stir " + fingerprint(postgres_url);
  const std::string found =
      co_await client.query("SELECT comment FROM system.databases WHERE name = 'beat_replica'", "TabSeparatedRaw");
  if (found.starts_with(comment)) co_return;
  const std::string on_cluster = cluster.empty() ? "" : " ON CLUSTER " + warehouse::identifier(cluster);
  co_await client.execute("DROP DATABASE IF EXISTS beat_replica" + on_cluster);
  std::string failure;
  bool retryable = false;
  try {
    warehouse::QueryOptions options;
    options.settings["log_queries"] = "0";
    co_await client.execute(
        fmt::format(
            "CREATE DATABASE IF NOT EXISTS beat_replica{} ENGINE = PostgreSQL({}, {}, {}, {}, 'beat') COMMENT {}",
            on_cluster, warehouse::literal(address.host), warehouse::literal(address.database),
            warehouse::literal(address.user), warehouse::literal(address.password), warehouse::literal(comment)),
        options);
  } catch (const Retryable& e) {
    failure = e.what();
    retryable = true;
  } catch (const Error& e) {
    failure = e.what();
  }
  if (failure.empty()) co_return;
  // The warehouse may quote the statement.
  for (const auto& secret : {warehouse::literal(address.password), address.password})
    for (size_t at = 0; !secret.empty() && (at = failure.find(secret, at)) != failure.npos; at += 3)
      failure.replace(at, secret.size(), "***");
  failure = "beat_replica over PostgreSQL at " + address.host + ": " + failure;
  if (retryable) throw Retryable(failure);
  throw Permanent(failure);
}

}  // namespace dalgona::stir
