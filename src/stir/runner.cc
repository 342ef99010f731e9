#include "stir/runner.h"

#include <algorithm>
#include <fstream>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kAttempts = 3;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

warehouse::QueryOptions named(const RunOptions& options) {
  warehouse::QueryOptions query;
  query.timeout = options.statement_timeout;
  return query;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto line : split(text, '\n'))
    if (!line.empty()) lines.emplace_back(line);
  return lines;
}

// TabSeparated's escapes do not occur in the names that we ask for.
std::string name_in(const std::string& table_line, size_t column) {
  const auto cells = split(table_line, '\t');
  return column < cells.size() ? std::string(cells[column]) : std::string();
}

// One run: all of it on one strand.
class Run {
 public:
  Run(const Compiler& compiler, warehouse::Client& client, asio::thread_pool& blocking, RunOptions options)
      : compiler_(compiler), client_(client), blocking_(blocking), options_(std::move(options)) {}

  Task<RunReport> run() {
    const auto started = Clock::now();
    const auto executor = co_await asio::this_coro::executor;
    const auto cancelled = co_await asio::this_coro::cancellation_state;
    const std::string& schema = compiler_.project().target.schema;
    co_await client_.execute("CREATE DATABASE IF NOT EXISTS " + warehouse::identifier(schema), named(options_));
    co_await read_existing(schema);
    plan_order();
    // Signalled whenever a node ends.
    asio::steady_timer ended(executor, Clock::time_point::max());
    size_t running = 0;
    std::map<std::string, asio::cancellation_signal> signals;
    // From here on nothing may leave before all that was begun has ended: it lives in this frame.
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!waiting_.empty() || running > 0) {
      for (auto at = waiting_.begin(); at != waiting_.end() && running < options_.threads;) {
        const std::string id = at->first;
        if (!std::all_of(at->second.begin(), at->second.end(), [&](const auto& up) { return done_.contains(up); })) {
          ++at;
          continue;
        }
        const bool skip = std::any_of(at->second.begin(), at->second.end(), [&](const auto& up) { return !done_[up]; });
        at = waiting_.erase(at);
        if (skip) {
          finish(skipped(id));
          at = waiting_.begin();  // others may be skipped by it in turn
          continue;
        }
        ++running;
        asio::co_spawn(executor, one(id),
                       asio::bind_cancellation_slot(signals[id].slot(),
                                                    [&, id](const std::exception_ptr& failure, NodeResult result) {
                                                      --running;
                                                      if (failure) {
                                                        result = skipped(id);
                                                        result.status = Status::kError;
                                                        result.message = "cancelled";
                                                      }
                                                      finish(std::move(result));
                                                      ended.cancel();
                                                    }));
      }
      if (running > 0) {
        ended.expires_at(Clock::time_point::max());
        boost::system::error_code ignored;
        co_await ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (cancelled.cancelled() != asio::cancellation_type::none) {
          waiting_.clear();
          for (auto& [id, signal] : signals)
            if (!done_.contains(id)) signal.emit(asio::cancellation_type::all);
        }
      }
    }
    if (cancelled.cancelled() != asio::cancellation_type::none) throw Cancelled();
    report_.seconds = since(started);
    co_return std::move(report_);
  }

 private:
  Task<void> read_existing(std::string schema) {
    auto query = named(options_);
    query.params["schema"] = schema;
    const std::string answer = co_await client_.query(
        "SELECT name, engine FROM system.tables WHERE database = {schema:String}", "TabSeparated", query);
    for (const auto& line : lines_of(answer))
      existing_[name_in(line, 0)].kind =
          name_in(line, 1).ends_with("View") ? Existing::Kind::kView : Existing::Kind::kTable;
  }

  // What each chosen node waits for. A model also waits for the tests of what it reads, so that wrong rows go no
  // further.
  void plan_order() {
    for (const auto& id : compiler_.order()) {
      if (!options_.ids.contains(id)) continue;
      const Node& node = compiler_.node(id);
      if (node.kind == Kind::kSource) continue;
      if (node.kind == Kind::kModel && node.setting("materialized", "view") == "ephemeral") continue;
      auto& needs = waiting_[id];
      for (const auto& up : upstream(node)) {
        if (options_.ids.contains(up)) needs.insert(up);
        if (node.kind == Kind::kTest) continue;
        for (const auto& [test_id, test] : compiler_.project().nodes)
          if (test.kind == Kind::kTest && test.depends.size() == 1 && test.depends.contains(up) &&
              options_.ids.contains(test_id))
            needs.insert(test_id);
      }
    }
  }

  // Ephemeral models are looked through; sources are always there.
  std::set<std::string> upstream(const Node& node) const {
    std::set<std::string> all;
    for (const auto& id : node.depends) {
      const Node& up = compiler_.node(id);
      if (up.kind == Kind::kSource) continue;
      if (up.kind == Kind::kModel && up.setting("materialized", "view") == "ephemeral")
        all.merge(upstream(up));
      else
        all.insert(id);
    }
    return all;
  }

  NodeResult skipped(const std::string& id) const {
    const Node& node = compiler_.node(id);
    NodeResult result;
    result.id = id;
    result.name = node.name;
    result.path = node.path;
    result.kind = node.kind;
    result.message = "something it depends on failed";
    return result;
  }

  void finish(NodeResult result) {
    done_[result.id] = result.status == Status::kSuccess || result.status == Status::kWarn;
    if (options_.on_result) options_.on_result(result);
    report_.results.push_back(std::move(result));
  }

  Task<NodeResult> one(std::string id) {
    const Node& node = compiler_.node(id);
    NodeResult result = skipped(id);
    result.message.clear();
    const auto started = Clock::now();
    bool appends = false;
    for (int attempt = 0;; ++attempt) {
      std::chrono::milliseconds wait{0};
      try {
        if (node.kind == Kind::kSeed) {
          co_await make_seed(node, result);
        } else if (node.kind == Kind::kTest) {
          co_await ask_test(node, result);
        } else {
          co_await make_model(node, result, appends);
        }
        break;
      } catch (const Retryable& e) {
        result.status = Status::kError;
        result.message = failure(node, e.what());
        // Rows that were appended may be there already; the others begin anew each time.
        if (attempt + 1 >= kAttempts || appends) break;
        wait = e.retry_after.value_or(backoff(attempt, std::chrono::seconds{1}, std::chrono::seconds{10}));
      } catch (const CompileError& e) {
        result.status = Status::kError;
        result.message = e.what();
        break;
      } catch (const Cancelled&) {
        throw;
      } catch (const std::exception& e) {
        result.status = Status::kError;
        result.message = failure(node, e.what());
        break;
      }
      co_await sleep_for(wait);
    }
    result.seconds = since(started);
    co_return result;
  }

  std::string failure(const Node& node, std::string_view what) const {
    return fmt::format("{}:{}: {}; compiled SQL: {}", node.path, std::max(node.line, 1), what,
                       compiled_path(node).string());
  }

  fs::path compiled_path(const Node& node) const {
    const std::string file = node.kind == Kind::kTest ? node.name.substr(0, 200) + ".sql" : node.path;
    return options_.target_folder / "compiled" / (node.kind == Kind::kTest ? fs::path("tests") / file : fs::path(file));
  }

  void keep(const fs::path& path, const std::string& sql) const {
    if (options_.target_folder.empty()) return;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << sql << "\n";
  }

  Task<Compiler::Compiled> compiled(const Node& node, bool incremental) {
    // Compiling may ask the warehouse (run_query), and Python has one lock: not on the runner's own thread.
    const auto work = [this, &node, &incremental] {
      auto result = compiler_.compile(node, incremental, options_.full_refresh, [this](const std::string& sql) {
        try {
          warehouse::QueryOptions query = named(options_);
          query.settings["output_format_json_quote_64bit_integers"] = "0";
          return client_.query_blocking(sql, "JSONCompact", query);
        } catch (const std::exception& e) {
          return json::serialize(json::object{{"error", e.what()}});
        }
      });
      keep(compiled_path(node), result.sql);
      for (const auto& line : result.logs) log::info("model={} msg={}", node.name, log::quoted(line));
      return result;
    };
    co_return co_await on_thread(blocking_, work);
  }

  Task<void> make_model(const Node& node, NodeResult& result, bool& appends) {
    Existing existing;
    if (const auto found = existing_.find(node.identifier); found != existing_.end()) existing = found->second;
    const bool incremental = runs_incrementally(node, existing, options_.full_refresh);
    const auto model = co_await compiled(node, incremental);
    auto query = named(options_);
    query.settings = query_settings(model.config);
    std::vector<std::string> columns;
    if (incremental) {
      for (const auto& line :
           lines_of(co_await client_.query("DESCRIBE TABLE (\n" + model.sql + "\n)", "TabSeparated", query)))
        columns.push_back(name_in(line, 0));
      const std::string table = Relation{node.schema, node.identifier}.sql();
      for (const auto& line : lines_of(co_await client_.query("DESCRIBE TABLE " + table, "TabSeparated", query)))
        existing.columns.push_back(name_in(line, 0));
    }
    const Plan plan = plan_model(node, model, existing, incremental, columns, options_.cluster);
    appends = plan.appends;
    for (const auto& statement : plan.statements) {
      const auto summary = co_await client_.execute(statement, query);
      if (statement.starts_with("INSERT")) result.rows = summary.written_rows;
    }
    if (plan.overwrite_from) co_await overwrite(node, *plan.overwrite_from, query);
    for (const auto& statement : plan.after) co_await client_.execute(statement, query);
    result.status = Status::kSuccess;
  }

  Task<void> overwrite(const Node& node, Relation fresh, warehouse::QueryOptions query) {
    auto ask = named(options_);
    ask.params["schema"] = fresh.schema;
    ask.params["table"] = fresh.identifier;
    const std::string ids = co_await client_.query(
        "SELECT DISTINCT partition_id FROM system.parts WHERE database = {schema:String} AND table = {table:String} "
        "AND active ORDER BY partition_id",
        "TabSeparated", ask);
    const std::string target = Relation{node.schema, node.identifier}.sql();
    for (const auto& id : lines_of(ids))
      co_await client_.execute(
          fmt::format("ALTER TABLE {} REPLACE PARTITION ID {} FROM {}", target, warehouse::literal(id), fresh.sql()),
          query);
  }

  Task<void> make_seed(const Node& node, NodeResult& result) {
    Existing existing;
    if (const auto found = existing_.find(node.identifier); found != existing_.end()) existing = found->second;
    const SeedPlan plan = plan_seed(node, existing, options_.cluster);
    for (const auto& statement : plan.before) co_await client_.execute(statement, named(options_));
    const auto summary =
        co_await client_.insert(plan.twin.sql(), "CSVWithNames", node.text, std::string(), named(options_));
    for (const auto& statement : plan.after) co_await client_.execute(statement, named(options_));
    result.rows = summary.written_rows;
    result.status = Status::kSuccess;
  }

  Task<void> ask_test(const Node& node, NodeResult& result) {
    const auto test = co_await compiled(node, false);
    const std::string answer =
        co_await client_.query("SELECT count() FROM (\n" + test.sql + "\n)", "TabSeparated", named(options_));
    result.rows = std::stoull(answer);
    result.status = Status::kSuccess;
    if (result.rows == 0) co_return;
    const bool warn = to_lower_ascii(node.setting("severity", "error")) == "warn";
    result.status = warn ? Status::kWarn : Status::kFail;
    result.message = failure(node, fmt::format("{} rows fail test '{}'", result.rows, node.name));
  }

  const Compiler& compiler_;
  warehouse::Client& client_;
  asio::thread_pool& blocking_;
  RunOptions options_;
  std::map<std::string, Existing> existing_;
  std::map<std::string, std::set<std::string>> waiting_;  // id -> ids it waits for
  std::map<std::string, bool> done_;                      // id -> went well
  RunReport report_;
};

}  // namespace

std::string_view name_of(Status status) {
  switch (status) {
    case Status::kSuccess:
      return "success";
    case Status::kWarn:
      return "warn";
    case Status::kFail:
      return "fail";
    case Status::kError:
      return "error";
    case Status::kSkipped:
      break;
  }
  return "skipped";
}

bool RunReport::ok() const {
  return std::all_of(results.begin(), results.end(), [](const NodeResult& result) {
    return result.status == Status::kSuccess || result.status == Status::kWarn;
  });
}

json::object RunReport::to_json() const {
  json::array all;
  for (const auto& r : results)
    all.push_back({{"id", r.id},
                   {"name", r.name},
                   {"kind", name_of(r.kind)},
                   {"path", r.path},
                   {"status", name_of(r.status)},
                   {"message", r.message},
                   {"rows", r.rows},
                   {"seconds", r.seconds}});
  return {{"ok", ok()}, {"seconds", seconds}, {"results", std::move(all)}};
}

Task<RunReport> run_nodes(const Compiler& compiler, warehouse::Client& client, asio::thread_pool& blocking,
                          RunOptions options) {
  const auto strand = asio::make_strand(co_await asio::this_coro::executor);
  Run run(compiler, client, blocking, std::move(options));
  co_return co_await asio::co_spawn(strand, run.run(), asio::use_awaitable);
}

}  // namespace dalgona::stir
