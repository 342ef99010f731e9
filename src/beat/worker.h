// The worker: claims tasks, runs thousands of them as coroutines, keeps their leases, and writes what became of them.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include "beat/catalogue.h"
#include "beat/fetch.h"
#include "beat/outbox.h"
#include "beat/process.h"
#include "beat/queue.h"

namespace dalgona::beat {

struct WorkerOptions {
  int concurrency = 1024;
  std::chrono::milliseconds lease{60'000}, task_timeout{600'000}, poll_interval{1'000};
  std::chrono::milliseconds retry_first{1'000}, retry_cap{300'000};
  int claim_batch = 256;
  size_t complete_batch = 256;
  // How long tasks may go on when the process is asked to stop; then they go back to the queue.
  std::chrono::milliseconds stop_grace{8'000};
};

// Everything but the tasks themselves runs on one strand. Outlives the runtime's run().
class Worker {
 public:
  Worker(Runtime& runtime, postgres::Pool& pool, Queue& queue, const Catalogue& catalogue, Fetcher& fetcher,
         Processor& processor, Outbox& outbox, WorkerOptions options);
  ~Worker();
  void start();
  // While draining nothing new is claimed; what runs goes on. Thread-safe.
  void drain(bool draining);
  bool draining() const { return draining_.load(); }

 private:
  struct Running;
  using RunningPtr = std::shared_ptr<Running>;

  void spawn_loop(const std::string& name, std::function<Task<void>()> loop);
  Task<void> claim_loop();
  Task<void> listen_loop();
  Task<void> heartbeat_loop();
  Task<void> sweep_loop();
  Task<void> settle_loop();
  Task<void> outbox_loop();

  std::map<std::string, int> free_by_flow();
  void begin(Lease lease);
  void finished(const RunningPtr& running, Outcome outcome);
  Task<Outcome> execute(RunningPtr running);
  Task<Harvest> retrieve(const Flow& flow, const boost::json::object& params);
  void cancel(const RunningPtr& running, const std::string& why);
  void wake();
  void begin_stop();
  void end_loops_when_idle();
  // Sleeps on the strand until the time is over or the timer is cancelled.
  Task<void> rest(asio::steady_timer& timer, std::chrono::milliseconds time);

  Runtime& runtime_;
  postgres::Pool& pool_;
  Queue& queue_;
  const Catalogue& catalogue_;
  Fetcher& fetcher_;
  Processor& processor_;
  Outbox& outbox_;
  const WorkerOptions options_;
  asio::strand<asio::any_io_executor> strand_;
  std::atomic<bool> draining_{false};

  // --- on the strand ---
  std::map<int64_t, RunningPtr> running_;  // by task id
  std::map<std::string, int> running_by_flow_;
  std::map<std::string, std::chrono::steady_clock::time_point> paused_until_;  // by flow: its source is exhausted
  std::vector<Settled> settled_;
  asio::steady_timer wake_, settle_, stop_timer_;
  bool woken_ = false, saturated_ = false, stopping_ = false, settling_ = false;
  std::vector<std::unique_ptr<asio::cancellation_signal>> loops_;
};

}  // namespace dalgona::beat
