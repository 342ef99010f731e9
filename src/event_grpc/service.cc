#include "event_grpc/service.h"

#include <algorithm>
#include <thread>

#include "base/amqp/amqp.h"
#include "base/async.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "event_grpc/error_events.h"
#include "event_grpc/forward.h"
#include "event_grpc/ingest/grpc_server.h"
#include "event_grpc/ingest/heartbeat.h"
#include "event_grpc/ingest/http_routes.h"
#include "event_grpc/ingest/intake.h"
#include "event_grpc/outlet.h"
#include "event_grpc/sink.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"
#include "events/topology.h"

namespace dalgona::event_grpc {

namespace {

std::string needed(const Config& config, const char* key) {
  auto url = config.text(key);
  if (url.empty())
    throw InvalidInput(std::string(key) + " is not set: give a URL, or let `dalgona up` start a private one");
  return url;
}

std::vector<events::Stream> chosen_streams(const Config& config, const events::Catalogue& catalogue) {
  const auto names = config.list("event_grpc.streams");
  if (names.empty()) return catalogue.streams();
  std::vector<events::Stream> chosen;
  for (const auto& name : names) chosen.push_back(catalogue.stream(name));
  return chosen;
}

// As patient as the store: the delivery is acknowledged only after the error event is confirmed.
void publish_errors(amqp::Publisher& publisher, StopFlag& stop, const events::Stream& stream,
                    const std::vector<ParkedEvent>& parked) {
  if (stream.error_exchange.empty()) return;
  for (int attempt = 0;; ++attempt) {
    try {
      std::vector<amqp::Message> messages;
      for (const auto& event : parked) messages.push_back(error_event(stream, event, system_clock().now()));
      publisher.publish_blocking(std::move(messages));
      return;
    } catch (const Error& e) {
      if (attempt % 20 == 0)
        log::warn("msg=\"error events not published, trying again\" stream={} error={}", stream.name,
                  log::quoted(e.what()));
    }
    stop.wait(std::chrono::milliseconds(50) +
              backoff(attempt, std::chrono::milliseconds(100), std::chrono::milliseconds(3000)));
  }
}

}  // namespace

int run_service(const Config& config) {
  log::start(config, "event-grpc");
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  const auto streams = chosen_streams(config, catalogue);
  const auto topology = events::topology(catalogue.streams());
  const auto rabbitmq_url = needed(config, "rabbitmq.url");
  Runtime runtime;
  http::Client client;
  warehouse::Client warehouse(client, needed(config, "warehouse.url"));
  StopFlag stop;
  Store store(warehouse, config.text("warehouse.cluster"), stop);
  MemoryBudget budget(config.bytes("event_grpc.memory"));
  // Declares the whole topology on each connect, so that publishers find their exchanges and queues.
  amqp::Publisher publisher({.url = rabbitmq_url,
                             .name = "event-grpc ingest",
                             .max_buffered = config.bytes("event_grpc.ingest_buffer"),
                             .topology = topology,
                             .compress = config.flag("rabbitmq.compress")});
  const auto on_parked = [&](const events::Stream& stream, const std::vector<ParkedEvent>& parked) {
    publish_errors(publisher, stop, stream, parked);
  };
  SinkOptions options{.rabbitmq_url = rabbitmq_url,
                      .linger = config.duration("event_grpc.linger"),
                      .topology = topology,
                      .on_parked = on_parked};
  std::vector<std::unique_ptr<StreamSink>> sinks;
  std::unique_ptr<postgres::Pool> pool;
  std::vector<std::unique_ptr<Outlet>> outlets;
  std::vector<std::unique_ptr<Forwarder>> forwarders;
  const auto forward = [&](const events::Stream& stream, std::unique_ptr<Outlet> outlet) {
    forwarders.push_back(std::make_unique<Forwarder>(
        stream, *outlet, store, publisher, stop,
        Forwarder::Options{.rabbitmq_url = rabbitmq_url, .topology = topology, .on_parked = on_parked}));
    outlets.push_back(std::move(outlet));
  };
  for (const auto& stream : streams) {
    if (stream.target.kind == events::TargetKind::kWarehouse) {
      sinks.push_back(std::make_unique<StreamSink>(stream, store, stop, budget, options));
    } else if (stream.target.kind == events::TargetKind::kPostgres) {
      if (!pool)
        pool = std::make_unique<postgres::Pool>(
            runtime, postgres::PoolOptions{
                         .url = needed(config, "postgres.url"), .application_name = "dalgona event-grpc", .size = 4});
      forward(stream, std::make_unique<PostgresOutlet>(runtime, *pool, stream, stop));
    } else {
      auto url = config.text(stream.target.url);
      auto bearer = stream.target.bearer.empty() ? std::string() : config.text(stream.target.bearer);
      if (url.empty()) {
        log::info("msg=\"events stay in the queue until a URL is set\" stream={} key={}", stream.name,
                  stream.target.url);
        continue;
      }
      forward(stream, std::make_unique<HttpOutlet>(runtime, client, stream, std::move(url), std::move(bearer)));
    }
  }
  const DispatchPlan plan(catalogue.streams());
  const ApiKeys keys(config.list("event_grpc.api_keys"));
  Intake intake({.bytes = config.bytes("event_grpc.ingest_buffer"),
                 .messages = uint64_t(config.integer("event_grpc.ingest_messages"))});
  HttpIngest ingest{.publisher = publisher,
                    .intake = intake,
                    .plan = plan,
                    .keys = keys,
                    .streams = catalogue.streams(),
                    .secrets = {},
                    .max_body = config.bytes("event_grpc.max_message")};
  for (const auto& key : secret_keys(catalogue.streams())) ingest.secrets[key] = config.text(key);
  Draining draining;
  http::Router router;
  std::atomic<GrpcServer*> health{nullptr};
  add_heartbeat(
      router, draining, [&publisher] { return publisher.connected(); },
      [&health](bool drain) {
        if (auto* server = health.load()) server->serve(!drain);
      });
  add_ingest_routes(router, ingest);
  const auto address = config.text("event_grpc.address");
  const auto certificate = config.text("event_grpc.tls_certificate"), key = config.text("event_grpc.tls_key");
  http::Server server(runtime, std::move(router),
                      {.address = address,
                       .port = uint16_t(config.integer("event_grpc.port")),
                       .max_connections = size_t(config.integer("event_grpc.max_connections")),
                       .min_body_rate = 4096,
                       .tls_certificate = certificate,
                       .tls_key = key});
  GrpcServer grpc(runtime, publisher, intake, plan, keys,
                  {.address = address,
                   .port = uint16_t(config.integer("event_grpc.grpc_port")),
                   .max_message = config.bytes("event_grpc.max_message"),
                   .max_concurrent = int(config.integer("event_grpc.max_concurrent")),
                   .tls_certificate = certificate,
                   .tls_key = key});
  health = &grpc;
  server.start();
  // gRPC's shutdown waits for calls that the runtime's threads must answer, so it has a thread of its own.
  std::thread grpc_stopper;
  runtime.on_stop([&] {
    stop.stop();
    grpc_stopper = std::thread([&grpc] { grpc.stop(std::chrono::seconds(5)); });
  });
  for (auto& sink : sinks) sink->start();
  for (auto& forwarder : forwarders) forwarder->start();
  log::info("msg=started port={} grpc_port={} streams={} forwarded={}", server.port(), grpc.port(), sinks.size(),
            forwarders.size());
  const int code = runtime.run();
  if (grpc_stopper.joinable()) grpc_stopper.join();
  stop.stop();
  sinks.clear();
  forwarders.clear();
  log::info("msg=stopped");
  return code;
}

}  // namespace dalgona::event_grpc
