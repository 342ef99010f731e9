#include "event_grpc/forward.h"

#include <future>
#include <thread>

#include <fmt/format.h>

#include "base/amqp/body_coding.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "event_grpc/delivery.h"
#include "events/topology.h"

namespace dalgona::event_grpc {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A lone event waits that long for company; what is here already goes at once.
constexpr milliseconds kLinger{5};

struct ForwardMeters {
  prometheus::Counter &events, &parked, &deliveries, &retried;
  prometheus::Gauge& connected;
  prometheus::Histogram& seconds;
  explicit ForwardMeters(const std::string& stream)
      : events(metrics::counter("dalgona_event_grpc_events_total", "Events made durable", {{"stream", stream}})),
        parked(metrics::counter("dalgona_event_grpc_parked_total", "Events parked", {{"stream", stream}})),
        deliveries(metrics::counter("dalgona_event_grpc_deliveries_total", "Messages received", {{"stream", stream}})),
        retried(metrics::counter("dalgona_event_grpc_retries_total", "Attempts repeated after a failure",
                                 {{"stream", stream}})),
        connected(
            metrics::gauge("dalgona_event_grpc_connected", "Receivers connected to the broker", {{"stream", stream}})),
        seconds(metrics::histogram("dalgona_event_grpc_insert_seconds", "Time to make a batch durable",
                                   {{"stream", stream}})) {}
};

// Of each row where it came from, to put it back or park it.
struct Origin {
  std::string exchange, routing_key, headers;
  int64_t tried = 0, parked = 0;
};

}  // namespace

struct Forwarder::State {
  const events::Stream& stream;
  Outlet& outlet;
  Store& store;
  amqp::Publisher& publisher;
  StopFlag& stop;
  Options options;
  ForwardMeters meters;
  std::vector<std::thread> threads;

  State(const events::Stream& s, Outlet& o, Store& st, amqp::Publisher& p, StopFlag& sf, Options opt)
      : stream(s), outlet(o), store(st), publisher(p), stop(sf), options(std::move(opt)), meters(s.name) {}

  struct Batch {
    std::shared_ptr<Outgoing> events = std::make_shared<Outgoing>();
    std::vector<Origin> origins;
    std::vector<ParkedEvent> parked;
    uint64_t bytes = 0, last_tag = 0;
  };

  void run() {
    for (int attempt = 0;;) {
      bool was_connected = false;
      try {
        run_connected(was_connected);
      } catch (const Stopping&) {
        return;
      } catch (const std::exception& e) {
        if (was_connected) attempt = 0;
        if (attempt % 20 == 0)
          log::warn("msg=\"not connected to RabbitMQ, trying again\" stream={} error={}", stream.name,
                    log::quoted(e.what()));
      }
      if (was_connected) meters.connected.Decrement();
      try {
        stop.wait(milliseconds(50) + backoff(attempt++, milliseconds(200), milliseconds(3000)));
      } catch (const Stopping&) {
        return;
      }
    }
  }

  void run_connected(bool& was_connected) {
    amqp::Connection connection(
        {.url = options.rabbitmq_url, .name = "event-grpc " + stream.name, .heartbeat = std::chrono::seconds(60)});
    connection.declare(options.topology);
    connection.consume(stream.queue, stream.prefetch);
    was_connected = true;
    meters.connected.Increment();
    Parser parser(stream);
    amqp::BodyDecoder decoder;
    for (;;) {
      auto first = connection.receive(SteadyClock::now() + milliseconds(200));
      if (stop.stopped()) {
        connection.close();  // or the last acknowledgement may be lost
        throw Stopping();
      }
      if (!first) continue;
      Batch batch;
      batch.events->block = parser.new_block();
      take(batch, parser, decoder, *first);
      for (const auto until = SteadyClock::now() + kLinger;
           batch.origins.size() < stream.batch_events && batch.bytes < stream.batch_bytes;) {
        auto next = connection.receive(connection.has_buffered() ? SteadyClock::now() : until);
        if (!next) break;
        take(batch, parser, decoder, *next);
      }
      deliver(batch, connection);
      settle(batch);
      connection.ack(batch.last_tag, true);
    }
  }

  void take(Batch& batch, Parser& parser, amqp::BodyDecoder& decoder, amqp::Connection::Delivery& d) {
    meters.deliveries.Increment();
    batch.last_tag = d.tag;
    std::string damage;
    try {
      decoder.decode(d);
    } catch (const InvalidInput& e) {
      damage = e.what();
    }
    batch.bytes += d.body.size();
    Origin origin{d.exchange, d.routing_key, headers_json(d.properties)};
    origin.tried = number_header(d.properties, kRetryCountHeader);
    origin.parked = number_header(d.properties, kParkedCountHeader);
    // The retry queue gives it back through the default exchange.
    if (const auto text = text_header(d.properties, kFirstRoutingKeyHeader)) {
      origin.routing_key = *text;
      origin.exchange = text_header(d.properties, kFirstExchangeHeader).value_or("");
    }
    if (!damage.empty()) return park(batch, origin, {"", damage, std::string(d.body)});
    const bool lines = is_ndjson(d.properties.content_type);
    for_each_event(d.body, lines, [&](std::string_view text) {
      const size_t before = batch.events->block.rows();
      std::vector<Rejected> rejected;
      parser.parse({text, "application/json", lines ? "" : d.properties.message_id, origin.routing_key},
                   batch.events->block, rejected);
      for (auto& why : rejected) park(batch, origin, std::move(why));
      if (batch.events->block.rows() == before) return;
      batch.events->bodies.emplace_back(text);
      batch.origins.push_back(origin);
    });
  }

  void park(Batch& batch, const Origin& origin, Rejected why) {
    ParkedEvent event;
    event.id = uuid_of_bytes(stream.name + "\n" + why.body);
    event.count = uint32_t(origin.parked + 1);
    event.exchange = origin.exchange;
    event.routing_key = origin.routing_key;
    event.headers = origin.headers;
    event.why = std::move(why);
    batch.parked.push_back(std::move(event));
  }

  // The connection's heartbeats go on meanwhile.
  void deliver(Batch& batch, amqp::Connection& connection) {
    if (batch.origins.empty()) return;
    batch.events->outcomes.assign(batch.origins.size(), {Outcome::Kind::kAgain, "not tried"});
    const auto began = SteadyClock::now();
    const auto ready = std::make_shared<EventFd>();
    const auto finished = std::make_shared<std::promise<void>>();
    auto future = finished->get_future();
    connection.wake_on(ready->get());
    outlet.deliver(batch.events, [ready, finished] {
      finished->set_value();
      ready->ring();
    });
    while (future.wait_for(milliseconds(0)) != std::future_status::ready) {
      connection.idle(SteadyClock::now() + milliseconds(200));
      if (stop.stopped()) throw Stopping();
    }
    connection.wake_on(-1);
    meters.seconds.Observe(std::chrono::duration<double>(SteadyClock::now() - began).count());
  }

  void settle(Batch& batch) {
    std::vector<amqp::Message> again;
    const auto& ids = batch.events->block.columns[stream.index_of(stream.id)];
    size_t done = 0;
    for (size_t row = 0; row < batch.origins.size(); ++row) {
      const auto& outcome = batch.events->outcomes[row];
      const auto& origin = batch.origins[row];
      if (outcome.kind == Outcome::Kind::kDone) {
        ++done;
      } else if (outcome.kind == Outcome::Kind::kAgain && stop.stopped()) {
        throw Stopping();
      } else if (outcome.kind == Outcome::Kind::kAgain && origin.tried + 1 < stream.retry_attempts) {
        amqp::Message m;
        m.routing_key = events::retry_queue(stream, int(origin.tried + 1));
        m.body = batch.events->bodies[row];
        m.properties.message_id = ids.uuid(row).text();
        m.properties.content_type = "application/json";
        m.properties.headers = {{kRetryCountHeader, origin.tried + 1},
                                {kFirstExchangeHeader, origin.exchange},
                                {kFirstRoutingKeyHeader, origin.routing_key}};
        if (origin.parked > 0) m.properties.headers[kParkedCountHeader] = origin.parked;
        again.push_back(std::move(m));
      } else {
        const auto tried = origin.tried + 1;
        park(batch, origin,
             {"", fmt::format("{} (tried {} time{})", outcome.reason, tried, tried == 1 ? "" : "s"),
              batch.events->bodies[row]});
      }
    }
    meters.events.Increment(double(done));
    meters.retried.Increment(double(again.size()));
    if (!again.empty()) publisher.publish_blocking(std::move(again));
    if (batch.parked.empty()) return;
    store.park(stream, batch.parked);
    if (options.on_parked) options.on_parked(stream, batch.parked);
    meters.parked.Increment(double(batch.parked.size()));
  }
};

Forwarder::Forwarder(const events::Stream& stream, Outlet& outlet, Store& store, amqp::Publisher& publisher,
                     StopFlag& stop, Options options)
    : state_(std::make_unique<State>(stream, outlet, store, publisher, stop, std::move(options))) {}

Forwarder::~Forwarder() {
  for (auto& thread : state_->threads) thread.join();
}

void Forwarder::start() {
  for (int i = 0; i < state_->stream.consumers; ++i) state_->threads.emplace_back([this] { state_->run(); });
}

}  // namespace dalgona::event_grpc
