#include "stir/scheduler.h"

#include <charconv>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;

constexpr std::chrono::seconds kHeartbeat{5};

// `cook` with a time limit and heartbeats; cancels it at the limit and waits until it has let go.
Task<Kitchen::Outcome> attempt(Kitchen& kitchen, postgres::Pool& pool, const Dag& dag, int64_t run, int number,
                               Kitchen::Request request) {
  const auto executor = co_await asio::this_coro::executor;
  const auto cancelled = co_await asio::this_coro::cancellation_state;
  History history(pool);
  asio::cancellation_signal stop;
  asio::steady_timer timer(executor);
  std::optional<Kitchen::Outcome> outcome;
  std::exception_ptr failure;
  bool ended = false, timed_out = false;
  asio::co_spawn(
      executor, kitchen.cook(std::move(request), dag.publish, &pool),
      asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& thrown, Kitchen::Outcome result) {
        failure = thrown;
        outcome = std::move(result);
        ended = true;
        timer.cancel();
      }));
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto limit = std::chrono::steady_clock::now() + dag.timeout;
  while (!ended) {
    timer.expires_after(kHeartbeat);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (ended) break;
    const bool asked = cancelled.cancelled() != asio::cancellation_type::none;
    if (asked || std::chrono::steady_clock::now() >= limit) {
      timed_out = !asked;
      stop.emit(asio::cancellation_type::all);
      // Wait for it without looking at our own cancellation again.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      while (!ended) {
        timer.expires_after(kHeartbeat);
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      break;
    }
    try {
      co_await history.heartbeat(run, number);
    } catch (const Error& e) {
      log::warn("msg=\"no heartbeat\" run={} error={}", run, log::quoted(e.what()));
    }
  }
  if (!failure) co_return std::move(*outcome);
  Kitchen::Outcome failed;
  failed.retryable = timed_out;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    failed.error = timed_out ? fmt::format("not done after {} s", dag.timeout.count() / 1000) : std::string(e.what());
  }
  co_return failed;
}

}  // namespace

Task<Kitchen::Outcome> run_dag(Kitchen& kitchen, postgres::Pool& pool, Dag dag, int64_t run, Kitchen::Request request) {
  request.select = dag.select;
  request.exclude = dag.exclude;
  request.full_refresh = request.full_refresh || dag.full_refresh;
  request.run = run;
  // A quick first heartbeat loop needs a strand of its own: timers and completions meet on it.
  const auto strand = asio::make_strand(co_await asio::this_coro::executor);
  Kitchen::Outcome outcome;
  std::exception_ptr stopped;
  for (int number = 1;; ++number) {
    try {
      outcome = co_await asio::co_spawn(strand, attempt(kitchen, pool, dag, run, number, request), asio::use_awaitable);
      if (outcome.ok || !outcome.retryable || number > dag.retries) break;
      log::warn("msg=\"attempt failed\" dag={} run={} attempt={} error={}", dag.name, run, number,
                log::quoted(outcome.error));
      // Waits in short steps, so that the record stays alive.
      const auto until = std::chrono::steady_clock::now() + dag.retry_delay;
      while (std::chrono::steady_clock::now() < until) {
        co_await sleep_for(std::min<std::chrono::milliseconds>(kHeartbeat, dag.retry_delay));
        co_await History(pool).heartbeat(run, number);
      }
    } catch (const Retryable& e) {
      log::warn("msg=\"no heartbeat\" run={} error={}", run, log::quoted(e.what()));
    } catch (const std::exception& e) {
      outcome.error = e.what();
      stopped = std::current_exception();
    }
    if (stopped) break;
  }
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  metrics::counter("dalgona_stir_runs_total", "Runs of DAGs that ended",
                   {{"dag", dag.name}, {"status", outcome.ok ? "success" : "failed"}})
      .Increment();
  co_await History(pool).finish(run, outcome.ok, outcome.error, outcome.report);
  co_return outcome;
}

struct Scheduler::State : std::enable_shared_from_this<Scheduler::State> {
  State(Runtime& r, Kitchen& k, postgres::Pool& p)
      : runtime(r), kitchen(k), pool(p), history(p), strand(asio::make_strand(r.executor())), dags(k.dags()) {}

  // On the strand. Gives the run's id, or nothing when one is active.
  Task<std::optional<int64_t>> trigger(std::string name, std::string by, bool force, bool full_refresh) {
    const auto id = co_await history.begin(name, by);
    if (!id) co_return std::nullopt;
    auto self = shared_from_this();
    auto signal = std::make_shared<asio::cancellation_signal>();
    active[*id] = signal;
    Kitchen::Request request;
    request.force = force;
    request.full_refresh = full_refresh;
    log::info("msg=\"run begins\" dag={} run={} trigger={}", name, *id, by);
    asio::co_spawn(
        strand, run_dag(kitchen, pool, dags.at(name), *id, std::move(request)),
        asio::bind_cancellation_slot(signal->slot(), [self, signal, name, run = *id](const std::exception_ptr& failure,
                                                                                     const Kitchen::Outcome& outcome) {
          std::string error = outcome.error;
          if (failure) {
            try {
              std::rethrow_exception(failure);
            } catch (const std::exception& e) {
              error = e.what();
            }
          }
          if (outcome.ok && !failure)
            log::info("msg=\"run ended\" dag={} run={} status=success", name, run);
          else
            log::error("msg=\"run ended\" dag={} run={} status=failed error={}", name, run, log::quoted(error));
          self->active.erase(run);
        }));
    co_return id;
  }

  Task<void> keep_time(std::string name) {
    const Dag& dag = dags.at(name);
    while (!runtime.stopping()) {
      const auto due = dag.schedule.next(system_clock().now());
      if (!due) co_return;
      // In steps of at most a minute: the machine's clock may be set.
      while (system_clock().now() < *due) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - system_clock().now());
        co_await sleep_for(std::min<std::chrono::milliseconds>(left, std::chrono::minutes{1}));
      }
      try {
        if (!co_await trigger(name, "schedule", false, false))
          log::info("msg=\"not begun: a run is active\" dag={}", name);
      } catch (const Error& e) {
        if (dynamic_cast<const Cancelled*>(&e)) throw;
        log::error("msg=\"run not begun\" dag={} error={}", name, log::quoted(e.what()));
      }
    }
  }

  // Ends clocks and runs; their records say that they were stopped.
  void stop() {
    asio::post(strand, [self = shared_from_this()] {
      for (auto& signal : self->clocks) signal->emit(asio::cancellation_type::all);
      for (auto& [id, signal] : self->active) signal->emit(asio::cancellation_type::all);
    });
  }

  Runtime& runtime;
  Kitchen& kitchen;
  postgres::Pool& pool;
  History history;
  asio::strand<asio::any_io_executor> strand;
  const std::map<std::string, Dag> dags;
  std::map<int64_t, std::shared_ptr<asio::cancellation_signal>> active;
  std::vector<std::shared_ptr<asio::cancellation_signal>> clocks;
};

Scheduler::Scheduler(Runtime& runtime, Kitchen& kitchen, postgres::Pool& pool)
    : state_(std::make_shared<State>(runtime, kitchen, pool)) {
  runtime.on_stop([state = state_] { state->stop(); });
}

Scheduler::~Scheduler() = default;

void Scheduler::start() {
  for (const auto& [name, dag] : state_->dags) {
    auto signal = std::make_shared<asio::cancellation_signal>();
    state_->clocks.push_back(signal);
    asio::co_spawn(
        state_->strand, state_->keep_time(name),
        asio::bind_cancellation_slot(signal->slot(), [state = state_, signal](const std::exception_ptr&) {}));
  }
}

http::Router Scheduler::routes() {
  http::Router router;
  const auto state = state_;
  router.get("/dags", [state](http::Request&) -> Task<http::Response> {
    json::array all;
    for (const auto& [name, dag] : state->dags) {
      json::object item;
      item["name"] = name;
      item["description"] = dag.description;
      item["schedule"] = dag.schedule_text;
      const auto due = dag.schedule.next(system_clock().now());
      if (due)
        item["next"] = to_iso(*due);
      else
        item["next"] = nullptr;
      item["runs"] = json::parse(co_await state->history.runs(name, 5));
      all.push_back(std::move(item));
    }
    co_return http::Response::json(200, json::serialize(all));
  });
  router.post("/dags/{name}/runs", [state](http::Request& request) -> Task<http::Response> {
    const std::string name = request.param("name");
    if (!state->dags.contains(name))
      co_return http::Response::problem(404, "Not Found", "there is no DAG '" + name + "'");
    const bool force = request.query.get_or("force", "") == "true";
    const bool full = request.query.get_or("full_refresh", "") == "true";
    const auto id =
        co_await asio::co_spawn(state->strand, state->trigger(name, "request", force, full), asio::use_awaitable);
    if (!id) co_return http::Response::problem(409, "Conflict", "a run of '" + name + "' is active");
    co_return http::Response::json(202, fmt::format("{{\"id\":{}}}", *id));
  });
  router.get("/runs", [state](http::Request& request) -> Task<http::Response> {
    co_return http::Response::json(200, co_await state->history.runs(request.query.get_or("dag", ""), 100));
  });
  router.get("/runs/{id}", [state](http::Request& request) -> Task<http::Response> {
    int64_t id = 0;
    const std::string text = request.param("id");
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || stop != text.data() + text.size()) throw InvalidInput("a run's id is a number");
    auto run = co_await state->history.run(id);
    if (!run) co_return http::Response::problem(404, "Not Found", "there is no run " + text);
    co_return http::Response::json(200, std::move(*run));
  });
  return router;
}

}  // namespace dalgona::stir
