// What every command of stir needs: the configuration, the stores, and a DAG's way from compile to publish.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>
#include <boost/json.hpp>

#include "base/async.h"
#include "base/config.h"
#include "base/http/client.h"
#include "base/objects/objects.h"
#include "base/postgres/postgres.h"
#include "stir/compiler.h"
#include "stir/dags.h"
#include "stir/publish.h"
#include "stir/runner.h"
#include "warehouse/client.h"

namespace dalgona::stir {

class Kitchen {
 public:
  explicit Kitchen(const Config& config);
  ~Kitchen();

  // Throws InvalidInput naming the key when a store is not configured.
  warehouse::Client& warehouse();
  objects::Store& objects();
  std::unique_ptr<postgres::Pool> open_postgres(asio::any_io_executor executor) const;

  std::filesystem::path project_folder() const;
  std::map<std::string, Dag> dags() const;
  // Reads and parses the project as it is now.
  std::unique_ptr<Compiler> compile(const boost::json::object& vars = {}) const;
  RunOptions run_options() const;
  asio::thread_pool& blocking() { return blocking_; }
  const Config& config() const { return config_; }

  // The databases that models read and write.
  Task<void> prepare();

  struct Request {
    std::vector<std::string> select, exclude;
    bool full_refresh = false, models = true, tests = true, publish = true, force = false;
    size_t threads = 0;  // 0: as configured
    int64_t run = 0;     // of stir.run; 0: none
    boost::json::object vars;
    std::function<void(const NodeResult&)> on_result;
    std::function<void(const Published&)> on_published;
  };
  struct Outcome {
    bool ok = false, retryable = true;
    std::string error;  // of the first that went wrong
    boost::json::object report;
  };
  // Makes the chosen models and seeds, asks their tests, and publishes `targets` when all went well. `pool` may be null
  // when nothing is published.
  Task<Outcome> cook(Request request, std::vector<PublishTarget> targets, postgres::Pool* pool);

 private:
  Config config_;
  asio::thread_pool blocking_{4};
  http::Client http_;
  std::unique_ptr<warehouse::Client> warehouse_;
  std::unique_ptr<objects::Store> objects_;
};

}  // namespace dalgona::stir
