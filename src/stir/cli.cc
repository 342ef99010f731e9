#include "stir/cli.h"

#include <iostream>

#include <fmt/format.h>

#include "base/cli.h"
#include "base/log.h"
#include "base/text.h"
#include "stir/kitchen.h"
#include "stir/scheduler.h"
#include "stir/selector.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;

// One for each subcommand; its callbacks hold it.
struct Options {
  std::shared_ptr<cli::Common> common;
  std::vector<std::string> select, exclude;
  bool full_refresh = false, force = false;
  size_t threads = 0;
  std::string vars, dag;
};

std::shared_ptr<Options> add_options(CLI::App& command, bool selects) {
  auto o = std::make_shared<Options>();
  o->common = cli::common_options(command, true);
  if (selects) {
    command.add_option("-s,--select,--models", o->select,
                       "Nodes, as dbt selects them: name, tag:core, +model+, path:...");
    command.add_option("--exclude", o->exclude, "Nodes to leave out");
    command.add_option("--vars", o->vars, "Variables as YAML, over those of dbt_project.yml");
  }
  return o;
}

json::object vars_of(const Options& o) {
  if (o.vars.empty()) return {};
  const auto value = yaml_to_json(o.vars, "--vars");
  if (!value.is_object()) throw InvalidInput("--vars: want keys and values, e.g. '{longest_gap_days: 30}'");
  return value.as_object();
}

void print_node(const NodeResult& r) {
  std::cerr << fmt::format("{:>8}  {:<5}  {:<48} {:>10} rows  {:>6.2f} s\n", name_of(r.status), name_of(r.kind), r.name,
                           r.rows, r.seconds);
  if (!r.message.empty() && r.status != Status::kSkipped) std::cerr << "          " << r.message << "\n";
}

void print_published(const Published& p) {
  std::cerr << fmt::format("published  {:<48} {:>10} rows  {:>6.2f} s\n", p.table, p.rows, p.seconds);
}

Kitchen::Request request_of(const Options& o) {
  Kitchen::Request request;
  request.select = o.select;
  request.exclude = o.exclude;
  request.full_refresh = o.full_refresh;
  request.force = o.force;
  request.threads = o.threads;
  request.vars = vars_of(o);
  if (!o.common->json) {
    request.on_result = print_node;
    request.on_published = print_published;
  }
  return request;
}

// "12 success, 1 error, 3 skipped in 2.31 s"
std::string summary(const json::object& report) {
  const auto* results = report.if_contains("results");
  if (!results || results->as_array().empty()) return {};
  std::map<std::string, int> counts;
  for (const auto& result : results->as_array()) ++counts[std::string(result.at("status").as_string())];
  std::string text;
  for (const char* status : {"success", "warn", "fail", "error", "skipped"})
    if (counts.contains(status)) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[status], status);
  return text + fmt::format(" in {:.2f} s\n", report.at("seconds").as_double());
}

void conclude(const Options& o, const Kitchen::Outcome& outcome) {
  if (o.common->json) {
    std::cout << json::serialize(outcome.report) << "\n";
  } else {
    std::cerr << summary(outcome.report);
    if (!outcome.ok) std::cerr << "dalgona stir: " << outcome.error << "\n";
  }
  cli::set_exit_code(outcome.ok ? 0 : 1);
}

void cook(const Options& o, bool models, bool tests) {
  const Config config = o.common->load();
  log::start(config, "stir");
  Kitchen kitchen(config);
  Kitchen::Request request = request_of(o);
  request.models = models;
  request.tests = tests;
  request.publish = false;
  conclude(o, run_alone<Kitchen::Outcome>([&](asio::io_context&) { return kitchen.cook(request, {}, nullptr); }));
}

void list(const Options& o) {
  Kitchen kitchen(o.common->load());
  const auto compiler = kitchen.compile(vars_of(o));
  const auto chosen = select_nodes(compiler->project(), o.select, o.exclude);
  json::array all;
  for (const auto& id : compiler->order()) {
    if (!chosen.contains(id)) continue;
    const Node& node = compiler->node(id);
    if (!o.common->json) {
      std::cout << id << "\n";
      continue;
    }
    json::array depends, tags;
    for (const auto& up : node.depends) depends.emplace_back(up);
    for (const auto& tag : node.tags) tags.emplace_back(tag);
    all.push_back({{"id", id},
                   {"kind", name_of(node.kind)},
                   {"name", node.name},
                   {"path", node.path},
                   {"depends_on", depends},
                   {"tags", tags},
                   {"config", node.config},
                   {"description", node.description}});
  }
  if (o.common->json) std::cout << json::serialize(all) << "\n";
}

void compile(const Options& o) {
  const Config config = o.common->load();
  Kitchen kitchen(config);
  const auto compiler = kitchen.compile(vars_of(o));
  const auto chosen = select_nodes(compiler->project(), o.select, o.exclude);
  const bool has_warehouse = !config.text("warehouse.url").empty();
  const Jinja::RunQuery ask = [&](const std::string& sql) -> std::string {
    if (!has_warehouse) return R"({"error": "run_query: warehouse.url is not set"})";
    try {
      return kitchen.warehouse().query_blocking(sql, "JSONCompact");
    } catch (const std::exception& e) {
      return json::serialize(json::object{{"error", e.what()}});
    }
  };
  json::array all;
  for (const auto& id : compiler->order()) {
    const Node& node = compiler->node(id);
    if (!chosen.contains(id) || node.kind == Kind::kSource || node.kind == Kind::kSeed) continue;
    const auto compiled = compiler->compile(node, false, o.full_refresh, ask);
    if (o.common->json)
      all.push_back({{"id", id}, {"path", node.path}, {"sql", compiled.sql}});
    else
      std::cout << "-- " << id << " (" << node.path << ")\n" << compiled.sql << "\n\n";
  }
  if (o.common->json) std::cout << json::serialize(all) << "\n";
}

Task<Kitchen::Outcome> publish_only(Kitchen& kitchen, const Options& o, asio::io_context& context) {
  std::vector<PublishTarget> targets;
  for (const auto& [name, dag] : kitchen.dags())
    for (const auto& target : dag.publish)
      if (o.select.empty() || std::find(o.select.begin(), o.select.end(), target.model) != o.select.end())
        targets.push_back(target);
  for (const auto& wanted : o.select) {
    if (std::any_of(targets.begin(), targets.end(), [&](const auto& target) { return target.model == wanted; }))
      continue;
    std::vector<std::string> known;
    std::string list;
    for (const auto& [name, dag] : kitchen.dags())
      for (const auto& target : dag.publish) {
        known.push_back(target.model);
        list += (list.empty() ? "" : ", ") + target.model;
      }
    throw InvalidInput(
        fmt::format("no DAG publishes '{}'{}; published are: {}", wanted, did_you_mean(wanted, known), list));
  }
  Kitchen::Request request = request_of(o);
  request.select.clear();
  request.models = false;
  request.tests = false;
  const auto pool = kitchen.open_postgres(context.get_executor());
  co_return co_await kitchen.cook(std::move(request), std::move(targets), pool.get());
}

Task<Kitchen::Outcome> dag_once(Kitchen& kitchen, const Options& o, asio::io_context& context) {
  const auto dags = kitchen.dags();
  const auto found = dags.find(o.dag);
  if (found == dags.end()) {
    std::string known;
    for (const auto& [name, dag] : dags) known += (known.empty() ? "" : ", ") + name;
    throw InvalidInput("there is no DAG '" + o.dag + "'; there are: " + known);
  }
  const auto pool = kitchen.open_postgres(context.get_executor());
  History history(*pool);
  // Another run of the DAG ends first.
  const auto until = std::chrono::steady_clock::now() + found->second.timeout;
  std::optional<int64_t> run;
  for (bool said = false; !run;) {
    run = co_await history.begin(o.dag, "command");
    if (run) break;
    if (!said) std::cerr << "a run of " << o.dag << " is active, waiting for its end\n";
    said = true;
    if (std::chrono::steady_clock::now() > until) throw Retryable("a run of '" + o.dag + "' is active");
    co_await sleep_for(std::chrono::milliseconds{250});
  }
  Kitchen::Request request = request_of(o);
  Dag dag = found->second;
  dag.retries = 0;  // whoever typed it decides
  auto outcome = co_await run_dag(kitchen, *pool, std::move(dag), *run, std::move(request));
  outcome.report["run"] = *run;
  co_return outcome;
}

int serve(const cli::Common& common) {
  const Config config = common.load();
  log::start(config, "stir");
  Runtime runtime(2);
  Kitchen kitchen(config);
  const auto pool = kitchen.open_postgres(runtime.executor());
  Scheduler scheduler(runtime, kitchen, *pool);
  http::ServerOptions options;
  options.address = config.text("stir.address");
  options.port = uint16_t(config.integer("stir.port"));
  http::Server server(runtime, scheduler.routes(), options);
  server.start();
  // The replica is there before anyone asks; when a store is not up yet, each run tries again.
  runtime.spawn("replica", [](Kitchen& k) -> Task<void> {
    try {
      co_await k.prepare();
    } catch (const Error& e) {
      log::warn("msg=\"beat_replica is not there yet\" error={}", log::quoted(e.what()));
    }
  }(kitchen));
  if (config.flag("stir.schedule")) scheduler.start();
  log::info("msg=\"stir serves\" port={}", server.port());
  return runtime.run();
}

}  // namespace

void register_stir(CLI::App& app) {
  CLI::App* stir =
      app.add_subcommand("stir", "Transform and publish: run the dbt project of models/ by schedule or at once");
  auto role = cli::common_options(*stir);
  stir->callback([stir, role] {
    if (stir->get_subcommands().empty()) cli::set_exit_code(serve(*role));
  });

  auto* ls = stir->add_subcommand("ls", "List nodes in the order in which they run");
  auto ls_options = add_options(*ls, true);
  ls->callback([o = ls_options] { list(*o); });

  auto* compile_command = stir->add_subcommand("compile", "Print the SQL of models and tests");
  auto compile_options = add_options(*compile_command, true);
  compile_command->callback([o = compile_options] { compile(*o); });

  struct Cooking {
    const char *name, *help;
    bool models, tests;
  };
  for (const auto& kind :
       {Cooking{"run", "Make seeds and models", true, false}, Cooking{"test", "Ask the tests", false, true},
        Cooking{"build", "Make seeds and models and ask their tests on the way", true, true}}) {
    auto* command = stir->add_subcommand(kind.name, kind.help);
    auto options = add_options(*command, true);
    command->add_flag("--full-refresh", options->full_refresh, "Make incremental models anew");
    command->add_option("--threads", options->threads, "Models made at once");
    command->callback([o = options, kind] { cook(*o, kind.models, kind.tests); });
  }

  auto* publish_command = stir->add_subcommand("publish", "Publish models as they stand to PostgreSQL");
  auto publish_options = add_options(*publish_command, true);
  publish_command->add_flag("--force", publish_options->force, "Publish although the row-count guard says no");
  publish_command->callback([o = publish_options] {
    const Config config = o->common->load();
    log::start(config, "stir");
    Kitchen kitchen(config);
    conclude(
        *o, run_alone<Kitchen::Outcome>([&](asio::io_context& context) { return publish_only(kitchen, *o, context); }));
  });

  auto* dag = stir->add_subcommand("dag", "DAGs: list them, run one")->alias("dags");
  dag->require_subcommand(1);
  auto* dag_run = dag->add_subcommand("run", "Run a DAG now: models, tests, publish");
  auto dag_options = add_options(*dag_run, false);
  dag_run->add_option("name", dag_options->dag, "The DAG")->required();
  dag_run->add_flag("--force", dag_options->force, "Publish although the row-count guard says no");
  dag_run->add_flag("--full-refresh", dag_options->full_refresh, "Make incremental models anew");
  dag_run->callback([o = dag_options] {
    const Config config = o->common->load();
    log::start(config, "stir");
    Kitchen kitchen(config);
    conclude(*o,
             run_alone<Kitchen::Outcome>([&](asio::io_context& context) { return dag_once(kitchen, *o, context); }));
  });
  auto* dag_ls = dag->add_subcommand("ls", "List the DAGs");
  auto dag_ls_options = add_options(*dag_ls, false);
  dag_ls->callback([o = dag_ls_options] {
    Kitchen kitchen(o->common->load());
    json::array all;
    for (const auto& [name, d] : kitchen.dags()) {
      if (!o->common->json) std::cout << fmt::format("{:<24} {:<16} {}\n", name, d.schedule_text, d.description);
      all.push_back({{"name", name}, {"schedule", d.schedule_text}, {"description", d.description}});
    }
    if (o->common->json) std::cout << json::serialize(all) << "\n";
  });
}

}  // namespace dalgona::stir
