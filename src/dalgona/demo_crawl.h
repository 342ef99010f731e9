// Drives the main job from outside, over the protocols that any user has: moves the sandbox's clock from day to day,
// puts tasks into beat's queue, waits for them, for the rows in the warehouse, and for stir's models and publication.
//
// What is crawled, by day of the population:
//   1. the day's trending chart (refresh_yt_posts_by_genre);
//   2. every channel seen so far (refresh_yt_profiles, 50 a task), and all videos of the channels that are new
//      (refresh_yt_posts_by_channel_id);
// and after the last day every known video once more (refresh_yt_posts, 50 a task).
//
// Every task has an idempotency key made of the population's fingerprint, the day and what is asked, so that a demo
// that is run again on its home goes on where it was, and one that had ended has nothing left to do.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "base/config.h"
#include "base/http/client.h"
#include "base/postgres/postgres.h"
#include "dalgona/demo_progress.h"

namespace dalgona {

// Lives on one thread that may block; cancel() may be called from any other.
class DemoCrawl {
 public:
  struct Options {
    std::filesystem::path home, config_file;
    std::string fingerprint;  // of the population; [a-z0-9]
    // Nothing moves for that long: the demo gives up and says what it was waiting for.
    std::chrono::milliseconds patience{180'000};
  };
  // `config` is that of the home while it is up: it has every address.
  DemoCrawl(Options options, Config config, DemoProgress& progress);
  ~DemoCrawl();

  // Each is a stage of the demo; they throw Permanent or InvalidInput with the reason, Cancelled after cancel().
  // A store or role that dies in between is waited for.
  void crawl();
  void wait_for_rows();
  void run_models();

  void cancel() { cancelled_ = true; }
  // The days of the population, "2017-09-13"...; after crawl().
  const std::vector<std::string>& days() const { return days_; }

 private:
  struct Tasks {
    int64_t all = 0, open = 0, failed = 0;
  };
  boost::json::value call(const std::string& method, const std::string& url, const boost::json::value& body = nullptr);
  postgres::Result query(const std::string& sql, std::vector<std::optional<std::string>> params = {});
  // Calls `f` until it throws no Retryable any more.
  template <typename F>
  auto persist(const std::string& what, F f) -> decltype(f());
  void pause(std::chrono::milliseconds time) const;
  void check_cancelled() const;

  void move_clock(const std::string& day, int hour);
  void enqueue(const std::string& step, const boost::json::array& tasks);
  void add_id(const std::string& step, int64_t id);
  std::vector<std::optional<std::string>> rows_of(const std::string& step) const;
  Tasks tasks_of(const std::string& step);
  void wait_for_tasks(const std::string& step, const std::string& saying);
  void crawl_day(size_t index);
  std::string key(const std::string& step, const std::string& rest) const;
  std::string prefix() const;
  std::string service(const std::string& section) const;

  Options options_;
  Config config_;
  DemoProgress& progress_;
  std::atomic<bool> cancelled_{false};
  http::Client http_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;  // runs the context: PostgreSQL
  std::unique_ptr<postgres::Pool> pool_;
  std::vector<std::string> days_;
  std::map<std::string, std::pair<int64_t, int64_t>> ids_;  // of a step's tasks: the first and the last
  std::set<std::string> seen_;                              // channels that have a task of their own
};

}  // namespace dalgona
