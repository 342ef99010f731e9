#include "dalgona/bench.h"

#include <iostream>

#include <fmt/format.h>

#include "base/bench.h"
#include "base/cli.h"
#include "coffee/cli.h"
#include "dalgona/bench_freshness.h"
#include "dalgona/bench_growth.h"
#include "dalgona/bench_ingest.h"
#include "dalgona/bench_sink.h"
#include "fake_follower/cli.h"
#include "insights/cli.h"

namespace dalgona {
namespace {

// One line for each room that has benches.
bench::Registry all_benches() {
  bench::Registry registry;
  coffee::register_benches(registry);
  fake_follower::register_benches(registry);
  insights::register_benches(registry);
  register_freshness_bench(registry);
  register_warehouse_benches(registry);
  register_sink_benches(registry);
  register_ingest_bench(registry);
  return registry;
}

struct Arguments {
  std::string name;
  int runs = 5;
  uint64_t rows = 0;
};

}  // namespace

void register_bench(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure: no NAME lists the benches");
  auto common = cli::common_options(*command, true);
  auto arguments = std::make_shared<Arguments>();
  command->add_option("NAME", arguments->name, "Which");
  command->add_option("--runs", arguments->runs, "Runs of ours and of the peer's, alternating")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command
      ->add_option("--rows", arguments->rows,
                   "Rows or events, where a bench makes some; 0: as many as its figure is for")
      ->capture_default_str();
  command->callback([common, arguments] {
    const bench::Registry registry = all_benches();
    if (arguments->name.empty()) {
      for (const auto& bench : registry.all()) std::cout << fmt::format("{:<20} {}\n", bench.name, bench.help);
      return;
    }
    const bench::Bench& bench = registry.find(arguments->name);
    bench::Options options;
    options.runs = arguments->runs;
    options.rows = arguments->rows;
    options.home = common->home;
    options.say = [](const std::string& line) { std::cerr << line << std::endl; };
    const bench::Result result = bench.run(options);
    for (const auto& [what, figure] : result.details) std::cout << fmt::format("{:<44} {}\n", what, figure);
    if (common->json) {
      std::cout << bench::to_json(bench.name, result) << std::endl;
    } else {
      std::cout << fmt::format("{}: {:.6g} {}; {}: {:.6g}; {:.3g} times better; {} runs, medians\n", bench.name,
                               result.value, result.unit, result.peer, result.peer_value, result.ratio(), result.runs);
    }
  });
}

}  // namespace dalgona
