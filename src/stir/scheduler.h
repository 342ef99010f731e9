// Runs DAGs when they are due and when asked: one active run each, retries, a time limit, history in PostgreSQL.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "base/http/server.h"
#include "stir/history.h"
#include "stir/kitchen.h"

namespace dalgona::stir {

// One run to its end: attempts, heartbeats, the time limit, the record. `run` is what History::begin gave.
Task<Kitchen::Outcome> run_dag(Kitchen& kitchen, postgres::Pool& pool, Dag dag, int64_t run, Kitchen::Request request);

class Scheduler {
 public:
  Scheduler(Runtime& runtime, Kitchen& kitchen, postgres::Pool& pool);
  ~Scheduler();
  // Starts the clocks of all DAGs that have a schedule.
  void start();
  // GET /dags, POST /dags/{name}/runs, GET /runs, GET /runs/{id}.
  http::Router routes();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dalgona::stir
