// The law of incremental models: logs that come in portions, late ones within the look-back among them, give what a
// full refresh gives, by each strategy; and a model that changed its columns says so.
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "stir_fixture.h"

namespace dalgona::stir {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kSelect =
    "select profile_id, toDate(event_timestamp) as d, max(log.views) as v, uniqExact(event_timestamp) as n from "
    "{{ source('events', 'profile_log') }} as log ";
constexpr const char* kGroup = " group by profile_id, d";

class StirIncremental : public StirHome {
 protected:
  StirIncremental() {
    project_ = test::TestHome::shared().path() / test::TestHome::shared().unique_name("project");
    fs::create_directories(project_ / "models");
    std::ofstream(project_ / "dbt_project.yml")
        << "name: law\nversion: '1.0'\nconfig-version: 2\nmodel-paths: [models]\n";
    write("sources.yml", "version: 2\nsources:\n  - name: events\n    tables: [{name: profile_log}]\n");
    write(
        "merged.sql",
        "{{ config(materialized='incremental', unique_key=['profile_id', 'd'], order_by='(profile_id, d)') }}" +
            std::string(kSelect) +
            "{% if is_incremental() %}where toDate(event_timestamp) >= (select max(d) - 2 from {{ this }}){% endif %}" +
            kGroup);
    write("overwritten.sql",
          "{{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='toYYYYMM(d)', "
          "order_by='(profile_id, d)') }}" +
              std::string(kSelect) +
              "{% if is_incremental() %}where toStartOfMonth(event_timestamp) >= (select toStartOfMonth(max(d) - 2) "
              "from {{ this "
              "}}){% endif %}" +
              kGroup);
    write(
        "appended.sql",
        "{{ config(materialized='incremental', engine='ReplacingMergeTree(n)', order_by='(profile_id, d)') }}" +
            std::string(kSelect) +
            "{% if is_incremental() %}where toDate(event_timestamp) >= (select max(d) - 2 from {{ this }}){% endif %}" +
            kGroup);
    config_ = std::make_unique<Config>(Config::load({.home = test::TestHome::shared().path(),
                                                     .file = {},
                                                     .environment = {{"DALGONA_POSTGRES_URL", database_},
                                                                     {"DALGONA_WAREHOUSE_URL", warehouse_url()},
                                                                     {"DALGONA_STIR_PROJECT", project_.string()}}}));
    kitchen_ = std::make_unique<Kitchen>(*config_);
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(project_ / "models" / name) << text; }

  Kitchen::Outcome cook(bool full_refresh = false) {
    return run_alone<Kitchen::Outcome>([&](asio::io_context&) -> Task<Kitchen::Outcome> {
      Kitchen::Request request;
      request.full_refresh = full_refresh;
      request.publish = false;
      std::vector<PublishTarget> nothing;
      co_return co_await kitchen_->cook(request, nothing, nullptr);
    });
  }
  std::string all(const std::string& table) {
    return ask("SELECT profile_id, d, v, n FROM dbt." + table + " ORDER BY ALL");
  }

  fs::path project_;
};

TEST_F(StirIncremental, PortionsGiveWhatAFullRefreshGives) {
  std::mt19937 random(5);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int portion = 0; portion < 4; ++portion) {
    std::string rows;
    for (int i = 0; i < 200; ++i) {
      // Days 8 a portion from 25 January on; each may be up to two days late.
      const int day = std::max(0, portion * 8 + pick(-2, 7));
      rows += fmt::format(
          R"({{"event_id":"00000000-0000-4000-8000-{:012}","source":"s","platform":"YOUTUBE","profile_id":"p{}","event_timestamp":"{}","views":{}}})"
          "\n",
          portion * 1000 + i, pick(0, 9), 1706140800 + day * 86400 + pick(0, 86399), pick(0, 1000));
    }
    (void)kitchen_->warehouse().insert_blocking("events.profile_log", "JSONEachRow", rows);
    const auto outcome = cook();
    ASSERT_TRUE(outcome.ok) << outcome.error;
  }
  const auto merged = all("merged"), overwritten = all("overwritten"), appended = all("appended FINAL");
  ASSERT_TRUE(cook(true).ok);
  const auto full = all("merged");
  EXPECT_THAT(full, HasSubstr("2024-02-2"));
  EXPECT_EQ(merged, full);
  EXPECT_EQ(overwritten, full);
  EXPECT_EQ(appended, full);
  EXPECT_EQ(all("overwritten"), full);
  EXPECT_EQ(ask("SELECT count() FROM system.tables WHERE database = 'dbt' AND name LIKE '%__dbt_%'"), "0\n");
}

TEST_F(StirIncremental, AFailedModelLeavesTheOldOneAndSaysWhere) {
  ASSERT_TRUE(cook().ok);
  const auto before = all("merged");
  write("merged.sql",
        "{{ config(materialized='incremental', unique_key=['profile_id', 'd'], order_by='(profile_id, d)') }}select\n  "
        "nonsense as x");
  write("after.sql", "select * from {{ ref('merged') }}");
  const auto outcome = cook();
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.error, HasSubstr("models/merged.sql:1: "));
  EXPECT_THAT(outcome.error, HasSubstr("nonsense"));
  EXPECT_THAT(outcome.error, HasSubstr("compiled SQL: "));
  EXPECT_EQ(all("merged"), before);
  for (const auto& item : outcome.report.at("results").as_array())
    if (item.at("name") == "after") {
      EXPECT_EQ(item.at("status"), "skipped");
    }
}

}  // namespace
}  // namespace dalgona::stir
