#include "coffee/cli.h"

#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/cli.h"
#include "base/clock.h"
#include "coffee/access/keys.h"
#include "coffee/service.h"

namespace dalgona::coffee {
namespace {

namespace json = boost::json;

struct Arguments {
  std::string tenant, name, expires, prefix;
  std::vector<std::string> scopes{std::string(kScopeRead)};
};

template <typename T>
T with_pool(const Config& config, const std::function<Task<T>(postgres::Pool&)>& work) {
  return run_alone<T>([&](asio::io_context& context) -> Task<T> {
    postgres::PoolOptions options;
    options.url = config.text("postgres.url");
    options.application_name = "dalgona coffee keys";
    options.size = 1;
    postgres::Pool pool(context.get_executor(), options);
    co_return co_await work(pool);
  });
}

json::value time_or_null(const std::optional<Time>& time) {
  if (!time) return nullptr;
  return json::value(to_iso(*time));
}

json::object to_json(const ApiKey& key) {
  json::array scopes;
  for (const auto& scope : key.scopes) scopes.emplace_back(scope);
  return {{"prefix", key.prefix},
          {"tenant", key.tenant},
          {"name", key.name},
          {"scopes", std::move(scopes)},
          {"state", key.state(system_clock().now())},
          {"createdAt", to_iso(key.created_at)},
          {"expiresAt", time_or_null(key.expires_at)},
          {"revokedAt", time_or_null(key.revoked_at)}};
}

void create(const Config& config, const Arguments& arguments, bool as_json) {
  NewKey wanted{.tenant = arguments.tenant, .name = arguments.name, .scopes = arguments.scopes, .expires_at = {}};
  if (!arguments.expires.empty()) {
    const auto lasts = parse_duration(arguments.expires);
    if (lasts.count() <= 0) throw InvalidInput("--expires must be in the future");
    wanted.expires_at = system_clock().now() + lasts;
  }
  const auto key = with_pool<std::string>(config, [&](postgres::Pool& pool) { return create_key(pool, wanted); });
  if (as_json) {
    std::cout << json::serialize(json::object{{"key", key}, {"prefix", *prefix_of(key)}, {"tenant", wanted.tenant}})
              << "\n";
    return;
  }
  std::cerr << "The key of tenant " << wanted.tenant << "; it is not shown again:\n";
  std::cout << key << "\n";
}

void list(const Config& config, const Arguments& arguments, bool as_json) {
  std::optional<std::string> tenant;
  if (!arguments.tenant.empty()) tenant = arguments.tenant;
  const auto keys =
      with_pool<std::vector<ApiKey>>(config, [&](postgres::Pool& pool) { return list_keys(pool, tenant); });
  if (as_json) {
    json::array all;
    for (const auto& key : keys) all.push_back(to_json(key));
    std::cout << json::serialize(all) << "\n";
    return;
  }
  std::cout << fmt::format("{:<14} {:<20} {:<20} {:<8} {:<8} {:<20} {}\n", "PREFIX", "TENANT", "NAME", "SCOPES",
                           "STATE", "CREATED", "EXPIRES");
  for (const auto& key : keys)
    std::cout << fmt::format("{:<14} {:<20} {:<20} {:<8} {:<8} {:<20} {}\n", key.prefix, key.tenant, key.name,
                             fmt::join(key.scopes, ","), key.state(system_clock().now()),
                             to_sql(key.created_at).substr(0, 19),
                             key.expires_at ? to_sql(*key.expires_at).substr(0, 19) : "never");
}

void revoke(const Config& config, const Arguments& arguments) {
  // Whoever has the whole key at hand may give it.
  const std::string prefix = prefix_of(arguments.prefix).value_or(arguments.prefix);
  const bool found = with_pool<bool>(config, [&](postgres::Pool& pool) { return revoke_key(pool, prefix); });
  if (!found) throw InvalidInput("there is no key with prefix '" + prefix + "'; `dalgona coffee keys list` shows them");
  std::cout << "revoked " << prefix << "\n";
}

void register_keys(CLI::App& coffee) {
  CLI::App* keys = coffee.add_subcommand("keys", "API keys of tenants: create, list, revoke");
  keys->require_subcommand(1);

  CLI::App* make = keys->add_subcommand("create", "Make a key and print it, once");
  const auto make_common = cli::common_options(*make, true);
  const auto make_arguments = std::make_shared<Arguments>();
  make->add_option("--tenant", make_arguments->tenant, "Whose it is")->required();
  make->add_option("--name", make_arguments->name, "What it is for");
  make->add_option("--scope", make_arguments->scopes, "What it may do")->capture_default_str();
  make->add_option("--expires", make_arguments->expires, "How long it is good, such as 90d; default: until revoked");
  make->callback([make_common, make_arguments] { create(make_common->load(), *make_arguments, make_common->json); });

  CLI::App* show = keys->add_subcommand("list", "List keys, never the keys themselves");
  const auto show_common = cli::common_options(*show, true);
  const auto show_arguments = std::make_shared<Arguments>();
  show->add_option("--tenant", show_arguments->tenant, "Only of this tenant");
  show->callback([show_common, show_arguments] { list(show_common->load(), *show_arguments, show_common->json); });

  CLI::App* end = keys->add_subcommand("revoke", "End a key; it works for coffee.cache_keys_for more at most");
  const auto end_common = cli::common_options(*end);
  const auto end_arguments = std::make_shared<Arguments>();
  end->add_option("PREFIX", end_arguments->prefix, "Its prefix, as the list shows it")->required();
  end->callback([end_common, end_arguments] { revoke(end_common->load(), *end_arguments); });
}

}  // namespace

void register_coffee(CLI::App& app) {
  CLI::App* command = app.add_subcommand("coffee", "Serve the REST API and the pages");
  command->require_subcommand(0, 1);
  const auto common = cli::common_options(*command);
  command->callback([command, common] {
    if (command->get_subcommands().empty()) cli::set_exit_code(run_service(common->load()));
  });
  register_keys(*command);
}

}  // namespace dalgona::coffee
