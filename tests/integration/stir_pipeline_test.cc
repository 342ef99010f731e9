// stir against the real warehouse and PostgreSQL: models of the shipped project over logs that come doubled, late and
// out of order, and publishes under readers.
#include <atomic>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stir_fixture.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;
using testing::HasSubstr;

class StirPipeline : public StirHome {
 protected:
  void accounts() {
    postgres(
        "INSERT INTO beat.youtube_account (channel_id, title, custom_url, country, followers, views, uploads, "
        "observed_at) "
        "VALUES ('UCa', E'A \\\\ \"quoted\"\\n\\ttab \\u00e9 \\U0001F600', '@a', 'US', 1200, 5000, 3, now()), ('UCb', "
        "'B', NULL, "
        "NULL, "
        "NULL, 900, 1, now());"
        "INSERT INTO beat.youtube_post (video_id, channel_id, title, category_id, views, likes, comments, observed_at) "
        "VALUES "
        "('v1', 'UCa', 'one', 10, 300, 10, 1, now()), ('v2', 'UCa', 'two', 10, 90, 1, 0, now()), ('v3', 'UCb', "
        "'three', 999, "
        "90, 1, 0, now())");
  }
  void profile(const std::string& id, const std::string& at, const std::string& followers, int views) {
    warehouse(
        "INSERT INTO events.profile_log (event_id, source, platform, profile_id, event_timestamp, followers, views, "
        "uploads) VALUES (generateUUIDv4(), 's', 'YOUTUBE', '" +
        id + "', '" + at + "', " + followers + ", " + std::to_string(views) + ", 1)");
  }
  void post(const std::string& shortcode, const std::string& profile_id, const std::string& at, int views) {
    warehouse(
        "INSERT INTO events.post_log (event_id, source, platform, profile_id, shortcode, event_timestamp, views, "
        "likes, "
        "comments) VALUES (generateUUIDv4(), 's', 'YOUTUBE', '" +
        profile_id + "', '" + shortcode + "', '" + at + "', " + std::to_string(views) + ", " +
        std::to_string(views / 10) + ", 2)");
  }
  // In this order they are neither sorted nor free of doubles.
  void logs() {
    profile("UCa", "2017-10-03 12:00:00", "1200", 5000);
    profile("UCa", "2017-09-28 12:00:00", "1000", 4000);
    profile("UCa", "2017-10-03 12:00:00", "1200", 5000);
    profile("UCa", "2017-09-30 12:00:00", "1100", 4500);
    profile("UCa", "2017-09-30 09:00:00", "1090", 4400);
    profile("UCb", "2017-10-01 00:00:00", "NULL", 900);
    post("v1", "UCa", "2017-10-03 12:00:00", 300);
    post("v1", "UCa", "2017-09-28 12:00:00", 100);
    post("v1", "UCa", "2017-10-03 12:00:00", 300);
    post("v2", "UCa", "2017-10-01 12:00:00", 90);
    post("v3", "UCb", "2017-10-01 12:00:00", 90);
  }
};

TEST_F(StirPipeline, FromLogsInAnyOrderToTheTablesOfTheApi) {
  accounts();
  logs();
  const auto outcome = cook();
  ASSERT_TRUE(outcome.ok) << outcome.error << "\n" << json::serialize(outcome.report);
  EXPECT_EQ(rows("SELECT profile_id, date, followers, views, is_gap FROM coffee.time_series ORDER BY 1, 2"),
            "UCa|2017-09-28|1000|4000|f\nUCa|2017-09-29|1000|4000|t\nUCa|2017-09-30|1100|4500|f\n"
            "UCa|2017-10-01|1100|4500|t\nUCa|2017-10-02|1100|4500|t\nUCa|2017-10-03|1200|5000|f\n"
            "UCb|2017-10-01||900|f\n");
  EXPECT_EQ(
      rows("SELECT shortcode, first_date, last_date, views_growth, likes_growth, growth_rank, category, channel_title "
           "= (SELECT title FROM beat.youtube_account a WHERE a.channel_id = g.profile_id) FROM coffee.post_growth g "
           "ORDER BY growth_rank"),
      "v1|2017-09-28|2017-10-03|200|20|1|Music|t\nv2|2017-10-01|2017-10-01|0|0|2|Music|t\n"
      "v3|2017-10-01|2017-10-01|0|0|3||t\n");
  EXPECT_EQ(
      rows("SELECT month, profile_id, followers, followers_change, views_change, followers_rank, views_change_rank, "
           "category, followers_rank_by_category, previous_ranks->>'views_rank' FROM coffee.leaderboard ORDER BY 1, 2"),
      "2017-09-01|UCa|1100|100|500|1|1|Music|1|\n2017-10-01|UCa|1200|100|500|1|1|Music|1|1\n"
      "2017-10-01|UCb|||0|2|2|||\n");
  // What stands in a title goes through JSON and COPY unharmed.
  EXPECT_EQ(
      rows("SELECT DISTINCT l.title = a.title FROM coffee.leaderboard l JOIN beat.youtube_account a ON a.channel_id = "
           "l.profile_id"),
      "t\n");
  EXPECT_EQ(rows("SELECT table_name, rows, object FROM coffee.publication ORDER BY 1"),
            "coffee.leaderboard|3|stir/leaderboard.json\ncoffee.post_growth|3|stir/post_growth.json\n"
            "coffee.time_series|7|stir/time_series.json\n");
  EXPECT_EQ(rows("SELECT count(DISTINCT snapshot_id) FROM coffee.publication"), "1\n");

  // A doubled and a late log later: only what they say changes.
  profile("UCa", "2017-09-29 12:00:00", "1050", 4200);
  profile("UCa", "2017-10-03 12:00:00", "1200", 5000);
  ASSERT_TRUE(cook().ok);
  EXPECT_EQ(
      rows("SELECT date, followers, is_gap FROM coffee.time_series WHERE profile_id = 'UCa' AND date <= '2017-09-30'"
           "ORDER BY 1"),
      "2017-09-28|1000|f\n2017-09-29|1050|f\n2017-09-30|1100|f\n");
}

TEST_F(StirPipeline, TheGuardRefusesAHalvedTableAndSaysSo) {
  accounts();
  logs();
  ASSERT_TRUE(cook().ok);
  const auto before = rows("SELECT * FROM coffee.time_series ORDER BY profile_id, date");
  for (const char* table : {"profile_log", "profile_daily"}) warehouse(std::string("TRUNCATE TABLE events.") + table);
  profile("UCa", "2017-09-28 12:00:00", "1000", 4000);
  const auto refused = cook();
  EXPECT_FALSE(refused.ok);
  EXPECT_THAT(refused.error, HasSubstr("is not published: the new one has"));
  EXPECT_EQ(rows("SELECT * FROM coffee.time_series ORDER BY profile_id, date"), before);
  ASSERT_TRUE(cook(true).ok);
  EXPECT_EQ(rows("SELECT count(*) FROM coffee.time_series"), "1\n");
}

TEST_F(StirPipeline, KeepsGrantsCommentsAndViews) {
  accounts();
  logs();
  postgres(
      "DO $$ BEGIN CREATE ROLE stir_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
      "GRANT SELECT ON coffee.time_series TO stir_reader; COMMENT ON TABLE coffee.time_series IS 'it''s daily';"
      "COMMENT ON COLUMN coffee.time_series.views IS 'lifetime';"
      "CREATE VIEW coffee.observed AS SELECT * FROM coffee.time_series WHERE NOT is_gap;"
      "CREATE VIEW coffee.observed_twice AS SELECT o.views, t.date FROM coffee.observed o JOIN coffee.time_series t "
      "USING "
      "(profile_id, date); GRANT SELECT ON coffee.observed TO stir_reader");
  for (int i = 0; i < 2; ++i) {
    const auto outcome = cook();
    ASSERT_TRUE(outcome.ok) << outcome.error;
    EXPECT_EQ(rows("SELECT count(*) FROM coffee.observed"), "4\n");
    EXPECT_EQ(rows("SELECT count(*) FROM coffee.observed_twice"), "4\n");
    EXPECT_EQ(rows("SELECT has_table_privilege('stir_reader', 'coffee.time_series', 'SELECT'), "
                   "has_table_privilege('stir_reader', 'coffee.observed', 'SELECT'), obj_description("
                   "'coffee.time_series'::regclass), col_description('coffee.time_series'::regclass, 5), "
                   "(SELECT relpersistence FROM pg_class WHERE oid = 'coffee.time_series'::regclass)"),
              "t|t|it's daily|lifetime|p\n");
    EXPECT_EQ(rows("SELECT count(*) FROM pg_class WHERE relname ~ '__(old|twin|load)$'"), "0\n");
  }
  postgres("CREATE MATERIALIZED VIEW coffee.frozen AS SELECT * FROM coffee.time_series");
  const auto refused = cook();
  EXPECT_FALSE(refused.ok);
  EXPECT_THAT(refused.error, HasSubstr("materialised view coffee.frozen"));
}

TEST_F(StirPipeline, ReadersNeverFailNorSeeAHalfLoadedTable) {
  accounts();
  logs();
  ASSERT_TRUE(cook().ok);
  postgres("CREATE VIEW coffee.observed AS SELECT * FROM coffee.time_series WHERE NOT is_gap");
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0};
  std::vector<std::string> wrong;
  std::mutex mutex;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&, i] {
      run_alone<void>([&](asio::io_context& context) -> Task<void> {
        const auto pool = kitchen_->open_postgres(context.get_executor());
        while (!stop) {
          std::string answer;
          try {
            const auto result = co_await pool->query(
                i == 0
                    ? "SELECT count(*) FROM coffee.time_series"
                    : "SELECT (SELECT count(*) FROM coffee.time_series) + 0 * (SELECT count(*) FROM coffee.observed)");
            answer = result.text(0, size_t{0});
          } catch (const std::exception& e) {
            answer = e.what();
          }
          ++reads;
          const std::scoped_lock lock(mutex);
          if (answer != "7") wrong.push_back(answer);
        }
      });
    });
  for (int i = 0; i < 5; ++i) {
    const auto outcome = cook();
    EXPECT_TRUE(outcome.ok) << outcome.error;
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_THAT(wrong, testing::IsEmpty());
  EXPECT_GT(reads, 50);
}

TEST_F(StirPipeline, MigrationsAndDagsDeclareTheSameTables) {
  const auto dags = kitchen_->dags();
  for (const auto& target : dags.at("core").publish) {
    std::string declared;
    for (const auto& [name, type] : target.columns) declared += name + "|" + type + "\n";
    EXPECT_EQ(
        rows("SELECT attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END "
             "FROM pg_attribute WHERE attrelid = '" +
             target.schema + "." + target.table + "'::regclass AND attnum > 0 ORDER BY attnum"),
        [&] {
          std::string text = declared;
          for (size_t at = 0; (at = text.find("timestamptz", at)) != text.npos;)
            text.replace(at, 11, "timestamp with time zone");
          return text;
        }());
  }
}

}  // namespace
}  // namespace dalgona::stir
