#include "warehouse/embedded/cli.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "base/async.h"
#include "base/cli.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/resources.h"
#include "warehouse/embedded/confine.h"
#include "warehouse/embedded/engine.h"
#include "warehouse/embedded/service.h"

namespace dalgona::warehouse {

namespace {

// Who has less to give to statements has none for their speed.
constexpr uint64_t kEnoughForHugePages = 4ull << 30;

// Half of the machine's memory: the page cache, which the engine reads its parts through, needs the rest.
uint64_t memory_limit(const Config& config) {
  if (const uint64_t given = config.bytes("warehouse.memory")) return given;
  const auto pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  return uint64_t(pages) * uint64_t(page) / 2;
}

// Before the engine and its threads are there.
void confine_to_files(const Config& config, const embedded::EngineOptions& options) {
  auto files = embedded::system_files();
  files.read.push_back(options.library.parent_path());
  files.read.push_back(self_path());  // the engine looks into it when it notes where an exception was thrown
  for (auto& path : config.list("warehouse.readable")) {
    if (!std::filesystem::exists(path)) log::warn("msg=\"warehouse.readable names what is not there\" path={}", path);
    files.read.emplace_back(std::move(path));
  }
  std::filesystem::create_directories(options.folder);
  files.write.push_back(options.folder);
  if (const auto reason = embedded::confine(files))
    log::warn("msg=\"SQL can read every file that this user can\" reason={}", log::quoted(*reason));
}

int run(const Config& config) {
  log::start(config, "warehouse");
  embedded::EngineOptions options;
  options.library = resource(config.text("warehouse.library"));
  options.folder = config.home() / "warehouse";
  options.memory = memory_limit(config);
  const int64_t threads = config.integer("warehouse.threads");
  options.threads = int(threads > 0 ? threads : std::max<int64_t>(1, ::sysconf(_SC_NPROCESSORS_ONLN)));
  options.concurrency = size_t(std::max<int64_t>(1, config.integer("warehouse.concurrency")));
  options.huge_pages = config.flag("warehouse.huge_pages") && options.memory >= kEnoughForHugePages;
  confine_to_files(config, options);
  embedded::Engine engine(options);
  // Below the engine's own: it must be gone before the runtime's executor, which its threads post to, is.
  // One thread: with two, each step of an answer wakes the other in vain, a fifth of a small SELECT (docs/traps.md).
  Runtime runtime(1, std::chrono::seconds{10});
  embedded::ServiceOptions service;
  service.user = config.text("warehouse.user");
  service.password = config.text("warehouse.password");
  service.statement_limit = config.duration("warehouse.statement_limit");
  service.spill_folder = options.folder;
  http::ServerOptions server_options;
  server_options.address = config.text("warehouse.address");
  server_options.port = uint16_t(config.integer("warehouse.port"));
  server_options.read_timeout = std::chrono::minutes{5};
  server_options.compress_aside = true;
  http::Server server(runtime, make_router(engine, service), server_options);
  server.start();
  // A client that waits for a long statement would hold up the stop until the grace is over.
  runtime.on_stop([&engine] { engine.begin_close(); });
  log::info("msg=listening role=warehouse address={} port={} engine={} memory={}", server_options.address,
            server.port(), engine.version(), options.memory);
  const int code = runtime.run();
  if (!engine.close(std::chrono::seconds{10})) std::_Exit(1);
  log::info("msg=stopped");
  return code;
}

}  // namespace

void register_warehouse(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("warehouse", "Serve the embedded warehouse over the ClickHouse HTTP interface");
  const auto common = cli::common_options(*command);
  command->callback([common] { cli::set_exit_code(run(common->load())); });
}

}  // namespace dalgona::warehouse
