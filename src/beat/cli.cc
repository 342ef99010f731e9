#include "beat/cli.h"

#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/cli.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/resources.h"
#include "beat/events.h"
#include "beat/routes.h"
#include "beat/worker.h"

namespace dalgona::beat {
namespace {

std::filesystem::path shipped(const Config& config, std::string_view key) {
  const std::filesystem::path path = config.text(key);
  return path.is_absolute() ? path : resource(path.string());
}

Catalogue load_catalogue(const Config& config) {
  const auto flows = shipped(config, "beat.flows_file"), sources = shipped(config, "beat.sources_file");
  Catalogue catalogue = Catalogue::parse(read_file(flows), flows.string(), read_file(sources), sources.string());
  catalogue.simulate(config.list("beat.simulated_sources"), config.duration("beat.simulated_quota_recheck"));
  return catalogue;
}

int positive(const Config& config, std::string_view key, int64_t most) {
  const int64_t value = config.integer(key);
  if (value < 1 || value > most) throw InvalidInput(fmt::format("{} must be from 1 to {}, not {}", key, most, value));
  return int(value);
}

postgres::PoolOptions pool_options(const Config& config, size_t sessions) {
  return {.url = config.text("postgres.url"), .application_name = "dalgona beat", .size = sessions};
}

std::string owner_name() {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{}/{}", host, ::getpid());
}

int run(const Config& config) {
  log::start(config, "beat");
  const Catalogue catalogue = load_catalogue(config);
  if (config.text("rabbitmq.url").empty())
    throw InvalidInput("rabbitmq.url is not set: start the stores with `dalgona up`, or set it");
  WorkerOptions options;
  options.concurrency = positive(config, "beat.concurrency", 100'000);
  options.lease = config.duration("beat.lease");
  options.task_timeout = config.duration("beat.task_timeout");
  options.poll_interval = config.duration("beat.poll_interval");
  options.retry_first = config.duration("beat.retry_first");
  options.retry_cap = config.duration("beat.retry_cap");
  options.claim_batch = positive(config, "beat.claim_batch", 10'000);
  options.complete_batch = size_t(positive(config, "beat.complete_batch", 10'000));
  if (options.lease.count() < 100) throw InvalidInput("beat.lease must be at least 100ms");
  const int max_attempts = positive(config, "beat.max_attempts", 1000);

  Runtime runtime(positive(config, "beat.threads", 256));
  // One more session, for it is always listening.
  postgres::Pool pool(runtime, pool_options(config, size_t(positive(config, "beat.sessions", 1000)) + 1));
  http::Client http;
  amqp::Publisher publisher({.url = config.text("rabbitmq.url"),
                             .name = "dalgona beat",
                             .topology = topology(),
                             .compress = config.flag("rabbitmq.compress")});
  Queue queue(pool, owner_name(), options.lease);
  Credentials credentials(pool);
  Fetcher fetcher(http, credentials, system_clock());
  const auto per_message = size_t(positive(config, "beat.events_per_message", 10'000));
  Processor processor(pool, publisher, size_t(positive(config, "beat.upsert_batch", 10'000)), per_message);
  Outbox outbox(pool, publisher, per_message, config.flag("beat.publish_states"));
  Worker worker(runtime, pool, queue, catalogue, fetcher, processor, outbox, options);
  http::ServerOptions server_options;
  const int64_t port = config.integer("beat.port");
  if (port < 0 || port > 65'535) throw InvalidInput("beat.port must be from 0 to 65535");
  server_options.port = uint16_t(port);
  http::Server server(runtime, routes(queue, catalogue, worker, max_attempts), server_options);
  server.start();
  worker.start();
  log::info("msg=\"beat started\" port={} concurrency={} owner={}", server.port(), options.concurrency, queue.owner());
  return runtime.run();
}

// A tool's body with a pool of its own on this thread.
template <typename F>
void with_pool(const Config& config, F f) {
  run_alone<void>([&](asio::io_context& context) -> Task<void> {
    postgres::Pool pool(context.get_executor(), pool_options(config, 1));
    co_await f(pool);
  });
}

Task<void> enqueue_lines(Queue& queue, const Catalogue& catalogue, std::istream& lines, int max_attempts,
                         bool as_json) {
  std::vector<NewTask> batch;
  uint64_t number = 0, created = 0, known = 0;
  std::string line;
  bool more = true;
  while (more) {
    more = bool(std::getline(lines, line));
    if (more) {
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      try {
        boost::system::error_code failed;
        const auto value = boost::json::parse(line, failed);
        if (failed) throw InvalidInput(failed.message());
        batch.push_back(read_task(catalogue, value, max_attempts));
      } catch (const InvalidInput& e) {
        throw InvalidInput(
            fmt::format("line {}: {} ({} tasks before it are in the queue)", number, e.what(), created + known));
      }
    }
    if (batch.size() < 1000 && (more || batch.empty())) continue;
    for (const Enqueued& one : co_await queue.enqueue(std::exchange(batch, {}))) {
      ++(one.created ? created : known);
      if (as_json) std::cout << fmt::format("{{\"id\":{},\"created\":{}}}\n", one.id, one.created);
    }
  }
  if (!as_json) std::cout << fmt::format("{} tasks created, {} were known already\n", created, known);
}

void register_enqueue(CLI::App& beat) {
  CLI::App* command =
      beat.add_subcommand("enqueue", "Put tasks into the queue: one by options, or NDJSON from standard input");
  auto common = cli::common_options(*command, true);
  struct Options {
    std::string flow, params = "{}", key;
    int priority = 0;
  };
  auto options = std::make_shared<Options>();
  command->add_option("--flow", options->flow,
                      "A flow of config/flows.yaml; without it, lines are read from standard input");
  command->add_option("--params", options->params, "JSON object")->capture_default_str();
  command->add_option("--key", options->key, "Idempotency key: twice the same key is one task");
  command->add_option("--priority", options->priority, "Higher is sooner")->capture_default_str();
  command->callback([common, options] {
    const Config config = common->load();
    const Catalogue catalogue = load_catalogue(config);
    const int max_attempts = positive(config, "beat.max_attempts", 1000);
    std::stringstream one;
    if (!options->flow.empty()) {
      boost::system::error_code failed;
      boost::json::object request{{"flow", options->flow}, {"priority", options->priority}};
      request["params"] = boost::json::parse(options->params, failed);
      if (failed) throw InvalidInput(fmt::format("--params is no JSON: {}", failed.message()));
      if (!options->key.empty()) request["idempotency_key"] = options->key;
      one << boost::json::serialize(request) << "\n";
    }
    std::istream& lines = options->flow.empty() ? std::cin : one;
    with_pool(config, [&](postgres::Pool& pool) -> Task<void> {
      Queue queue(pool, owner_name(), std::chrono::seconds{60});
      co_await enqueue_lines(queue, catalogue, lines, max_attempts, common->json);
    });
  });
}

void register_tasks(CLI::App& beat) {
  CLI::App* command = beat.add_subcommand("tasks", "Show tasks, the newest first");
  auto common = cli::common_options(*command, true);
  auto filter = std::make_shared<Queue::Filter>();
  command->add_option("--status", filter->status, "PENDING, PROCESSING, COMPLETE or FAILED")
      ->check(CLI::IsMember({"PENDING", "PROCESSING", "COMPLETE", "FAILED"}));
  command->add_option("--flow", filter->flow, "Only of this flow");
  command->add_option("--limit", filter->limit, "At most that many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command->callback([common, filter] {
    const Config config = common->load();
    with_pool(config, [&](postgres::Pool& pool) -> Task<void> {
      Queue queue(pool, owner_name(), std::chrono::seconds{60});
      for (const std::string& row : co_await queue.list(*filter)) {
        if (common->json) {
          std::cout << row << "\n";
          continue;
        }
        const boost::json::value value = boost::json::parse(row);
        const auto text = [&](const char* key) {
          const auto& field = value.at(key);
          return field.is_string() ? std::string(field.get_string())
                 : field.is_null() ? ""
                                   : boost::json::serialize(field);
        };
        std::cout << fmt::format("{:>10}  {:<10}  {:<32}  {:<26}  {}\n", text("id"), text("status"), text("flow"),
                                 text("created_at").substr(0, 26), text("reason"));
      }
    });
  });
}

void register_credential(CLI::App& beat) {
  CLI::App* command = beat.add_subcommand("credential", "The sources' keys");
  command->require_subcommand(1);
  struct Options {
    std::string source, key_file, handle;
    int64_t id = 0;
  };
  {
    CLI::App* add =
        command->add_subcommand("add", "Add a key; reads it from a file or standard input, never from the arguments");
    auto common = cli::common_options(*add, true);
    auto options = std::make_shared<Options>();
    add->add_option("--source", options->source, "A source of config/sources.yaml")->required();
    add->add_option("--key-file", options->key_file, "File that holds the key alone; - or nothing: standard input");
    add->add_option("--handle", options->handle, "A name to know it by");
    add->callback([common, options] {
      const Config config = common->load();
      load_catalogue(config).source(options->source);
      std::string key;
      if (options->key_file.empty() || options->key_file == "-")
        std::getline(std::cin, key);
      else
        key = read_file(options->key_file);
      with_pool(config, [&](postgres::Pool& pool) -> Task<void> {
        Credentials credentials(pool);
        std::optional<std::string> handle;
        if (!options->handle.empty()) handle = options->handle;
        const int64_t id = co_await credentials.add(options->source, key, handle);
        Queue queue(pool, owner_name(), std::chrono::seconds{60});
        const uint64_t woken = co_await queue.wake(options->source);
        std::cout << (common->json ? fmt::format("{{\"id\":{},\"woken\":{}}}\n", id, woken)
                                   : fmt::format("credential {}; {} waiting tasks are due now\n", id, woken));
      });
    });
  }
  {
    CLI::App* list = command->add_subcommand("list", "Show credentials without their keys");
    auto common = cli::common_options(*list, true);
    list->callback([common] {
      with_pool(common->load(), [&](postgres::Pool& pool) -> Task<void> {
        Credentials credentials(pool);
        for (const std::string& row : co_await credentials.list()) std::cout << row << "\n";
      });
    });
  }
  for (const bool enable : {true, false}) {
    CLI::App* change =
        command->add_subcommand(enable ? "enable" : "disable", enable ? "Use it again" : "Use it no more");
    auto common = cli::common_options(*change, false);
    auto options = std::make_shared<Options>();
    change->add_option("id", options->id, "As `credential list` shows it")->required();
    change->callback([common, options, enable] {
      with_pool(common->load(), [&](postgres::Pool& pool) -> Task<void> {
        Credentials credentials(pool);
        if (!co_await credentials.enable(options->id, enable))
          throw InvalidInput(fmt::format("no credential {}", options->id));
      });
    });
  }
}

}  // namespace

void register_beat(CLI::App& app) {
  CLI::App* beat =
      app.add_subcommand("beat", "Collect: take tasks from the queue, ask the platforms, publish what they say");
  beat->require_subcommand(0, 1);
  auto common = cli::common_options(*beat);
  register_enqueue(*beat);
  register_tasks(*beat);
  register_credential(*beat);
  beat->callback([beat, common] {
    if (beat->get_subcommands().empty()) cli::set_exit_code(run(common->load()));
  });
}

}  // namespace dalgona::beat
