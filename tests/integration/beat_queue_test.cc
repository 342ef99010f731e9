// Every edge of the task queue's state machine (docs/beat.md) on a real PostgreSQL, by the edge's name; and what stands
// beside it: the outbox, credentials, upserts.
#include <future>
#include <set>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "beat/credentials.h"
#include "beat/outbox.h"
#include "beat/process.h"
#include "beat/queue.h"
#include "support/test_home.h"

namespace dalgona::beat {
namespace {

using namespace std::chrono_literals;

class BeatQueue : public ::testing::Test {
 protected:
  BeatQueue() {
    runner_ = std::thread([this] { runtime_.run(false); });
    pool_ = std::make_unique<postgres::Pool>(
        runtime_, postgres::PoolOptions{.url = url(), .application_name = "beat test", .size = 6});
    sql("TRUNCATE beat.scrape_request_log, beat.scrape_request_log_outbox, beat.credential, beat.youtube_account, "
        "beat.youtube_post");
    queue_ = std::make_unique<Queue>(*pool_, "tester", 60s);
  }
  ~BeatQueue() override {
    queue_.reset();
    pool_.reset();
    runtime_.stop();
    runner_.join();
  }
  static std::string url() {
    static const std::string fresh = test::TestHome::shared().fresh_database();
    return fresh;
  }
  template <typename T>
  T run(Task<T> task) {
    return wait(runtime_.executor(), std::move(task));
  }
  postgres::Result sql(std::string text, postgres::Params params = {}) {
    return run(pool_->query(text, std::move(params)));
  }
  std::string value(const std::string& text) {
    const auto result = sql(text);
    return result.rows() ? std::string(result.text(0, size_t{0})) : "(none)";
  }
  static NewTask task(std::string flow = "f", int priority = 0) {
    NewTask made;
    made.platform = "P";
    made.flow = std::move(flow);
    made.priority = priority;
    made.max_attempts = 3;
    return made;
  }
  int64_t put(NewTask one) {
    std::vector<NewTask> tasks{std::move(one)};
    return run(queue_->enqueue(std::move(tasks))).at(0).id;
  }
  std::vector<Lease> claim(std::map<std::string, int> free = {{"f", 100}}, int limit = 100) {
    return run(queue_->claim(std::move(free), limit));
  }
  size_t settle(const Lease& lease, Outcome outcome) {
    std::vector<Settled> one{{lease, std::move(outcome)}};
    return run(queue_->settle(std::move(one))).size();
  }
  std::string status(int64_t id) {
    return value(fmt::format("SELECT status FROM beat.scrape_request_log WHERE id = {}", id));
  }
  std::string column(int64_t id, const std::string& name) {
    return value(fmt::format("SELECT {} FROM beat.scrape_request_log WHERE id = {}", name, id));
  }

  Runtime runtime_{2, 5s};
  std::thread runner_;
  std::unique_ptr<postgres::Pool> pool_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(BeatQueue, EnqueueTwiceWithOneKeyIsOneTask) {
  NewTask keyed = task();
  keyed.idempotency_key = "k1";
  const int64_t id = put(keyed);
  std::vector<NewTask> many{task(), keyed, task(), keyed, task()};
  many[3].idempotency_key = "k2";
  many[4].idempotency_key = "k2";
  const auto enqueued = run(queue_->enqueue(many));
  ASSERT_EQ(enqueued.size(), 5u);
  EXPECT_EQ(enqueued[1].id, id);
  EXPECT_FALSE(enqueued[1].created);
  EXPECT_TRUE(enqueued[0].created && enqueued[2].created && enqueued[3].created);
  EXPECT_EQ(enqueued[4].id, enqueued[3].id);
  EXPECT_FALSE(enqueued[4].created);
  EXPECT_LT(enqueued[0].id, enqueued[2].id);  // in the order given
  EXPECT_EQ(value("SELECT count(*) FROM beat.scrape_request_log"), "4");
  EXPECT_EQ(status(id), "PENDING");
}

TEST_F(BeatQueue, ClaimTakesTheHighestPriorityThenTheOldest) {
  const int64_t low = put(task("f", 0)), high = put(task("f", 5)), middle = put(task("f", 1)),
                high2 = put(task("f", 5));
  const auto leases = claim({{"f", 3}}, 100);
  ASSERT_EQ(leases.size(), 3u);
  EXPECT_EQ(leases[0].id, high);
  EXPECT_EQ(leases[1].id, high2);
  EXPECT_EQ(leases[2].id, middle);
  EXPECT_EQ(status(low), "PENDING");
  EXPECT_EQ(status(high), "PROCESSING");
  EXPECT_EQ(column(high, "lease_owner"), "tester");
  EXPECT_EQ(column(high, "extract(epoch FROM expires_at - picked_at)::int"), "3600");
  EXPECT_EQ(leases[0].attempts, 1);
}

TEST_F(BeatQueue, ClaimKeepsToTheBoundsOfFlowsAndInAll) {
  for (int i = 0; i < 10; ++i) {
    put(task("f"));
    put(task("g", 1));
    put(task("h"));
  }
  const auto leases = claim({{"f", 2}, {"g", 5}, {"x", 9}}, 6);
  EXPECT_EQ(leases.size(), 6u);
  EXPECT_EQ(std::count_if(leases.begin(), leases.end(), [](const Lease& l) { return l.flow == "g"; }), 5);
  EXPECT_EQ(claim({{"f", 0}}, 6).size(), 0u);
  EXPECT_EQ(value("SELECT count(*) FROM beat.scrape_request_log WHERE status = 'PROCESSING'"), "6");
}

TEST_F(BeatQueue, ClaimLeavesWhatIsNotDueAndWhatIsExpired) {
  NewTask later = task(), stale = task();
  later.run_after = system_clock().now() + 1h;
  stale.deadline = system_clock().now() - 1s;
  put(later);
  put(stale);
  EXPECT_EQ(claim().size(), 0u);
}

TEST_F(BeatQueue, ClaimsAtOnceNeverShareATask) {
  std::vector<NewTask> many(3000, task());
  run(queue_->enqueue(many));
  std::vector<std::future<std::vector<int64_t>>> claimers;
  for (int i = 0; i < 6; ++i)
    claimers.push_back(asio::co_spawn(
        runtime_.executor(),
        [](Queue& queue) -> Task<std::vector<int64_t>> {
          std::vector<int64_t> mine;
          for (;;) {
            std::map<std::string, int> free{{"f", 37}};
            const auto leases = co_await queue.claim(std::move(free), 37);
            if (leases.empty()) break;
            for (const Lease& lease : leases) mine.push_back(lease.id);
          }
          co_return mine;
        }(*queue_),
        asio::use_future));
  std::set<int64_t> all;
  size_t total = 0;
  for (auto& claimer : claimers) {
    const auto mine = claimer.get();
    total += mine.size();
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(total, 3000u);
  EXPECT_EQ(all.size(), 3000u);
}

TEST_F(BeatQueue, CompleteWritesTheResult) {
  const int64_t id = put(task());
  const Lease lease = claim().at(0);
  EXPECT_EQ(settle(lease, {.kind = Outcome::Kind::kComplete, .data = R"({"posts": 3})"}), 1u);
  EXPECT_EQ(status(id), "COMPLETE");
  EXPECT_EQ(column(id, "data->>'posts'"), "3");
  EXPECT_EQ(column(id, "scraped_at IS NOT NULL AND lease_owner IS NULL AND reason IS NULL"), "t");
  EXPECT_EQ(settle(lease, {.kind = Outcome::Kind::kFailed, .reason = "late"}), 0u);  // done is done
  EXPECT_EQ(status(id), "COMPLETE");
}

TEST_F(BeatQueue, FailKeepsTheReason) {
  const int64_t id = put(task());
  settle(claim().at(0), {.kind = Outcome::Kind::kFailed, .reason = "it's \"wrong\""});
  EXPECT_EQ(status(id), "FAILED");
  EXPECT_EQ(column(id, "reason"), "it's \"wrong\"");
  EXPECT_EQ(claim().size(), 0u);
}

TEST_F(BeatQueue, RetryWaitsAndGivesUpAfterTheLastAttempt) {
  const int64_t id = put(task());
  settle(claim().at(0), {.kind = Outcome::Kind::kRetry, .reason = "one", .wait = 1h});
  EXPECT_EQ(status(id), "PENDING");
  EXPECT_EQ(column(id, "reason"), "one");
  EXPECT_EQ(column(id, "retry_count"), "1");
  EXPECT_EQ(column(id, "run_after > now() + interval '59 minutes'"), "t");
  EXPECT_EQ(claim().size(), 0u);
  sql("UPDATE beat.scrape_request_log SET run_after = now()");
  settle(claim().at(0), {.kind = Outcome::Kind::kRetry, .reason = "two"});
  const Lease last = claim().at(0);
  EXPECT_EQ(last.attempts, 3);
  settle(last, {.kind = Outcome::Kind::kRetry, .reason = "three"});
  EXPECT_EQ(status(id), "FAILED");
  EXPECT_EQ(column(id, "reason"), "gave up after 3 attempts: three");
}

TEST_F(BeatQueue, DeferDoesNotCountAndWakeBringsItBack) {
  const int64_t id = put(task());
  for (int i = 0; i < 10; ++i) {
    const auto leases = claim();
    ASSERT_EQ(leases.size(), 1u);
    EXPECT_EQ(leases[0].attempts, 1);
    settle(leases[0], {.kind = Outcome::Kind::kDefer, .reason = "quota", .wait = 1h, .waiting_for = "s"});
    EXPECT_EQ(claim().size(), 0u);
    EXPECT_EQ(run(queue_->wake("other")), 0u);
    EXPECT_EQ(run(queue_->wake("s")), 1u);
  }
  EXPECT_EQ(status(id), "PENDING");
  EXPECT_EQ(column(id, "attempts"), "0");
}

TEST_F(BeatQueue, LapseReturnsTheTaskAndFencesTheSilentWorker) {
  Queue hasty(*pool_, "hasty", 150ms);
  const int64_t id = put(task());
  std::map<std::string, int> free{{"f", 1}};
  const Lease dead = run(hasty.claim(free, 1)).at(0);
  EXPECT_EQ(run(queue_->sweep()).lapsed, 0u);
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(run(queue_->sweep()).lapsed, 1u);
  EXPECT_EQ(status(id), "PENDING");
  EXPECT_EQ(column(id, "reason"), "lease lapsed: no word from hasty in attempt 1");
  std::vector<Lease> its{dead};
  EXPECT_TRUE(run(hasty.heartbeat(its)).empty());
  EXPECT_EQ(settle(dead, {.kind = Outcome::Kind::kComplete}), 0u);
  const Lease alive = claim().at(0);
  EXPECT_EQ(alive.attempts, 2);
  EXPECT_EQ(settle(dead, {.kind = Outcome::Kind::kComplete}), 0u);  // also while the new one works
  EXPECT_EQ(status(id), "PROCESSING");
  EXPECT_EQ(settle(alive, {.kind = Outcome::Kind::kComplete}), 1u);
}

TEST_F(BeatQueue, LapseOfTheLastAttemptFails) {
  Queue hasty(*pool_, "hasty", 1ms);
  NewTask fragile = task();
  fragile.max_attempts = 1;
  const int64_t id = put(fragile);
  std::map<std::string, int> free{{"f", 1}};
  run(hasty.claim(free, 1));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(run(queue_->sweep()).lapsed, 1u);
  EXPECT_EQ(status(id), "FAILED");
}

TEST_F(BeatQueue, HeartbeatExtendsTheLease) {
  Queue hasty(*pool_, "hasty", 300ms);
  put(task());
  std::map<std::string, int> free{{"f", 1}};
  const std::vector<Lease> leases = run(hasty.claim(free, 1));
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(run(hasty.heartbeat(leases)).size(), 1u);
    EXPECT_EQ(run(queue_->sweep()).lapsed, 0u);
  }
}

TEST_F(BeatQueue, ExpireFailsWhatIsOfNoMoreUse) {
  NewTask stale = task();
  stale.deadline = system_clock().now() - 1s;
  const int64_t id = put(stale);
  EXPECT_EQ(run(queue_->sweep()).expired, 1u);
  EXPECT_EQ(status(id), "FAILED");
  EXPECT_EQ(column(id, "reason"), "expired before it could be done");
}

TEST_F(BeatQueue, EveryChangeOfStateIsInTheOutboxInOrder) {
  put(task());
  const Lease lease = claim().at(0);
  std::vector<Lease> its{lease};
  run(queue_->heartbeat(its));  // no change of state
  settle(lease, {.kind = Outcome::Kind::kRetry, .reason = "again"});
  settle(claim().at(0), {.kind = Outcome::Kind::kComplete});
  EXPECT_EQ(value("SELECT string_agg(body->>'status', ' ' ORDER BY seq) FROM beat.scrape_request_log_outbox"),
            "PENDING PROCESSING PENDING PROCESSING COMPLETE");
  const auto row = sql("SELECT seq, at, body FROM beat.scrape_request_log_outbox ORDER BY seq OFFSET 1 LIMIT 1");
  const auto event =
      boost::json::parse(state_event(row.integer(0, "seq"), parse_time(row.text(0, "at")), row.text(0, "body")));
  EXPECT_EQ(event.at("scl_id").as_int64(), lease.id);
  EXPECT_EQ(event.at("status").as_string(), "PROCESSING");
  EXPECT_EQ(event.at("picked_at").as_string(), to_sql(lease.picked_at));
  EXPECT_FALSE(event.as_object().contains("retry_count"));  // the stream refuses fields it does not know
}

TEST_F(BeatQueue, EnqueueBySqlCallsOut) {
  std::promise<void> heard;
  std::atomic<int> calls{0};
  asio::cancellation_signal cancel;
  const auto strand = asio::make_strand(runtime_.executor());
  std::promise<void> ended;
  asio::co_spawn(
      strand,
      [](postgres::Pool& pool, std::atomic<int>& n, std::promise<void>& first) -> Task<void> {
        co_await pool.with_session([&](postgres::Session& s) -> Task<void> {
          co_await s.listen("beat_scrape_request_log", [&](const std::string&) {
            if (n++ == 0) first.set_value();
          });
        });
      }(*pool_, calls, heard),
      asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr&) { ended.set_value(); }));
  auto first = heard.get_future();
  for (int i = 0; i < 100 && first.wait_for(50ms) != std::future_status::ready; ++i)
    sql("INSERT INTO beat.scrape_request_log (platform, flow) VALUES ('P', 'f')");
  EXPECT_GT(calls, 0);
  asio::post(strand, [&] { cancel.emit(asio::cancellation_type::terminal); });
  ended.get_future().wait();
  // What has ended still has its slot for a moment, on its strand.
  asio::post(strand, asio::use_future).wait();
}

TEST_F(BeatQueue, CredentialsAreChosenAtRandomAndComeBackByThemselves) {
  Credentials credentials(*pool_, 0ms);
  EXPECT_FALSE(run(credentials.pick("s")).credential);
  EXPECT_FALSE(run(credentials.pick("s")).free_in);
  const int64_t a = run(credentials.add("s", "key-a\n", std::nullopt));
  const int64_t b = run(credentials.add("s", "key-b", "second"));
  run(credentials.add("other", "key-c", std::nullopt));
  EXPECT_EQ(run(credentials.add("s", "key-a", std::nullopt)), a);
  std::map<std::string, int> picked;
  for (int i = 0; i < 200; ++i) ++picked[run(credentials.pick("s")).credential.value().key];
  EXPECT_EQ(picked.size(), 2u);
  EXPECT_GT(picked["key-a"], 50);
  EXPECT_GT(picked["key-b"], 50);
  run(credentials.disable(a, "400 keyInvalid"));
  run(credentials.disable_for(b, 400ms, "429"));
  const auto none = run(credentials.pick("s"));
  EXPECT_FALSE(none.credential);
  ASSERT_TRUE(none.free_in);
  EXPECT_LE(*none.free_in, 401ms);
  std::this_thread::sleep_for(450ms);
  EXPECT_EQ(run(credentials.pick("s")).credential.value().id, b);
  EXPECT_TRUE(run(credentials.enable(a, true)));
  for (const std::string& row : run(credentials.list())) EXPECT_EQ(row.find("key-"), std::string::npos) << row;
  EXPECT_THROW(run(credentials.add("s", " \n", std::nullopt)), InvalidInput);
  EXPECT_THROW(run(credentials.add("s", "a b", std::nullopt)), InvalidInput);
}

TEST_F(BeatQueue, AnOlderObservationNeverOverwritesANewerOne) {
  const Time t = parse_time("2017-09-13T12:00:00Z");
  const auto post = [](Time at, int64_t views, std::vector<std::string> tags) {
    Observed<youtube::Post> observed;
    observed.what.video_id = "vvvvvvvvvvv";
    observed.what.title = std::string("t\0x", 3);
    observed.what.views = views;
    observed.what.tags = std::move(tags);
    observed.at = at;
    return observed;
  };
  const auto save = [&](const Observed<youtube::Post>& one) {
    std::vector<const Observed<youtube::Post>*> list{&one};
    run(upsert_posts(*pool_, list));
  };
  save(post(t, 10, {"a \"b\"", "{c,d}", ""}));
  save(post(t - 1s, 5, {}));
  EXPECT_EQ(value("SELECT views FROM beat.youtube_post"), "10");
  EXPECT_EQ(value("SELECT tags[1] || '|' || tags[2] || '|' || cardinality(tags) FROM beat.youtube_post"),
            "a \"b\"|{c,d}|3");
  save(post(t + 1s, 20, {}));
  EXPECT_EQ(value("SELECT views || title FROM beat.youtube_post"), "20tx");

  Observed<youtube::Profile> profile;
  profile.what.channel_id = "UCx";
  profile.what.followers = 7;
  profile.what.title = "T";
  profile.at = t;
  const auto save_profile = [&] {
    std::vector<const Observed<youtube::Profile>*> list{&profile};
    run(upsert_accounts(*pool_, list));
  };
  save_profile();
  profile.what.followers.reset();  // now hidden
  profile.what.title.reset();      // that part was not asked for
  profile.at = t + 1s;
  save_profile();
  EXPECT_EQ(value("SELECT title || coalesce(followers::text, ' hidden') FROM beat.youtube_account"), "T hidden");
}

}  // namespace
}  // namespace dalgona::beat
