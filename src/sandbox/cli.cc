#include "sandbox/cli.h"

#include <iostream>
#include <memory>
#include <optional>

#include "base/cli.h"
#include "base/errors.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"
#include "sandbox/dataset.h"
#include "sandbox/export.h"
#include "sandbox/generator.h"
#include "sandbox/service.h"

namespace dalgona::sandbox {
namespace {

constexpr size_t kDamagesLogged = 10;

// What the command line says over the config.
struct Options {
  std::string dataset, key, now;
  std::optional<int> year, population, videos, days, port;
  std::optional<uint64_t> seed;
  std::optional<double> speed;
};

std::pair<Population, LoadReport> load(const Config& config, const Options& options) {
  const std::string dataset = options.dataset.empty() ? config.text("sandbox.dataset") : options.dataset;
  if (!dataset.empty()) {
    auto loaded = read_dataset_file(dataset, options.year.value_or(int(config.integer("sandbox.year"))));
    const LoadReport& report = loaded.second;
    log::info("msg=\"dataset read\" rows={} snapshots={} doubled={} damaged={} channels={} videos={}", report.rows,
              report.snapshots, report.doubled, report.damaged, loaded.first.channels().size(),
              loaded.first.videos().size());
    for (size_t i = 0; i < std::min(kDamagesLogged, report.damages.size()); ++i)
      log::warn("msg=\"damaged row left out\" line={} reason={}", report.damages[i].line,
                log::quoted(report.damages[i].reason));
    if (report.damaged > kDamagesLogged)
      log::warn("msg=\"more damaged rows: see /sandbox/v1/population\" count={}", report.damaged - kDamagesLogged);
    return loaded;
  }
  GeneratorOptions generator;
  generator.channels = options.population.value_or(int(config.integer("sandbox.population")));
  generator.videos = options.videos.value_or(int(config.integer("sandbox.videos")));
  generator.days = options.days.value_or(int(config.integer("sandbox.days")));
  generator.seed = options.seed.value_or(uint64_t(config.integer("sandbox.seed")));
  generator.first_day = day_of(parse_time(config.text("sandbox.first_day")));
  Population population = generate(generator);
  LoadReport report;
  for (const Video& video : population.videos()) report.snapshots += video.snapshots.size();
  log::info("msg=\"population generated\" channels={} videos={} days={} seed={}", generator.channels, generator.videos,
            generator.days, generator.seed);
  return {std::move(population), report};
}

void run(const Config& config, const Options& options) {
  log::start(config, "sandbox");
  auto [population, report] = load(config, options);

  ServiceOptions service_options;
  const std::string key = options.key.empty() ? config.text("sandbox.key") : options.key;
  if (!key.empty()) service_options.keys.push_back(key);
  if (service_options.keys.empty()) {
    service_options.keys.push_back("sandbox-" + random_hex(16));
    std::cout << "API key for this run: " << service_options.keys.back() << std::endl;
  }
  service_options.limits = {config.integer("sandbox.quota_per_day"), config.integer("sandbox.searches_per_day")};
  service_options.requests_per_minute = config.integer("sandbox.requests_per_minute");
  if (const std::string faults = config.text("sandbox.faults"); !faults.empty())
    service_options.faults = FaultPlan::parse(faults);
  const std::string now = options.now.empty() ? config.text("sandbox.now") : options.now;
  service_options.now = now.empty() ? midnight(population.last_day()) : parse_time(now);
  service_options.speed = options.speed.value_or(config.number("sandbox.speed"));
  service_options.clock_file = config.text("sandbox.clock_file");
  if (const auto saved = Service::saved_time(service_options.clock_file); saved && options.now.empty()) {
    service_options.now = saved->now;
    service_options.speed = options.speed.value_or(saved->speed);
  }
  service_options.region = config.text("sandbox.region");

  Service service(std::move(population), std::move(report), system_clock(), std::move(service_options));
  Runtime runtime(int(config.integer("sandbox.threads")), std::chrono::seconds{5});
  http::ServerOptions server_options;
  server_options.address = config.text("sandbox.address");
  server_options.port = uint16_t(options.port.value_or(int(config.integer("sandbox.port"))));
  http::Server server(runtime, service.router(), server_options);
  server.start();
  log::info("msg=listening role=sandbox address={} port={} now={}", server_options.address, server.port(),
            to_iso(service.clock().now()));
  cli::set_exit_code(runtime.run());
}

// Options that choose the population, for the role and for the export.
void add_population_options(CLI::App& command, Options& options) {
  command.add_option("--dataset", options.dataset, "Replay this file of daily snapshots");
  command.add_option("--year", options.year, "Year of the file's dates, where they have none");
  command.add_option("--population", options.population, "Without a file: channels to make");
  command.add_option("--videos", options.videos, "Without a file: videos to make");
  command.add_option("--days", options.days, "Without a file: days to make");
  command.add_option("--seed", options.seed, "Without a file: seed of the population");
}

void register_export(CLI::App& sandbox) {
  CLI::App* command = sandbox.add_subcommand(
      "export", "Write every snapshot as CSV: a dataset's columns, and what the platform says of the channel that day");
  const auto common = cli::common_options(*command);
  const auto options = std::make_shared<Options>();
  const auto out = std::make_shared<std::string>();
  add_population_options(*command, *options);
  command->add_option("--out", *out, "File to write; default: standard output");
  command->callback([common, options, out] {
    const Population population = load(common->load(), *options).first;
    if (out->empty())
      std::cout << export_csv(population);
    else
      write_file(*out, export_csv(population));
  });
}

}  // namespace

void register_sandbox(CLI::App& app) {
  CLI::App* command = app.add_subcommand("sandbox", "Simulate the YouTube Data API on loopback");
  command->require_subcommand(0, 1);
  const auto common = cli::common_options(*command);
  const auto options = std::make_shared<Options>();
  add_population_options(*command, *options);
  register_export(*command);
  command->add_option("--port", options->port, "Port on loopback; 0: any free one")->check(CLI::Range(0, 65535));
  command->add_option("--key", options->key,
                      "An API key to accept; others see it in the process list: prefer the config");
  command->add_option("--now", options->now, "Simulated time to begin at; default: the last day's midnight");
  command->add_option("--speed", options->speed, "Simulated seconds a second; 0: time stands still");
  command->callback([command, common, options] {
    if (command->get_subcommands().empty()) run(common->load(), *options);
  });
}

}  // namespace dalgona::sandbox
