// What dies in the middle: PostgreSQL during a publish, stir during a run. Readers see the old tables whole, and the
// next run goes through.
#include <chrono>
#include <thread>

#include <signal.h>

#include "stir_fixture.h"

namespace dalgona::stir {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

class StirFailures : public StirHome {
 protected:
  StirFailures() {
    postgres("INSERT INTO beat.youtube_account (channel_id, title, observed_at) VALUES ('UCa', 'A', now())");
    log("2024-03-01", 10);
    log("2024-03-02", 20);
  }
  void log(const std::string& day, int views) {
    warehouse(
        "INSERT INTO events.profile_log (event_id, source, platform, profile_id, event_timestamp, followers, views, "
        "uploads) "
        "VALUES (generateUUIDv4(), 's', 'YOUTUBE', 'UCa', '" +
        day + " 12:00:00', 1, " + std::to_string(views) + ", 1)");
  }
  std::string published() { return rows("SELECT date, views FROM coffee.time_series ORDER BY 1"); }
  std::string left_overs() { return rows("SELECT relname FROM pg_class WHERE relname ~ '__(old|twin|load)$'"); }

  Kitchen::Outcome cook(int64_t run = 0) {
    return run_alone<Kitchen::Outcome>([&](asio::io_context& context) -> Task<Kitchen::Outcome> {
      const auto pool = kitchen_->open_postgres(context.get_executor());
      Kitchen::Request request;
      request.select.emplace_back("tag:core");
      request.run = run;
      const auto dags = kitchen_->dags();
      co_return co_await kitchen_->cook(request, dags.at("core").publish, pool.get());
    });
  }

  // A reader that sits on the live table until it is let go.
  class Reader {
   public:
    explicit Reader(StirFailures& test) {
      thread_ = std::thread([this, &test] {
        try {
          run_alone<void>([&](asio::io_context& context) -> Task<void> {
            const auto pool = test.kitchen_->open_postgres(context.get_executor());
            const std::function<Task<void>(postgres::Session&)> body =
                [this](postgres::Session& session) -> Task<void> {
              co_await session.query("SELECT count(*) FROM coffee.time_series");
              holds_ = true;
              while (!let_go_) co_await sleep_for(10ms);
            };
            co_await pool->transaction(body);
          });
        } catch (const std::exception&) {
          // The server was killed under it.
        }
        holds_ = true;
      });
      while (!holds_) std::this_thread::sleep_for(5ms);
    }
    ~Reader() { let_go(); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    void let_go() {
      let_go_ = true;
      if (thread_.joinable()) thread_.join();
    }

   private:
    std::atomic<bool> holds_{false}, let_go_{false};
    std::thread thread_;
  };

  // Waits until a publish stands at its swap, before a lock that the reader holds.
  void await_swap() {
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (rows("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dalgona stir' AND wait_event_type = "
                "'Lock'") != "1\n") {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "no publish came to its swap";
      std::this_thread::sleep_for(20ms);
    }
  }
};

TEST_F(StirFailures, PostgresKilledInTheMiddleOfAPublish) {
  ASSERT_TRUE(cook().ok);
  const auto before = published();
  EXPECT_EQ(before, "2024-03-01|10\n2024-03-02|20\n");
  log("2024-03-03", 30);
  Kitchen::Outcome outcome;
  {
    Reader reader(*this);
    std::thread cooking([&] { outcome = cook(); });
    await_swap();
    auto& server = test::TestHome::shared().postgres();
    ::kill(server.pid(), SIGKILL);
    cooking.join();
    while (server.running()) std::this_thread::sleep_for(20ms);
    server.start(60s);
  }
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(outcome.retryable) << outcome.error;
  EXPECT_THAT(outcome.error, HasSubstr("PostgreSQL"));
  EXPECT_EQ(published(), before);
  const auto next = cook();
  ASSERT_TRUE(next.ok) << next.error;
  EXPECT_EQ(published(), before + "2024-03-03|30\n");
  EXPECT_EQ(left_overs(), "");
}

TEST_F(StirFailures, WhatWasPublishedOutlivesAKilledServer) {
  ASSERT_TRUE(cook().ok);
  auto& server = test::TestHome::shared().postgres();
  ::kill(server.pid(), SIGKILL);
  while (server.running()) std::this_thread::sleep_for(20ms);
  server.start(60s);
  EXPECT_EQ(published(), "2024-03-01|10\n2024-03-02|20\n");
}

TEST_F(StirFailures, TheWarehouseIsAwayAndTheLiveTablesStay) {
  ASSERT_TRUE(cook().ok);
  const auto before = published();
  const Config away = Config::load({.home = test::TestHome::shared().path(),
                                    .file = {},
                                    .environment = {{"DALGONA_POSTGRES_URL", database_},
                                                    {"DALGONA_WAREHOUSE_URL", "http://127.0.0.1:1"},
                                                    {"DALGONA_OBJECTS_URL", "file://" + objects_.string()}}});
  kitchen_ = std::make_unique<Kitchen>(away);
  const auto outcome = cook();
  EXPECT_FALSE(outcome.ok);
  EXPECT_TRUE(outcome.retryable);
  EXPECT_THAT(outcome.error, HasSubstr("connection refused"));
  EXPECT_EQ(published(), before);
}

TEST_F(StirFailures, AnEmptyResultIsNotPublished) {
  ASSERT_TRUE(cook().ok);
  const auto before = published();
  for (const char* table : {"profile_log", "post_log", "profile_daily", "post_daily"})
    warehouse(std::string("TRUNCATE TABLE events.") + table);
  const auto outcome = cook();
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.error, HasSubstr("is not published: the new one has 0 rows"));
  EXPECT_EQ(published(), before);
}

TEST_F(StirFailures, ARunThatLostItsLeasePublishesNothing) {
  ASSERT_TRUE(cook().ok);
  const auto before = published();
  log("2024-03-03", 30);
  postgres("INSERT INTO stir.run (dag, trigger) VALUES ('core', 'command')");
  const int64_t run = std::stoll(rows("SELECT max(id) FROM stir.run"));
  Kitchen::Outcome outcome;
  Reader reader(*this);
  std::thread cooking([&] { outcome = cook(run); });
  await_swap();
  postgres("UPDATE stir.run SET status = 'FAILED' WHERE id = " + std::to_string(run));
  reader.let_go();
  cooking.join();
  EXPECT_FALSE(outcome.ok);
  EXPECT_THAT(outcome.error, HasSubstr("has lost its lease"));
  EXPECT_EQ(published(), before);
}

TEST_F(StirFailures, StirKilledInTheMiddleOfARun) {
  auto& home = test::TestHome::shared();
  const test::Settings settings{{"stir.schedule", "false"},
                                {"postgres.url", database_},
                                {"warehouse.url", warehouse_url()},
                                {"objects.url", "file://" + objects_.string()}};
  http::Client http;
  const auto ask = [&](const test::Role& role, const std::string& method, const std::string& path) {
    http::ClientRequest request;
    request.method = method;
    request.url = role.url() + path;
    return http.send_blocking(std::move(request));
  };
  const auto result = [&](const test::Role& role, const std::string& id) {
    const auto until = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < until) {
      const auto run = boost::json::parse(ask(role, "GET", "/runs/" + id).body).as_object();
      if (run.at("status") != "RUNNING") return std::string(run.at("status").as_string());
      std::this_thread::sleep_for(100ms);
    }
    return std::string("still running");
  };
  {
    auto stir = home.start_role("stir", settings);
    Reader reader(*this);
    ASSERT_EQ(ask(stir, "POST", "/dags/core/runs").status, 202);
    await_swap();
    stir.kill();
  }
  EXPECT_EQ(rows("SELECT status FROM stir.run"), "RUNNING\n");
  auto stir = home.start_role("stir", settings);
  // Nobody can tell a killed process from one that is only slow, so its lease must lapse first.
  EXPECT_EQ(ask(stir, "POST", "/dags/core/runs").status, 409);
  postgres("UPDATE stir.run SET heartbeat_at = now() - interval '21 seconds'");
  ASSERT_EQ(ask(stir, "POST", "/dags/core/runs").status, 202);
  EXPECT_EQ(rows("SELECT status, error FROM stir.run ORDER BY id LIMIT 1"), "FAILED|its process ended\n");
  EXPECT_EQ(result(stir, rows("SELECT max(id)::text FROM stir.run").substr(0, 1)), "SUCCESS");
  EXPECT_EQ(published(), "2024-03-01|10\n2024-03-02|20\n");
  EXPECT_EQ(left_overs(), "");
  EXPECT_EQ(ask(stir, "POST", "/dags/nobody/runs").status, 404);
  EXPECT_EQ(ask(stir, "GET", "/runs/x").status, 400);
  EXPECT_EQ(stir.stop(), 0);
}

}  // namespace
}  // namespace dalgona::stir
