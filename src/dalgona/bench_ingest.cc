#include "dalgona/bench_ingest.h"

#include <algorithm>
#include <memory>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "base/amqp/amqp.h"
#include "base/async.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/resources.h"
#include "dalgona/bench_home.h"
#include "event_grpc/ingest/dispatch.h"
#include "event_grpc/ingest/grpc_load.h"
#include "event_grpc/ingest/message_json.h"
#include "events/catalogue.h"
#include "events/topology.h"

namespace dalgona {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kClients = 16;
constexpr int kMany = 100;  // events a call, of the ways that take many

// Requests over HTTP/1.1, each client with a connection of its own that is kept, one request in work. Plain sockets: a
// client library would be measured with it.
struct HttpLoad {
  uint16_t port = 0;
  int calls_a_client = 100;
  std::string path, content_type, body;
};

std::vector<double> send_http(const HttpLoad& load) {
  std::vector<double> took_each;
  namespace http = boost::beast::http;
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  socket.connect({asio::ip::make_address("127.0.0.1"), load.port});
  socket.set_option(asio::ip::tcp::no_delay(true));
  const std::string request =
      fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", load.path,
                  load.content_type, load.body.size(), load.body);
  boost::beast::flat_buffer buffer;
  for (int call = 0; call < load.calls_a_client; ++call) {
    const auto began = SteadyClock::now();
    asio::write(socket, asio::buffer(request));
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    took_each.push_back(std::chrono::duration<double>(SteadyClock::now() - began).count());
    if (response.result_int() != 200)
      throw Permanent(fmt::format("{} was answered {}: {}", load.path, response.result_int(), response.body()));
  }
  return took_each;
}

std::vector<double> run(const HttpLoad& load) {
  return bench::concurrently(kClients, [&](int) { return send_http(load); });
}

// One way in: rates of its runs, and the times of all its calls.
struct Way {
  std::vector<double> rates, took_each;

  // `load` gives the seconds of its calls.
  void measure(double events, const std::function<std::vector<double>()>& load) {
    std::vector<double> of_run;
    const double took = bench::seconds([&] { of_run = load(); });
    rates.push_back(events / took);
    took_each.insert(took_each.end(), of_run.begin(), of_run.end());
  }
  double rate() const { return bench::median(rates); }
  double quantile(double q) const {
    auto sorted = took_each;
    std::sort(sorted.begin(), sorted.end());
    return bench::quantile(sorted, q);
  }
  std::string text() const {
    return fmt::format("{:.0f} events/s; a call p50 {:.2f} ms, p99 {:.2f} ms", rate(), quantile(0.5) * 1e3,
                       quantile(0.99) * 1e3);
  }
};

// The home with broker and event-grpc, which sinks another stream than the one that is sent, so that what is measured
// ends with the broker's confirm; and the peer's server in this process.
class IngestBench {
 public:
  IngestBench() : home_("ingest"), catalogue_(events::Catalogue::load(resource("config/streams"))) {
    url_ = home_.start_rabbitmq().url();
    home_.start_sink();
    runtime_thread_ = std::thread([this] { runtime_.run(false); });
  }
  ~IngestBench() {
    peer_.reset();
    runtime_.stop();
    runtime_thread_.join();
    publisher_.reset();
  }

  uint16_t http_port() const { return home_.http_port(); }
  uint16_t grpc_port() const { return home_.grpc_port(); }
  // Made at first use, with a publisher like ours.
  uint16_t peer_port() {
    if (!peer_) {
      publisher_ = std::make_unique<amqp::Publisher>(
          amqp::Publisher::Options{.url = url_, .name = "bench peer", .topology = {}});
      peer_ = std::make_unique<event_grpc::PlainIngest>(runtime_, *publisher_, plan_);
    }
    return peer_->port();
  }

  // The messages of `calls` requests straight to the broker: what no ingest can pass.
  double raw(int calls) {
    amqp::Connection connection({.url = url_, .name = "bench raw"});
    connection.enable_confirms();
    const auto messages = event_grpc::messages_of(event_grpc::page_openings(kMany), plan_, system_clock().now());
    const auto settle = [&](uint64_t window) {
      while (connection.unconfirmed() > window)
        if (!connection.wait_confirms(SteadyClock::now() + std::chrono::seconds{30}).failed.empty())
          throw Permanent("the broker refuses");
    };
    return double(calls) * kMany / bench::seconds([&] {
             for (int i = 0; i < calls; ++i) {
               for (const auto& m : messages) connection.publish(m);
               settle(256);
             }
             settle(0);
           });
  }

  // The queues of what was sent, emptied, so that each run finds the broker as the first did.
  void empty() {
    amqp::Connection connection({.url = url_, .name = "bench"});
    for (const auto& name : {"event", "graphy_event"}) connection.purge(catalogue_.stream(name).queue);
  }

 private:
  BenchHome home_;
  events::Catalogue catalogue_;
  event_grpc::DispatchPlan plan_{catalogue_.streams()};
  std::string url_;
  Runtime runtime_{2};
  std::thread runtime_thread_;
  std::unique_ptr<amqp::Publisher> publisher_;
  std::unique_ptr<event_grpc::PlainIngest> peer_;
};

// As the clients of `POST /events` write it, and as Graphy writes its webhook.
std::string http_events(int count) {
  std::string text;
  event_grpc::append_json(text, event_grpc::page_openings(count));
  return text;
}

std::string graphy_event() {
  return R"({"event":"course.enrolled","learnerId":"6512fae1c2","email":"learner@example.com","name":"A Learner",)"
         R"("courseId":"creator-101","courseTitle":"How to grow","amount":1499.0,"currency":"INR","timestamp":1790000000000})";
}

bench::Result ingest(const bench::Options& options) {
  const int events = int(options.rows ? options.rows : 400'000);
  const int many = std::max(1, events / kMany / kClients);  // calls a client, a hundred events each
  const int single = std::max(1, events / 20 / kClients);   // calls a client, one event each
  const double many_events = double(many) * kClients * kMany, single_events = double(single) * kClients;
  IngestBench home;
  const std::string one = http_events(1), batch = http_events(kMany), hook = graphy_event();
  std::string lines;
  for (int i = 0; i < kMany; ++i) lines += http_events(1) + "\n";
  Way unary, stream, alone, plain, plain_alone, http_batch, http_lines, http_alone, webhook;
  std::vector<double> raw;
  const auto grpc = [&](uint16_t port, int calls, int events_a_call, bool streaming = false) {
    return event_grpc::run({.port = port,
                            .clients = kClients,
                            .calls_a_client = calls,
                            .events_a_call = events_a_call,
                            .streaming = streaming});
  };
  const auto http = [&](int calls, const std::string& path, const std::string& type, const std::string& body) {
    return run(
        HttpLoad{.port = home.http_port(), .calls_a_client = calls, .path = path, .content_type = type, .body = body});
  };
  const std::string json = "application/json", ndjson = "application/x-ndjson";
  for (int i = 0; i < options.runs; ++i) {
    unary.measure(many_events, [&] { return grpc(home.grpc_port(), many, kMany); });
    plain.measure(many_events / 4, [&] { return grpc(home.peer_port(), std::max(1, many / 4), kMany); });
    home.empty();
    stream.measure(many_events, [&] { return grpc(home.grpc_port(), many, kMany, true); });
    alone.measure(single_events, [&] { return grpc(home.grpc_port(), single, 1); });
    plain_alone.measure(single_events, [&] { return grpc(home.peer_port(), single, 1); });
    home.empty();
    http_batch.measure(many_events, [&] { return http(many, "/events", json, batch); });
    http_lines.measure(many_events, [&] { return http(many, "/events", ndjson, lines); });
    http_alone.measure(single_events, [&] { return http(single, "/events", json, one); });
    webhook.measure(single_events, [&] { return http(single, "/graphy/event", json, hook); });
    home.empty();
    raw.push_back(home.raw(many * kClients));
    home.empty();
    options.say(fmt::format("run {}: gRPC {:.0f}/s, plain {:.0f}/s, raw {:.0f}/s; HTTP {:.0f}/s", i + 1,
                            unary.rates.back(), plain.rates.back(), raw.back(), http_lines.rates.back()));
  }
  bench::Result result;
  result.value = unary.rate();
  result.unit = "events/s";
  result.peer = "the same gRPC server with each event a message of its own, answered when all are confirmed";
  result.peer_value = plain.rate();
  result.runs = options.runs;
  const std::string of_100 = fmt::format(", {} events a call", kMany);
  result.details = {{"clients, each with one call in work", std::to_string(kClients)},
                    {"gRPC dispatch" + of_100, unary.text()},
                    {"gRPC dispatchStream" + of_100, fmt::format("{:.0f} events/s", stream.rate())},
                    {"gRPC dispatch, one event a call", alone.text()},
                    {"peer" + of_100, plain.text()},
                    {"peer, one event a call", plain_alone.text()},
                    {"POST /events JSON" + of_100, http_batch.text()},
                    {"POST /events NDJSON" + of_100, http_lines.text()},
                    {"POST /events, one event a call", http_alone.text()},
                    {"webhook /graphy/event, one event a call", webhook.text()},
                    {"the same messages straight to the broker", fmt::format("{:.0f} events/s", bench::median(raw))}};
  return result;
}

}  // namespace

void register_ingest_bench(bench::Registry& registry) {
  registry.add("ingest", "gRPC, HTTP and webhooks to the broker's confirm: events/s and the time of a call", ingest);
}

}  // namespace dalgona
