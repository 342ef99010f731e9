#include "event_grpc/status_cli.h"

#include <charconv>
#include <cmath>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/cli.h"
#include "base/errors.h"
#include "base/http/client.h"
#include "base/resources.h"
#include "base/text.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

namespace {

using SteadyClock = std::chrono::steady_clock;
using Samples = std::map<std::string, std::map<std::string, double>>;

struct StatusArguments {
  std::shared_ptr<cli::Common> common;
  std::string url;
  bool once = false;
};

struct Line {
  std::string stream = {}, target = {};
  double events = 0, rate = 0, lag = 0, batch = 0, retries = 0, parked = 0, duplicates = 0, connected = 0;
  std::optional<uint64_t> queued = {};
};

double value(const Samples& samples, const char* name, const std::string& stream) {
  const auto metric = samples.find(name);
  if (metric == samples.end()) return 0;
  const auto at = metric->second.find(stream);
  return at == metric->second.end() ? 0 : at->second;
}

std::vector<Line> lines_of(const events::Catalogue& catalogue, const Samples& before, const Samples& now,
                           double seconds) {
  std::vector<Line> lines;
  for (const auto& s : catalogue.streams()) {
    const auto of = [&](const char* name) { return value(now, name, s.name); };
    Line line{.stream = s.name, .target = std::string(events::name_of(s.target.kind))};
    line.events = of("dalgona_event_grpc_events_total");
    line.rate = seconds > 0
                    ? std::max(0.0, line.events - value(before, "dalgona_event_grpc_events_total", s.name)) / seconds
                    : 0;
    line.lag = of("dalgona_event_grpc_lag_seconds");
    const auto batches = of("dalgona_event_grpc_batch_events_count");
    line.batch = batches > 0 ? of("dalgona_event_grpc_batch_events_sum") / batches : 0;
    line.retries = of("dalgona_event_grpc_retries_total");
    line.parked = of("dalgona_event_grpc_parked_total");
    line.duplicates = of("dalgona_event_grpc_duplicates_total");
    line.connected = of("dalgona_event_grpc_connected");
    lines.push_back(std::move(line));
  }
  return lines;
}

void print_json(const std::vector<Line>& lines) {
  boost::json::array all;
  for (const auto& l : lines) {
    boost::json::object one{{"stream", l.stream},       {"target", l.target},  {"events", l.events},
                            {"ratePerSecond", l.rate},  {"lagSeconds", l.lag}, {"batchEvents", l.batch},
                            {"retries", l.retries},     {"parked", l.parked},  {"duplicates", l.duplicates},
                            {"connected", l.connected}, {"queued", nullptr}};
    if (l.queued) one["queued"] = *l.queued;
    all.push_back(one);
  }
  std::cout << boost::json::serialize(all) << "\n";
}

void print_table(const std::vector<Line>& lines) {
  std::string text =
      fmt::format("{:<32} {:<9} {:>12} {:>9} {:>9} {:>8} {:>9} {:>8} {:>8} {:>10} {:>5}\n", "STREAM", "TARGET",
                  "EVENTS", "RATE/S", "QUEUED", "LAG S", "BATCH", "RETRIES", "PARKED", "DUPLICATES", "CONN");
  for (const auto& l : lines)
    text +=
        fmt::format("{:<32} {:<9} {:>12.0f} {:>9.0f} {:>9} {:>8.2f} {:>9.0f} {:>8.0f} {:>8.0f} {:>10.0f} {:>5.0f}\n",
                    l.stream, l.target, l.events, l.rate, l.queued ? std::to_string(*l.queued) : "-", l.lag, l.batch,
                    l.retries, l.parked, l.duplicates, l.connected);
  std::cout << text << std::flush;
}

void run(const StatusArguments& a) {
  const auto config = a.common->load();
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  auto url = a.url;
  std::string certificate;
  if (url.empty()) {
    if (config.integer("event_grpc.port") == 0)
      throw InvalidInput("event_grpc.port is not known: is `dalgona up` running? Else give --url");
    certificate = config.text("event_grpc.tls_certificate");
    url = fmt::format("{}://127.0.0.1:{}", certificate.empty() ? "http" : "https", config.integer("event_grpc.port"));
  }
  http::Client http;
  const auto samples = [&] {
    http::ClientRequest request;
    request.url = url + "/metrics";
    request.ca_file = certificate;
    request.verify_host = certificate.empty();
    request.timeout = std::chrono::seconds(10);
    const auto response = http.send_blocking(std::move(request));
    if (response.status != 200) throw Retryable(fmt::format("{}/metrics answers {}", url, response.status));
    return samples_by(response.body, "stream");
  };
  std::optional<amqp::Connection> broker;
  const auto add_queued = [&](std::vector<Line>& lines) {
    try {
      if (!broker)
        broker.emplace(amqp::Connection::Options{.url = config.text("rabbitmq.url"), .name = "event-grpc status"});
      for (auto& line : lines) line.queued = broker->counts(catalogue.stream(line.stream).queue).messages;
    } catch (const Error&) {  // shown as unknown
      broker.reset();
    }
  };
  const bool live = !a.once && !a.common->json;
  auto before = samples();
  for (auto then = SteadyClock::now();;) {
    std::this_thread::sleep_until(then + std::chrono::seconds(1));
    const auto now = samples();
    const auto time = SteadyClock::now();
    auto lines = lines_of(catalogue, before, now, std::chrono::duration<double>(time - then).count());
    if (!config.text("rabbitmq.url").empty()) add_queued(lines);
    if (live && ::isatty(STDOUT_FILENO)) std::cout << "\x1b[H\x1b[2J";
    a.common->json ? print_json(lines) : print_table(lines);
    if (!live) return;
    before = now;
    then = time;
  }
}

}  // namespace

Samples samples_by(std::string_view text, std::string_view label) {
  Samples all;
  const auto wanted = std::string(label) + "=\"";
  for (const auto line : split(text, '\n')) {
    const auto open = line.find('{'), close = line.rfind('}');
    if (line.starts_with('#') || open == line.npos || close == line.npos || close < open) continue;
    const auto labels = line.substr(open + 1, close - open - 1);
    const auto at = labels.find(wanted);
    if (at == labels.npos || (at > 0 && labels[at - 1] != ',')) continue;
    const auto rest = labels.substr(at + wanted.size());
    const auto number = trim(line.substr(close + 1));
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || !std::isfinite(value)) continue;
    all[std::string(line.substr(0, open))][std::string(rest.substr(0, rest.find('"')))] = value;
  }
  return all;
}

void register_status_of_streams(CLI::App& event_grpc) {
  auto* command = event_grpc.add_subcommand("status", "What each stream does, once a second");
  auto a = std::make_shared<StatusArguments>();
  a->common = cli::common_options(*command, true);
  command->add_option("--url", a->url, "Of the role's HTTP port; that of this home, unless given");
  command->add_flag("--once", a->once, "One table, no more");
  command->callback([a] { run(*a); });
}

}  // namespace dalgona::event_grpc
