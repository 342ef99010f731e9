// The PostgreSQL room against a real server: statements, errors, COPY, LISTEN, limits, cancellation, migrations.
#include <future>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "support/test_home.h"

namespace dalgona::postgres {
namespace {

using namespace std::chrono_literals;

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    runner_ = std::thread([this] { runtime_.run(false); });
    pool_ = std::make_unique<Pool>(runtime_, options());
    run(pool_->execute("DROP SCHEMA IF EXISTS pgtest CASCADE; CREATE SCHEMA pgtest"));
  }
  void TearDown() override {
    pool_.reset();
    runtime_.stop();
    runner_.join();
  }
  static std::string url() {
    static const std::string fresh = test::TestHome::shared().fresh_database(false);
    return fresh;
  }
  static PoolOptions options() { return {.url = url(), .application_name = "pgtest", .size = 4}; }
  template <typename T>
  T run(Task<T> task) {
    return wait(runtime_.executor(), std::move(task));
  }
  Result query(std::string sql, Params params = {}) { return run(pool_->query(sql, std::move(params))); }

  Runtime runtime_{2, 5s};
  std::thread runner_;
  std::unique_ptr<Pool> pool_;
};

TEST_F(PostgresTest, BindsParametersAndReadsTypes) {
  const std::string nasty = "it's \"quoted\" \\ back; DROP TABLE x; --\n\t\xF0\x9F\x98\x80";
  const Result result =
      query("SELECT $1::text AS t, $2::bigint AS i, $3::float8 AS f, $4::bool AS b, $5::text AS n, $6::text[] AS a",
            {nasty, "-9223372036854775808", "2.5", "true", std::nullopt, array(std::vector<std::string>{nasty, ""})});
  ASSERT_EQ(result.rows(), 1u);
  EXPECT_EQ(result.text(0, "t"), nasty);
  EXPECT_EQ(result.integer(0, "i"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(result.number(0, "f"), 2.5);
  EXPECT_TRUE(result.flag(0, "b"));
  EXPECT_EQ(result.optional(0, "n"), std::nullopt);
  EXPECT_TRUE(result.is_null(0, 4));
  EXPECT_THROW(result.text(0, "none"), Permanent);
  EXPECT_EQ(query("SELECT ($1::text[])[1] AS x", {array(std::vector<std::string>{nasty})}).text(0, "x"), nasty);
  EXPECT_THROW(query("SELECT $1::text", {std::string("a\0b", 3)}), InvalidInput);
  EXPECT_THROW(query("SELECT 1; SELECT 2"), SqlError);
}

TEST_F(PostgresTest, CountsWhatAStatementChanged) {
  run(pool_->execute("CREATE TABLE pgtest.t (a int)"));
  EXPECT_EQ(query("INSERT INTO pgtest.t SELECT generate_series(1, 7)").affected(), 7u);
  EXPECT_EQ(query("DELETE FROM pgtest.t WHERE a > $1::int", {"5"}).affected(), 2u);
}

TEST_F(PostgresTest, ErrorsCarryTheirSqlState) {
  run(pool_->execute("CREATE TABLE pgtest.u (a int PRIMARY KEY); INSERT INTO pgtest.u VALUES (1)"));
  try {
    query("INSERT INTO pgtest.u VALUES (1)");
    FAIL() << "a doubled key went through";
  } catch (const SqlError& e) {
    EXPECT_EQ(e.sqlstate, "23505");
    EXPECT_NE(std::string(e.what()).find("Key (a)=(1)"), std::string::npos);
  }
  EXPECT_THROW(query("SELECT * FROM pgtest.missing"), SqlError);
  EXPECT_EQ(query("SELECT 1 AS one").integer(0, "one"), 1);  // the session is still good
}

TEST_F(PostgresTest, TransactionsCommitOrLeaveNothing) {
  run(pool_->execute("CREATE TABLE pgtest.t (a int)"));
  run(pool_->transaction([](Session& s) -> Task<void> { co_await s.query("INSERT INTO pgtest.t VALUES (1)"); }));
  EXPECT_THROW(run(pool_->transaction([](Session& s) -> Task<void> {
                 co_await s.query("INSERT INTO pgtest.t VALUES (2)");
                 throw InvalidInput("no");
               })),
               InvalidInput);
  EXPECT_THROW(run(pool_->transaction([](Session& s) -> Task<void> {
                 co_await s.query("INSERT INTO pgtest.t VALUES (3)");
                 co_await s.query("SELECT 1/0");
               })),
               SqlError);
  // A body that leaves a transaction open does not infect the pool.
  run(pool_->with_session(
      [](Session& s) -> Task<void> { co_await s.execute("BEGIN; INSERT INTO pgtest.t VALUES (4)"); }));
  EXPECT_EQ(query("SELECT count(*) AS n FROM pgtest.t").integer(0, "n"), 1);
}

TEST_F(PostgresTest, AStatementOutlivesASwapOfItsTable) {
  run(pool_->execute("CREATE TABLE pgtest.live (a int); INSERT INTO pgtest.live VALUES (1)"));
  EXPECT_EQ(query("SELECT * FROM pgtest.live").columns(), 1u);
  run(pool_->execute(
      "DROP TABLE pgtest.live; CREATE TABLE pgtest.live (b text, c int); INSERT INTO pgtest.live VALUES ('x', 2)"));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(query("SELECT * FROM pgtest.live").columns(), 2u);
}

TEST_F(PostgresTest, ManyDifferentStatementsDoNotPileUp) {
  Pool one(runtime_, [] {
    auto o = options();
    o.size = 1;
    return o;
  }());
  for (int i = 0; i < 600; ++i) EXPECT_EQ(run(one.query(fmt::format("SELECT {} AS n", i))).integer(0, "n"), i);
  EXPECT_LE(run(one.query("SELECT count(*) AS n FROM pg_prepared_statements")).integer(0, "n"), 256);
}

TEST_F(PostgresTest, CopiesInAndOut) {
  run(pool_->execute("CREATE TABLE pgtest.c (id int, t text)"));
  run(pool_->with_session([](Session& s) -> Task<void> {
    int at = 0;
    const uint64_t rows = co_await s.copy_in("COPY pgtest.c FROM STDIN", [&]() -> Task<std::string> {
      std::string piece;
      for (int i = 0; i < 1000 && at < 200'000; ++i, ++at)
        piece += fmt::format("{}\trow {} {}\n", at, at, std::string(50, 'y'));
      co_return piece;
    });
    EXPECT_EQ(rows, 200'000u);
    uint64_t lines = 0, bytes = 0;
    co_await s.copy_out("COPY pgtest.c TO STDOUT", [&](std::string_view piece) -> Task<void> {
      lines += uint64_t(std::count(piece.begin(), piece.end(), '\n'));
      bytes += piece.size();
      co_return;
    });
    EXPECT_EQ(lines, 200'000u);
    EXPECT_GT(bytes, 200'000u * 60);
  }));
  // A source that fails takes its rows with it, and the session stays good.
  run(pool_->with_session([](Session& s) -> Task<void> {
    int pieces = 0;
    bool failed = false;
    try {
      co_await s.copy_in("COPY pgtest.c FROM STDIN", [&]() -> Task<std::string> {
        if (++pieces == 3) throw InvalidInput("the source broke");
        co_return "1\tx\n";
      });
    } catch (const InvalidInput&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    const Result n = co_await s.query("SELECT count(*) AS n FROM pgtest.c");
    EXPECT_EQ(n.integer(0, "n"), 200'000);
  }));
  EXPECT_THROW(run(pool_->with_session([](Session& s) -> Task<void> {
                 co_await s.copy_in("COPY pgtest.c FROM STDIN", []() -> Task<std::string> {
                   static int calls = 0;
                   co_return calls++ ? "" : "not a number\tx\n";
                 });
               })),
               SqlError);
}

TEST_F(PostgresTest, ListensUntilCancelled) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> heard;
  asio::cancellation_signal cancel;
  std::promise<std::exception_ptr> ended;
  const auto listener = [&]() -> Task<void> {
    co_await pool_->with_session([&](Session& s) -> Task<void> {
      co_await s.listen("pgtest_wake", [&](std::string payload) {
        const std::scoped_lock lock(mutex);
        heard.push_back(std::move(payload));
        changed.notify_all();
      });
    });
  };
  const auto strand = asio::make_strand(runtime_.executor());
  asio::co_spawn(strand, listener(),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { ended.set_value(e); }));
  // LISTEN has no answer that we could wait for from outside, so we knock until we are heard.
  {
    std::unique_lock lock(mutex);
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (heard.empty() && std::chrono::steady_clock::now() < deadline) {
      lock.unlock();
      run(pool_->query("SELECT pg_notify('pgtest_wake', 'knock')"));
      lock.lock();
      changed.wait_for(lock, 50ms);
    }
    ASSERT_FALSE(heard.empty());
    heard.clear();
  }
  const auto start = std::chrono::steady_clock::now();
  run(pool_->query("SELECT pg_notify('pgtest_wake', 'hello')"));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, 10s, [&] { return !heard.empty() && heard.back() == "hello"; }));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  asio::post(strand, [&] { cancel.emit(asio::cancellation_type::terminal); });
  auto future = ended.get_future();
  ASSERT_EQ(future.wait_for(10s), std::future_status::ready);
  EXPECT_THROW(std::rethrow_exception(future.get()), Cancelled);
  // What has ended still has its slot for a moment, on its strand.
  asio::post(strand, asio::use_future).wait();
}

TEST_F(PostgresTest, ACancelledCoroutineEndsItsStatementOnTheServer) {
  using namespace asio::experimental::awaitable_operators;
  const auto race = [&]() -> Task<bool> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 300ms);
    const auto winner =
        co_await (pool_->query("SELECT pg_sleep(60), 'cancel me'") || timer.async_wait(asio::use_awaitable));
    co_return winner.index() == 1;
  };
  const auto on_strand = [&]() -> Task<bool> {
    co_return co_await asio::co_spawn(asio::make_strand(runtime_.executor()), race(), asio::use_awaitable);
  };
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(on_strand()));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  int64_t running = 1;
  for (int i = 0; i < 100 && running > 0; ++i) {
    running = query(
                  "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE '%cancel me%' AND state = 'active' AND "
                  "pid <> pg_backend_pid()")
                  .integer(0, "n");
    if (running) std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(running, 0);
}

TEST_F(PostgresTest, AStatementOutOfTimeIsRetryableAndTheSessionGoesOn) {
  auto o = options();
  o.statement_timeout = 200ms;
  o.size = 1;
  Pool impatient(runtime_, o);
  EXPECT_THROW(run(impatient.query("SELECT pg_sleep(30)")), Retryable);
  EXPECT_EQ(run(impatient.query("SELECT 1 AS one")).integer(0, "one"), 1);
}

TEST_F(PostgresTest, WaitersAreServedInOrderAndGiveUpInTime) {
  auto o = options();
  o.size = 1;
  o.acquire_timeout = 300ms;
  Pool narrow(runtime_, o);
  std::promise<void> held, done;
  std::thread holder([&] {
    run(narrow.with_session([&](Session& s) -> Task<void> {
      co_await s.execute("SELECT 1");
      held.set_value();
      co_await sleep_for(800ms);
    }));
    done.set_value();
  });
  held.get_future().wait();
  EXPECT_THROW(run(narrow.query("SELECT 1")), Retryable);
  holder.join();
  EXPECT_EQ(run(narrow.query("SELECT 1 AS one")).integer(0, "one"), 1);

  o.acquire_timeout = 20s;
  Pool busy(runtime_, o);
  std::atomic<int> finished{0};
  std::vector<std::future<void>> all;
  for (int i = 0; i < 200; ++i)
    all.push_back(asio::co_spawn(
        runtime_.executor(),
        [](Pool& p, std::atomic<int>& n) -> Task<void> {
          co_await p.query("SELECT 1");
          ++n;
        }(busy, finished),
        asio::use_future));
  for (auto& f : all) f.get();
  EXPECT_EQ(finished, 200);
}

TEST_F(PostgresTest, ABrokenSessionIsReplaced) {
  auto o = options();
  o.size = 1;
  o.application_name = "pgtest_victim";
  Pool victim(runtime_, o);
  EXPECT_EQ(run(victim.query("SELECT 1 AS one")).integer(0, "one"), 1);
  // While it lies idle: the next caller notices nothing.
  query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtest_victim'");
  for (int i = 0; i < 50; ++i) {
    if (query("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'pgtest_victim'").integer(0, "n") ==
        0)
      break;
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(run(victim.query("SELECT 1 AS one")).integer(0, "one"), 1);
  // In the middle of a statement: Retryable, then good again.
  auto sleeping = asio::co_spawn(runtime_.executor(), victim.query("SELECT pg_sleep(30)"), asio::use_future);
  for (int i = 0; i < 100; ++i) {
    if (query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgtest_victim' AND "
              "state = 'active' AND query LIKE '%sleep%'")
            .rows() > 0)
      break;
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_THROW(sleeping.get(), Retryable);
  EXPECT_EQ(run(victim.query("SELECT 1 AS one")).integer(0, "one"), 1);
}

TEST_F(PostgresTest, SaysWhyItCannotConnect) {
  auto o = options();
  o.url = "postgres://nobody:x@127.0.0.1:1/none";
  Pool away(runtime_, o);
  EXPECT_THROW(run(away.query("SELECT 1")), Retryable);
  o.url = options().url;
  o.url = o.url.substr(0, o.url.rfind('/')) + "/no_such_database";
  Pool missing(runtime_, o);
  EXPECT_THROW(run(missing.query("SELECT 1")), Permanent);
  o.url = "postgres://a:b@c:notaport/d?bogus=1";
  Pool wrong(runtime_, o);
  EXPECT_THROW(run(wrong.query("SELECT 1")), InvalidInput);
}

class MigrateTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    folder_ = std::filesystem::temp_directory_path() / ("dalgona-migrate-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    run(pool_->execute("DROP TABLE IF EXISTS public.schema_migrations"));
  }
  void TearDown() override {
    run(pool_->execute("DROP TABLE IF EXISTS public.schema_migrations; DROP SCHEMA pgtest CASCADE"));
    std::filesystem::remove_all(folder_);
    PostgresTest::TearDown();
  }
  void file(const std::string& name, std::string_view sql) { write_file(folder_ / name, sql); }
  std::vector<std::string> migrate_now() { return run(migrate(*pool_, folder_.string())); }
  std::filesystem::path folder_;
};

TEST_F(MigrateTest, AppliesInOrderOnceAndRefusesChanges) {
  file("0002_b.sql", "ALTER TABLE pgtest.m ADD COLUMN b int; INSERT INTO pgtest.m VALUES (1, 2);");
  file("0001_a.sql", "CREATE TABLE pgtest.m (a int);");
  file("README.md", "not a migration");
  EXPECT_EQ(migrate_now(), (std::vector<std::string>{"0001_a.sql", "0002_b.sql"}));
  EXPECT_EQ(migrate_now(), std::vector<std::string>{});
  // A part of a room may add an older number later.
  file("0101_c.sql", "SELECT 1");
  file("0050_d.sql", "SELECT 1");
  EXPECT_EQ(migrate_now(), (std::vector<std::string>{"0050_d.sql", "0101_c.sql"}));
  file("0001_a.sql", "CREATE TABLE pgtest.m (a bigint);");
  EXPECT_THROW(migrate_now(), InvalidInput);
}

TEST_F(MigrateTest, AFailedMigrationLeavesNothingAndIsNamed) {
  file("0001_a.sql", "CREATE TABLE pgtest.m (a int); SELECT 1/0;");
  try {
    migrate_now();
    FAIL();
  } catch (const SqlError& e) {
    EXPECT_NE(std::string(e.what()).find("0001_a.sql"), std::string::npos);
  }
  EXPECT_EQ(query("SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 'pgtest'").integer(0, "n"),
            0);
  file("0001_a.sql", "CREATE TABLE pgtest.m (a int)");
  EXPECT_EQ(migrate_now().size(), 1u);
}

TEST_F(MigrateTest, TwoStartersTakeTurns) {
  file("0001_a.sql", "SELECT pg_sleep(0.3); CREATE TABLE pgtest.m (a int)");
  auto one = asio::co_spawn(runtime_.executor(), migrate(*pool_, folder_.string()), asio::use_future);
  auto two = asio::co_spawn(runtime_.executor(), migrate(*pool_, folder_.string()), asio::use_future);
  EXPECT_EQ(one.get().size() + two.get().size(), 1u);
}

TEST_F(MigrateTest, RefusesTwoFilesWithOneNumber) {
  file("0001_a.sql", "SELECT 1");
  file("0001_b.sql", "SELECT 1");
  EXPECT_THROW(migrate_now(), InvalidInput);
}

}  // namespace
}  // namespace dalgona::postgres
