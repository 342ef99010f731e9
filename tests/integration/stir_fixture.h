// stir's integration tests: a database and an empty warehouse of their own for each, and the kitchen over them.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/resources.h"
#include "events/ddl.h"
#include "stir/kitchen.h"
#include "support/test_home.h"

namespace dalgona::stir {

// The warehouse that the fixture starts, or the ClickHouse server that DALGONA_TEST_WAREHOUSE_URL names.
inline std::string warehouse_url() {
  const char* given = std::getenv("DALGONA_TEST_WAREHOUSE_URL");
  return given ? given : test::TestHome::shared().warehouse_url();
}

class StirHome : public testing::Test {
 protected:
  StirHome() {
    auto& home = test::TestHome::shared();
    database_ = home.fresh_database();
    objects_ = home.path() / home.unique_name("objects");
    config_ = std::make_unique<Config>(
        Config::load({.home = home.path(),
                      .file = {},
                      .environment = {{"DALGONA_POSTGRES_URL", database_},
                                      {"DALGONA_WAREHOUSE_URL", warehouse_url()},
                                      {"DALGONA_OBJECTS_URL", "file://" + objects_.string()}}}));
    kitchen_ = std::make_unique<Kitchen>(*config_);
    for (const auto& statement : events::shared_ddl("")) warehouse(statement);
    const auto catalogue = events::Catalogue::load(resource("config/streams"));
    for (const auto& stream : catalogue.streams())
      for (const auto& statement : events::stream_ddl(stream, "")) warehouse(statement);
    for (const char* table : {"profile_log", "post_log", "profile_daily", "post_daily"})
      warehouse(std::string("TRUNCATE TABLE events.") + table);
    warehouse("DROP DATABASE IF EXISTS dbt");
  }

  void warehouse(const std::string& sql) {
    run_alone<void>([&](asio::io_context&) -> Task<void> { co_await kitchen_->warehouse().execute(sql); });
  }
  std::string ask(const std::string& sql) { return kitchen_->warehouse().query_blocking(sql, "TabSeparated"); }

  void postgres(const std::string& sql) {
    run_alone<void>([&](asio::io_context& context) -> Task<void> {
      const auto pool = kitchen_->open_postgres(context.get_executor());
      co_await pool->execute(sql);
    });
  }
  // All rows as one text: columns by '|', rows by '\n'.
  std::string rows(const std::string& sql) {
    return run_alone<std::string>([&](asio::io_context& context) -> Task<std::string> {
      const auto pool = kitchen_->open_postgres(context.get_executor());
      const auto result = co_await pool->query(sql);
      std::string text;
      for (size_t row = 0; row < result.rows(); ++row)
        for (size_t column = 0; column < result.columns(); ++column)
          text += std::string(result.text(row, column)) + (column + 1 < result.columns() ? "|" : "\n");
      co_return text;
    });
  }

  Kitchen::Outcome cook(bool force = false) {
    return run_alone<Kitchen::Outcome>([&](asio::io_context& context) -> Task<Kitchen::Outcome> {
      const auto pool = kitchen_->open_postgres(context.get_executor());
      Kitchen::Request request;
      request.select.push_back("tag:core");
      request.force = force;
      co_return co_await kitchen_->cook(request, kitchen_->dags().at("core").publish, pool.get());
    });
  }

  std::string database_;
  std::filesystem::path objects_;
  std::unique_ptr<Config> config_;
  std::unique_ptr<Kitchen> kitchen_;
};

}  // namespace dalgona::stir
