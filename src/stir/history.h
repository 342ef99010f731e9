// Runs of DAGs in PostgreSQL, schema stir: one active run a DAG, whoever starts it.
#pragma once
#include <optional>
#include <string>

#include <boost/json.hpp>

#include "base/postgres/postgres.h"

namespace dalgona::stir {

class History {
 public:
  explicit History(postgres::Pool& pool) : pool_(pool) {}

  // The new run's id, or nothing when the DAG has an active one. A run whose process has not said that it lives for
  // 20 s counts as failed.
  Task<std::optional<int64_t>> begin(std::string dag, std::string trigger);
  // To be called every 5 s.
  Task<void> heartbeat(int64_t run, int attempt);
  Task<void> finish(int64_t run, bool ok, std::string error, boost::json::object report);

  // As JSON: {id, dag, trigger, status, attempt, started_at, finished_at, error, report}.
  Task<std::optional<std::string>> run(int64_t id);
  // The newest first, without their reports.
  Task<std::string> runs(std::string dag, int limit);

 private:
  postgres::Pool& pool_;
};

}  // namespace dalgona::stir
