#include "coffee/service.h"

#include <memory>

#include <fmt/format.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "coffee/access/gate.h"
#include "coffee/access/loopback.h"
#include "coffee/context.h"
#include "coffee/discovery/discovery.h"
#include "coffee/leaderboard/leaderboard.h"
#include "coffee/pages/pages.h"
#include "coffee/routes.h"
#include "coffee/status/status.h"

namespace dalgona::coffee {
namespace {

// Each search is planned for its own words: a plan for all of them reads the whole table for half of them.
std::string with_own_plans(const std::string& url) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") +
         "options=" + http::percent_encode("-c plan_cache_mode=force_custom_plan");
}

postgres::PoolOptions pool_options(const Config& config, std::string url, size_t size) {
  const auto limit = config.duration("coffee.query_timeout");
  return {.url = std::move(url),
          .application_name = "dalgona coffee",
          .size = size,
          .acquire_timeout = limit,
          .statement_timeout = limit,
          .connect_timeout = limit};
}

size_t at_least_one(int64_t number, std::string_view key) {
  if (number < 1) throw InvalidInput(fmt::format("{} must be 1 or more", key));
  return size_t(number);
}

}  // namespace

int run_service(const Config& config) {
  log::start(config, "coffee");
  const std::string postgres_url = config.text("postgres.url"), warehouse_url = config.text("warehouse.url");
  if (warehouse_url.empty()) throw InvalidInput("warehouse.url is not set: start the stores with `dalgona up`");
  const size_t sessions = at_least_one(config.integer("coffee.sessions"), "coffee.sessions");
  const auto limit = config.duration("coffee.query_timeout");

  Runtime runtime(int(at_least_one(config.integer("coffee.threads"), "coffee.threads")));
  postgres::Pool pool(runtime, pool_options(config, postgres_url, sessions));
  postgres::Pool search_pool(runtime, pool_options(config, with_own_plans(postgres_url), sessions));
  http::Client http;
  warehouse::Client warehouse(http, warehouse_url);
  Stores stores(pool, warehouse, limit), search(search_pool, warehouse, limit);
  const PostCategories categories = PostCategories::read(resource("models/seeds/youtube_categories.csv"));
  const Context context{stores, search, categories};

  http::ServerOptions server_options;
  server_options.address = config.text("coffee.address");
  server_options.port = uint16_t(config.integer("coffee.port"));
  server_options.tls_certificate = config.text("coffee.tls_certificate");
  server_options.tls_key = config.text("coffee.tls_key_file");
  Gate gate(stores, system_clock(),
            {.anonymous_read = config.flag("coffee.anonymous_read"),
             .listener_is_loopback = is_loopback_address(server_options.address),
             .key_cache = config.duration("coffee.cache_keys_for"),
             .requests_per_minute = config.integer("coffee.requests_per_minute")});
  const std::string pages_folder = config.text("coffee.pages");
  Pages pages(pages_folder.empty() ? resource("web/dist") : std::filesystem::path(pages_folder));
  // Read before the first request waits for it.
  pages.current(system_clock().now());

  http::Router router;
  add_api_routes(router, context, gate);
  add_page_routes(router, pages, system_clock(), config.list("coffee.image_sources"));
  http::Server server(runtime, std::move(router), server_options);
  server.start();
  log::info("msg=listening role=coffee address={} port={} anonymous_read={}", server_options.address, server.port(),
            config.flag("coffee.anonymous_read") && is_loopback_address(server_options.address));
  return runtime.run();
}

}  // namespace dalgona::coffee
