// The ClickHouse HTTP interface over the embedded engine.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>

#include "base/http/server.h"
#include "warehouse/embedded/engine.h"

namespace dalgona::warehouse::embedded {

struct ServiceOptions {
  std::string user = "default";
  std::string password;                         // empty: nobody is asked for one
  std::chrono::milliseconds statement_limit{};  // of a statement that brings no max_execution_time
  std::filesystem::path spill_folder;           // results that are too large to be held are kept here meanwhile
};

// Routes /, /ping, /replicas_status and /heartbeat. The engine must outlive the server.
http::Router make_router(Engine& engine, ServiceOptions options);

}  // namespace dalgona::warehouse::embedded
