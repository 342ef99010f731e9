#include "event_grpc/service.h"

#include <algorithm>

#include "base/async.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/resources.h"
#include "event_grpc/sink.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"

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

}  // namespace

int run_service(const Config& config) {
  log::start(config, "event-grpc");
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  const auto streams = chosen_streams(config, catalogue);
  Runtime runtime;
  http::Client client;
  warehouse::Client warehouse(client, needed(config, "warehouse.url"));
  StopFlag stop;
  Store store(warehouse, config.text("warehouse.cluster"), stop);
  MemoryBudget budget(config.bytes("event_grpc.memory"));
  SinkOptions options{.rabbitmq_url = needed(config, "rabbitmq.url"), .linger = config.duration("event_grpc.linger")};
  std::vector<std::unique_ptr<StreamSink>> sinks;
  for (const auto& stream : streams)
    if (stream.target.kind == events::TargetKind::kWarehouse)
      sinks.push_back(std::make_unique<StreamSink>(stream, store, stop, budget, options));
  http::Server server(runtime, http::Router(), {.port = uint16_t(config.integer("event_grpc.port"))});
  server.start();
  runtime.on_stop([&] { stop.stop(); });
  for (auto& sink : sinks) sink->start();
  log::info("msg=started port={} streams={}", server.port(), sinks.size());
  const int code = runtime.run();
  stop.stop();
  sinks.clear();
  log::info("msg=stopped");
  return code;
}

}  // namespace dalgona::event_grpc
