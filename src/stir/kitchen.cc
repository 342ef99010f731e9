#include "stir/kitchen.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/resources.h"
#include "stir/selector.h"

namespace dalgona::stir {
namespace json = boost::json;

Kitchen::Kitchen(const Config& config) : config_(config) {}

Kitchen::~Kitchen() {
  blocking_.join();
}

warehouse::Client& Kitchen::warehouse() {
  if (!warehouse_) {
    const auto url = config_.text("warehouse.url");
    if (url.empty()) throw InvalidInput("warehouse.url is not set: is `dalgona up` running?");
    warehouse_ = std::make_unique<warehouse::Client>(http_, url);
  }
  return *warehouse_;
}

objects::Store& Kitchen::objects() {
  if (!objects_) {
    auto url = config_.text("objects.url");
    if (url.empty()) url = "file://" + (config_.home() / "objects").string();
    objects_ = objects::open(url, http_, blocking_);
  }
  return *objects_;
}

std::unique_ptr<postgres::Pool> Kitchen::open_postgres(asio::any_io_executor executor) const {
  postgres::PoolOptions options;
  options.url = config_.text("postgres.url");
  if (options.url.empty()) throw InvalidInput("postgres.url is not set: is `dalgona up` running?");
  options.application_name = "dalgona stir";
  options.size = 6;
  options.statement_timeout = std::chrono::minutes{30};
  return std::make_unique<postgres::Pool>(std::move(executor), options);
}

std::filesystem::path Kitchen::project_folder() const {
  const auto folder = config_.text("stir.project");
  return folder.empty() ? resource("models") : std::filesystem::path(folder);
}

std::map<std::string, Dag> Kitchen::dags() const {
  const auto folder = config_.text("stir.dags");
  return read_dags(folder.empty() ? resource("config/dags") : std::filesystem::path(folder));
}

std::unique_ptr<Compiler> Kitchen::compile(const json::object& vars) const {
  Target target;
  target.schema = config_.text("stir.schema");
  return std::make_unique<Compiler>(project_folder(), target, vars);
}

RunOptions Kitchen::run_options() const {
  RunOptions options;
  options.threads = size_t(std::max<int64_t>(1, config_.integer("stir.threads")));
  options.cluster = config_.text("warehouse.cluster");
  options.target_folder = config_.home() / "stir" / "target";
  options.statement_timeout = config_.duration("stir.statement_timeout");
  return options;
}

Task<void> Kitchen::prepare() {
  auto url = config_.text("stir.replica_url");
  if (url.empty()) url = config_.text("postgres.url");
  if (url.empty()) co_return;  // models over beat_replica then say what is missing
  co_await ensure_replica(warehouse(), url, config_.text("warehouse.cluster"));
}

Task<Kitchen::Outcome> Kitchen::cook(Request request, std::vector<PublishTarget> targets, postgres::Pool* pool) {
  Outcome outcome;
  try {
    const auto compiler = co_await on_thread(blocking_, [&] { return compile(request.vars); });
    auto options = run_options();
    for (const auto& id : select_nodes(compiler->project(), request.select, request.exclude)) {
      const Kind kind = compiler->node(id).kind;
      if (kind == Kind::kTest ? request.tests : request.models && kind != Kind::kSource) options.ids.insert(id);
    }
    options.full_refresh = request.full_refresh;
    if (request.threads > 0) options.threads = request.threads;
    options.on_result = request.on_result;
    co_await prepare();
    const auto report = co_await run_nodes(*compiler, warehouse(), blocking_, options);
    outcome.report = report.to_json();
    outcome.ok = report.ok();
    for (const auto& result : report.results)
      if (outcome.error.empty() && (result.status == Status::kError || result.status == Status::kFail))
        outcome.error = result.message;
    if (outcome.ok && request.publish && pool && !targets.empty()) {
      PublishOptions publishing;
      publishing.snapshot_id = make_uuid7(system_clock().now()).text();
      publishing.force = request.force;
      publishing.run = request.run;
      outcome.ok = false;
      json::array tables;
      for (const auto& p : co_await publish(*compiler, warehouse(), objects(), *pool, targets, publishing)) {
        json::object table;
        table["table"] = p.table;
        table["model"] = p.model;
        table["object"] = p.object;
        table["rows"] = p.rows;
        table["before"] = p.before;
        table["seconds"] = p.seconds;
        tables.push_back(std::move(table));
        if (request.on_published) request.on_published(p);
      }
      outcome.report["published"] = std::move(tables);
      outcome.report["snapshot_id"] = publishing.snapshot_id;
      outcome.ok = true;
    }
  } catch (const Cancelled&) {
    throw;
  } catch (const Retryable& e) {
    outcome.ok = false;
    outcome.error = e.what();
  } catch (const Error& e) {
    outcome.ok = false;
    outcome.retryable = false;
    outcome.error = e.what();
  }
  outcome.report["ok"] = outcome.ok;
  if (!outcome.error.empty()) outcome.report["error"] = outcome.error;
  co_return outcome;
}

}  // namespace dalgona::stir
