#include "beat/worker.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"

namespace dalgona::beat {
namespace {

using namespace std::chrono_literals;
using Kind = Outcome::Kind;

// A flow whose source is exhausted is left alone for this long at most, so that a new key is noticed soon.
constexpr std::chrono::milliseconds kLongestPause = 5s;
constexpr std::chrono::milliseconds kOutboxPause = 100ms;

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kComplete:
      return "complete";
    case Kind::kFailed:
      return "failed";
    case Kind::kRetry:
      return "retry";
    case Kind::kDefer:
      return "defer";
  }
  return "unknown";
}

double seconds(Time from, Time to) {
  return std::max(0.0, double((to - from).count()) / 1e6);
}

}  // namespace

struct Worker::Running {
  Running(const asio::any_io_executor& executor, const asio::strand<asio::any_io_executor>& owner, Lease l)
      : lease(std::move(l)), strand(asio::make_strand(executor)), deadline(owner) {}
  const Lease lease;
  const std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  asio::strand<asio::any_io_executor> strand;  // the task's own; `cancel` is emitted there
  asio::cancellation_signal cancel;
  asio::steady_timer deadline;
  std::string cancelled_because;  // on the worker's strand
  bool lost = false;              // somebody else has the task now
};

Worker::Worker(Runtime& runtime, postgres::Pool& pool, Queue& queue, const Catalogue& catalogue, Fetcher& fetcher,
               Processor& processor, Outbox& outbox, WorkerOptions options)
    : runtime_(runtime),
      pool_(pool),
      queue_(queue),
      catalogue_(catalogue),
      fetcher_(fetcher),
      processor_(processor),
      outbox_(outbox),
      options_(std::move(options)),
      strand_(asio::make_strand(runtime.executor())),
      wake_(strand_),
      settle_(strand_),
      stop_timer_(strand_) {
  for (const auto& [name, flow] : catalogue_.flows())
    if (!flow_functions().contains(name)) {
      std::vector<std::string> known;
      for (const auto& [function, unused] : flow_functions()) known.push_back(function);
      throw InvalidInput(
          fmt::format("flow '{}' is declared, but nothing carries it out; known: {}", name, fmt::join(known, ", ")));
    }
}

Worker::~Worker() = default;

void Worker::start() {
  spawn_loop("claim", [this] { return claim_loop(); });
  spawn_loop("listen", [this] { return listen_loop(); });
  spawn_loop("heartbeat", [this] { return heartbeat_loop(); });
  spawn_loop("sweep", [this] { return sweep_loop(); });
  spawn_loop("settle", [this] { return settle_loop(); });
  spawn_loop("outbox", [this] { return outbox_loop(); });
  runtime_.on_stop([this] { asio::post(strand_, [this] { begin_stop(); }); });
}

void Worker::spawn_loop(const std::string& name, std::function<Task<void>()> loop) {
  loops_.push_back(std::make_unique<asio::cancellation_signal>());
  // The function object holds the loop's captures, so it must live as long as the loop.
  auto whole = [](std::function<Task<void>()> run) -> Task<void> { co_await run(); };
  asio::co_spawn(strand_, whole(std::move(loop)),
                 asio::bind_cancellation_slot(loops_.back()->slot(), [this, name](const std::exception_ptr& failure) {
                   if (!failure || stopping_) return;
                   try {
                     std::rethrow_exception(failure);
                   } catch (const std::exception& e) {
                     log::error("msg=\"loop ended\" loop={} error={}", name, log::quoted(e.what()));
                   }
                   runtime_.stop(1);
                 }));
}

Task<void> Worker::rest(asio::steady_timer& timer, std::chrono::milliseconds time) {
  timer.expires_after(time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Worker::wake() {
  woken_ = true;
  wake_.cancel();
}

void Worker::drain(bool draining) {
  draining_ = draining;
  asio::post(strand_, [this] { wake(); });
}

std::map<std::string, int> Worker::free_by_flow() {
  std::map<std::string, int> free;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [name, flow] : catalogue_.flows()) {
    if (const auto paused = paused_until_.find(name); paused != paused_until_.end() && paused->second > now) continue;
    if (const int left = flow.concurrency - running_by_flow_[name]; left > 0) free[name] = left;
  }
  return free;
}

Task<void> Worker::claim_loop() {
  int failures = 0;
  while (!stopping_) {
    woken_ = false;
    const int limit = std::min(options_.claim_batch, options_.concurrency - int(running_.size()));
    saturated_ = limit <= 0;
    auto pause = options_.poll_interval;
    if (limit > 0 && !draining_) {
      std::vector<Lease> leases;
      bool failed = false;
      try {
        auto free = free_by_flow();
        saturated_ = free.size() < catalogue_.flows().size();
        leases = co_await queue_.claim(std::move(free), limit);
        failures = 0;
      } catch (const Retryable& e) {
        failed = true;
        if (failures++ == 0) log::warn("msg=\"cannot claim\" error={}", log::quoted(e.what()));
      }
      if (failed) pause = backoff(std::min(failures, 5), 50ms, 2s) + 10ms;
      const bool full = int(leases.size()) == limit;
      for (Lease& lease : leases) begin(std::move(lease));
      if (full) continue;
    }
    if (!woken_ && !stopping_) co_await rest(wake_, pause);
  }
}

void Worker::begin(Lease lease) {
  const int64_t id = lease.id;
  const std::string& flow_name = lease.flow;
  const Flow& flow = catalogue_.flow(flow_name);
  metrics::histogram("dalgona_beat_pickup_seconds", "Time from a task being due to being picked", {{"flow", flow_name}})
      .Observe(seconds(lease.eligible_at, lease.picked_at));
  auto running = std::make_shared<Running>(runtime_.executor(), strand_, std::move(lease));
  // A lease of ours that lapsed and that we took again while the first run still goes on: the first one is over.
  if (const auto before = running_.find(id); before != running_.end()) {
    before->second->lost = true;
    cancel(before->second, "the lease lapsed");
  }
  running_[id] = running;
  ++running_by_flow_[flow.name];
  metrics::gauge("dalgona_beat_in_flight", "Tasks being worked on", {{"flow", flow.name}}).Increment();
  const auto limit = std::min(options_.task_timeout, flow.timeout);
  running->deadline.expires_after(limit);
  running->deadline.async_wait([this, running, limit](const boost::system::error_code& error) {
    if (!error) cancel(running, fmt::format("cancelled after {} s", double(limit.count()) / 1000));
  });
  asio::co_spawn(running->strand, execute(running),
                 asio::bind_cancellation_slot(
                     running->cancel.slot(),
                     asio::bind_executor(strand_, [this, running](const std::exception_ptr& failure, Outcome outcome) {
                       if (failure) {  // cancelled before its first step
                         outcome.kind = Kind::kRetry;
                         outcome.reason = "cancelled";
                       }
                       finished(running, std::move(outcome));
                     })));
}

void Worker::cancel(const RunningPtr& running, const std::string& why) {
  if (running->cancelled_because.empty()) running->cancelled_because = why;
  asio::post(running->strand, [running] { running->cancel.emit(asio::cancellation_type::terminal); });
}

Task<Harvest> Worker::retrieve(const Flow& flow, const boost::json::object& params) {
  const FlowFunction& run = flow_functions().at(flow.name);
  std::exception_ptr failed;
  for (const std::string& name : flow.sources) {
    const Source& source = catalogue_.source(name);
    try {
      Harvest harvest = co_await run(fetcher_, source, params);
      harvest.source = name;
      co_return harvest;
    } catch (const StoreAway&) {
      throw;
    } catch (const Retryable&) {
      failed = std::current_exception();  // the next source may have it
    }
  }
  std::rethrow_exception(failed);
}

Task<Outcome> Worker::execute(RunningPtr running) {
  const Lease& lease = running->lease;
  Outcome outcome;
  const auto fail = [&](Kind kind, const std::string& reason) {
    outcome.kind = kind;
    outcome.reason = reason;
  };
  try {
    const Flow& flow = catalogue_.flow(lease.flow);
    const boost::json::object params = check_params(flow, lease.params);
    const Harvest harvest = co_await retrieve(flow, params);
    co_await processor_.process(lease, harvest);
    outcome.data = harvest.summary();
  } catch (const SourceExhausted& e) {
    fail(Kind::kDefer, e.what());
    outcome.waiting_for = e.source;
    outcome.wait = e.retry_after.value_or(1s);
  } catch (const StoreAway& e) {
    fail(Kind::kDefer, e.what());
    outcome.wait = 100ms + backoff(2, 500ms, 5s);
  } catch (const Retryable& e) {
    fail(Kind::kRetry, e.what());
    outcome.wait =
        std::max(backoff(lease.attempts - 1, options_.retry_first, options_.retry_cap), e.retry_after.value_or(0ms));
  } catch (const Cancelled&) {
    fail(Kind::kRetry, "cancelled");
  } catch (const boost::system::system_error& e) {
    fail(e.code() == asio::error::operation_aborted ? Kind::kRetry : Kind::kFailed,
         e.code() == asio::error::operation_aborted ? "cancelled" : e.what());
  } catch (const std::exception& e) {
    fail(Kind::kFailed, e.what());
  }
  co_return outcome;
}

void Worker::finished(const RunningPtr& running, Outcome outcome) {
  running->deadline.cancel();
  const Lease& lease = running->lease;
  if (const auto found = running_.find(lease.id); found != running_.end() && found->second == running)
    running_.erase(found);
  --running_by_flow_[lease.flow];
  metrics::gauge("dalgona_beat_in_flight", "Tasks being worked on", {{"flow", lease.flow}}).Decrement();
  if (!running->cancelled_because.empty() && outcome.kind != Kind::kComplete) {
    outcome.reason = running->cancelled_because;
    if (stopping_ && outcome.kind == Kind::kRetry) {
      outcome.kind = Kind::kDefer;
      outcome.wait = 0ms;
    }
  }
  const auto label = [&](std::string_view what) {
    metrics::counter("dalgona_beat_tasks_total", "Tasks by what became of them",
                     {{"flow", lease.flow}, {"outcome", std::string(what)}})
        .Increment();
  };
  if (running->lost) {
    label("lost");
  } else {
    label(name_of(outcome.kind));
    metrics::histogram("dalgona_beat_task_seconds", "Time from the pick to the end of the work", {{"flow", lease.flow}})
        .Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - running->since).count());
    if (outcome.kind != Kind::kComplete)
      log::info("msg=\"task not done\" task={} flow={} outcome={} attempt={} reason={}", lease.id, lease.flow,
                name_of(outcome.kind), lease.attempts, log::quoted(outcome.reason));
    if (outcome.kind == Kind::kDefer && outcome.waiting_for)
      paused_until_[lease.flow] = std::chrono::steady_clock::now() + std::min(outcome.wait, kLongestPause);
    settled_.push_back({lease, std::move(outcome)});
    settle_.cancel();
  }
  if (saturated_) wake();
}

Task<void> Worker::settle_loop() {
  int failures = 0;
  for (;;) {
    if (settled_.empty()) {
      settling_ = false;
      end_loops_when_idle();
      // The next finished task cancels this wait.
      co_await rest(settle_, 1h);
      continue;
    }
    settling_ = true;
    const size_t count = std::min(settled_.size(), options_.complete_batch);
    const std::vector<Settled> batch(settled_.begin(), settled_.begin() + std::ptrdiff_t(count));
    bool failed = false;
    std::string refused;
    try {
      const std::vector<int64_t> ours = co_await queue_.settle(batch);
      if (ours.size() < batch.size()) {
        metrics::counter("dalgona_beat_fenced_total", "Results refused because somebody else held the task")
            .Increment(double(batch.size() - ours.size()));
        log::warn("msg=\"results refused, the leases had lapsed\" tasks={}", batch.size() - ours.size());
      }
      failures = 0;
    } catch (const Retryable& e) {
      failed = true;
      if (failures++ == 0) log::warn("msg=\"cannot write results\" error={}", log::quoted(e.what()));
    } catch (const Permanent& e) {
      refused = e.what();
    }
    if (failed) {
      co_await sleep_for(20ms + backoff(std::min(failures, 6), 50ms, 2s));
      continue;
    }
    settled_.erase(settled_.begin(), settled_.begin() + std::ptrdiff_t(count));
    if (refused.empty()) continue;
    // A text the database won't take must not hold up the others: each alone, without its data.
    log::error("msg=\"results refused\" error={}", log::quoted(refused));
    for (const Settled& one : batch) {
      Settled plain = one;
      if (plain.outcome.kind != Kind::kComplete) plain.outcome.reason = "the reason could not be stored";
      plain.outcome.data.reset();
      std::vector<Settled> alone{std::move(plain)};
      try {
        co_await queue_.settle(std::move(alone));
      } catch (const Error& e) {
        log::error("msg=\"result refused, the lease will lapse\" task={} error={}", one.lease.id,
                   log::quoted(e.what()));
      }
    }
  }
}

Task<void> Worker::heartbeat_loop() {
  for (;;) {
    co_await sleep_for(options_.lease / 3);
    std::vector<Lease> leases;
    for (const auto& [id, running] : running_) leases.push_back(running->lease);
    for (const Settled& one : settled_) leases.push_back(one.lease);
    std::vector<int64_t> ours;
    try {
      ours = co_await queue_.heartbeat(leases);
    } catch (const Retryable& e) {
      log::warn("msg=\"heartbeat failed\" error={}", log::quoted(e.what()));
      continue;
    }
    std::sort(ours.begin(), ours.end());
    for (const Lease& lease : leases) {
      const auto running = running_.find(lease.id);
      if (running == running_.end() || running->second->lease.token != lease.token) continue;
      if (std::binary_search(ours.begin(), ours.end(), lease.id)) continue;
      running->second->lost = true;
      cancel(running->second, "the lease lapsed");
    }
  }
}

Task<void> Worker::sweep_loop() {
  for (;;) {
    try {
      const Queue::Swept swept = co_await queue_.sweep();
      if (swept.lapsed + swept.expired > 0) {
        log::info("msg=\"swept\" lapsed={} expired={}", swept.lapsed, swept.expired);
        metrics::counter("dalgona_beat_lapsed_total", "Leases that lapsed").Increment(double(swept.lapsed));
        metrics::counter("dalgona_beat_expired_total", "Tasks that expired").Increment(double(swept.expired));
      }
    } catch (const Retryable& e) {
      log::debug("msg=\"sweep failed\" error={}", log::quoted(e.what()));
    }
    co_await sleep_for(std::clamp<std::chrono::milliseconds>(options_.lease / 6, 100ms, 5s));
  }
}

Task<void> Worker::listen_loop() {
  for (int failures = 0;; ++failures) {
    try {
      const auto on_notify = [this](const std::string&) { asio::post(strand_, [this] { wake(); }); };
      co_await pool_.with_session([&](postgres::Session& session) -> Task<void> {
        co_await session.listen("beat_scrape_request_log", on_notify);
      });
    } catch (const Retryable& e) {
      log::debug("msg=\"not listening, polling goes on\" error={}", log::quoted(e.what()));
    }
    co_await sleep_for(50ms + backoff(std::min(failures, 6), 50ms, 2s));
    wake();  // who knows what was called out meanwhile
  }
}

Task<void> Worker::outbox_loop() {
  for (int failures = 0;;) {
    size_t drained = 0;
    try {
      drained = co_await outbox_.drain_some();
      failures = 0;
    } catch (const Retryable& e) {
      if (failures++ == 0) log::warn("msg=\"state changes wait\" error={}", log::quoted(e.what()));
    }
    if (failures > 0)
      co_await sleep_for(100ms + backoff(std::min(failures, 6), 100ms, 5s));
    else if (drained == 0)
      co_await sleep_for(kOutboxPause);
  }
}

void Worker::begin_stop() {
  stopping_ = true;
  wake();
  settle_.cancel();
  stop_timer_.expires_after(options_.stop_grace);
  stop_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    for (const auto& [id, running] : running_) cancel(running, "the worker was stopped");
  });
  end_loops_when_idle();
}

void Worker::end_loops_when_idle() {
  if (!stopping_ || !running_.empty() || !settled_.empty() || settling_) return;
  stop_timer_.cancel();
  for (const auto& loop : loops_) loop->emit(asio::cancellation_type::terminal);
}

}  // namespace dalgona::beat
