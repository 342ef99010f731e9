// Runs chosen nodes in the order of their dependencies, several at once: seeds and models are made, tests asked.
#pragma once
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "base/async.h"
#include "stir/compiler.h"
#include "stir/materialize.h"
#include "warehouse/client.h"

namespace dalgona::stir {

enum class Status { kSuccess, kWarn, kFail, kError, kSkipped };
std::string_view name_of(Status status);

struct NodeResult {
  std::string id, name, path;
  Kind kind = Kind::kModel;
  Status status = Status::kSkipped;
  std::string message;  // of an error: FILE:LINE, what is wrong, where the compiled SQL lies
  uint64_t rows = 0;    // written; of a test: those that fail it
  double seconds = 0;
};

struct RunReport {
  std::vector<NodeResult> results;  // in the order in which they ended
  double seconds = 0;
  bool ok() const;
  boost::json::object to_json() const;
};

struct RunOptions {
  std::set<std::string> ids;  // what to run; the rest is taken as it stands
  bool full_refresh = false;
  size_t threads = 4;
  std::string cluster;
  std::filesystem::path target_folder;  // compiled SQL is kept in compiled/ and run/ below it
  std::chrono::milliseconds statement_timeout{std::chrono::minutes{30}};
  std::function<void(const NodeResult&)> on_result;  // on the runner's strand
};

// A node waits for all it depends on that is chosen too, and for their tests; when one of those fails it is skipped.
// Never throws for a node's failure: the report says it. Cancelled when the caller is.
Task<RunReport> run_nodes(const Compiler& compiler, warehouse::Client& client, asio::thread_pool& blocking,
                          RunOptions options);

// Makes database `beat_replica` in the warehouse over schema beat of `postgres_url`, or mends it when the URL has
// changed. The password is in no error and no log.
Task<void> ensure_replica(warehouse::Client& client, std::string postgres_url, std::string cluster);

}  // namespace dalgona::stir
