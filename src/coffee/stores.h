// The two stores as handlers see them: a named query and its parameters in, rows out. A store that is away, slow or not
// yet migrated is a StoreAway, which the client sees as 503 with Retry-After and without the store's own words (they
// may hold addresses); the words go to the log, at most once in ten seconds a store.
#pragma once
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/async.h"
#include "base/postgres/postgres.h"
#include "warehouse/client.h"

namespace dalgona::coffee {

class StoreAway : public Retryable {
 public:
  using Retryable::Retryable;
};

// SQL with a name for metrics. `sql` must outlive the call that takes it.
struct NamedQuery {
  std::string_view name;
  std::string_view sql;
};

// Thread-safe.
class Stores {
 public:
  // `limit`: for one query, waiting for a session and connecting aside, which have the same limit each.
  Stores(postgres::Pool& postgres, warehouse::Client& warehouse, std::chrono::milliseconds limit);

  Task<postgres::Result> ask(NamedQuery query, postgres::Params params = {});
  // Each row a JSON array of its columns (JSONCompactEachRow, numbers as numbers). A table or database that is not
  // there yet has no rows: the sink makes them when it first starts.
  using WarehouseParams = std::map<std::string, std::string>;
  Task<std::vector<boost::json::array>> ask_warehouse(NamedQuery query, WarehouseParams params = {});
  // The same for what warehouse::point_query_options() are for: one table, by its key, values in the statement.
  Task<std::vector<boost::json::array>> look_up(NamedQuery query);

 private:
  Task<std::vector<boost::json::array>> rows(NamedQuery query, warehouse::QueryOptions options);
  [[noreturn]] void away(std::string_view store, std::string_view query, const std::exception& why);

  postgres::Pool& postgres_;
  warehouse::Client& warehouse_;
  std::chrono::milliseconds limit_;
  std::atomic<int64_t> next_complaint_{0};
};

}  // namespace dalgona::coffee
