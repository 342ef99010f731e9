#include "dalgona/bench_freshness.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "base/text.h"
#include "beat/credentials.h"
#include "dalgona/demo_crawl.h"
#include "dalgona/process.h"
#include "sandbox/dataset.h"
#include "sandbox/generator.h"
#include "sandbox/service.h"

namespace dalgona {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kPollers = 6;                  // series asked for at once; more would measure the askers
constexpr auto kResolution = milliseconds{10};  // resolution of the measurement
constexpr auto kTooLate = seconds{60};          // then the point counts as lost, and the bench fails

// A reply of the platform with many channels, of which one is followed to its point.
struct Sample {
  std::string channel, day;
  SteadyClock::time_point replied;
};

class Samples {
 public:
  void add(Sample sample) {
    const std::scoped_lock lock(mutex_);
    // Whoever is busy skips a sample, whether it would be fast or slow: the choice does not look at the latency.
    if (waiting_.size() < idle_) waiting_.push_back(std::move(sample));
    changed_.notify_one();
  }
  std::optional<Sample> take() {
    std::unique_lock lock(mutex_);
    ++idle_;
    changed_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return {};
    Sample sample = std::move(waiting_.front());
    waiting_.pop_front();
    return sample;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Sample> waiting_;
  size_t idle_ = 0;
  bool closed_ = false;
};

// Asks for the series of that one day until its point is there; seconds since the platform's reply.
double follow(http::Client& client, const std::string& api, const Sample& sample) {
  const std::string body =
      boost::json::serialize(boost::json::object{{"startDate", sample.day}, {"endDate", sample.day}});
  for (;;) {
    http::ClientRequest request;
    request.method = "POST";
    request.url = fmt::format("{}/discovery-service/api/profile/YOUTUBE/{}/timeseries", api, sample.channel);
    request.headers.set("Content-Type", "application/json");
    request.body = body;
    const http::ClientResponse reply = client.send_blocking(std::move(request));
    const auto now = SteadyClock::now();
    if (reply.status == 200) {
      const boost::json::value value = boost::json::parse(reply.body);
      for (const auto& point : value.at("data").as_array())
        if (point.at("date").as_string() == sample.day && !point.at("gap").as_bool())
          return std::chrono::duration<double>(now - sample.replied).count();
    } else if (reply.status != 404 && reply.status != 503) {  // 404: not known yet
      throw Permanent(fmt::format("{} answers {}: {}", api, reply.status, reply.body.substr(0, 200)));
    }
    if (now - sample.replied > kTooLate)
      throw Permanent(
          fmt::format("the point of {} on {} did not come within {} s", sample.channel, sample.day, kTooLate.count()));
    std::this_thread::sleep_for(kResolution);
  }
}

// A temporary home with `dalgona up`, ended and removed with this object.
class TemporaryHome {
 public:
  TemporaryHome() {
    std::string name = (fs::temp_directory_path() / "dalgona-freshness-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Permanent("no temporary folder");
    path = name;
  }
  ~TemporaryHome() {
    try {
      dalgona({"down"});
      fs::remove_all(path);
    } catch (const std::exception&) {  // its processes end with their supervisor all the same
    }
  }
  void dalgona(std::vector<std::string> arguments) const {
    Command command;
    command.argv = {self_path().string()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.argv.insert(command.argv.end(), {"--home", path.string()});
    command.environment = Config::process_environment();
    command.log = path / "bench.log";
    if (const int code = run_to_end(command, seconds{150}); code != 0)
      throw Permanent(fmt::format("dalgona {}: {}\n{}", arguments[0], describe_exit(code), last_lines(command.log, 5)));
  }
  fs::path path;
};

std::pair<sandbox::Population, std::string> choose_population() {
  const fs::path dataset = resource_root() / ".." / "shared" / "data" / "youtube-trending-us-2017.csv";
  if (fs::exists(dataset))
    return {sandbox::read_dataset_file(dataset, 2017).first, "replay of youtube-trending-us-2017.csv"};
  return {sandbox::generate({.first_day = sandbox::day_of(parse_time("2025-01-01"))}), "generated population"};
}

// All latencies of one crawl, in seconds.
std::vector<double> crawl_once(const bench::Options& options, std::string& load) {
  auto [population, name] = choose_population();
  load = name;
  Samples samples;
  sandbox::ServiceOptions service_options;
  const std::string key = "bench-" + random_hex(16);
  service_options.keys.push_back(key);
  service_options.limits = {1'000'000, 1'000};
  service_options.now = sandbox::midnight(population.first_day());
  sandbox::Service* sandbox = nullptr;
  service_options.on_reply = [&](const std::string& endpoint, const http::Request& request, int status) {
    // A call for one channel is made on the way to its videos and leaves no point.
    const std::string ids = request.query.get_or("id", "");
    if (endpoint != "channels" || status != 200 || ids.find(',') == std::string::npos) return;
    const auto all = split(ids, ',');
    const Time now = sandbox->clock().now();
    samples.add({std::string(all[std::hash<std::string>{}(ids) % all.size()]), to_date(now), SteadyClock::now()});
  };
  sandbox::Service service(std::move(population), {}, system_clock(), std::move(service_options));
  sandbox = &service;
  Runtime runtime(1, seconds{2});
  http::Server server(runtime, service.router(), {});
  server.start();
  std::thread serving([&] { runtime.run(false); });
  struct Stop {
    Runtime& runtime;
    std::thread& thread;
    ~Stop() {
      runtime.stop();
      thread.join();
    }
  } stop{runtime, serving};

  const TemporaryHome home;
  write_file(home.path / "dalgona.yaml",
             fmt::format("stir:\n  schedule: false\nsandbox:\n  port: {}\nbeat:\n  simulated_sources: "
                         "[\"youtube_data_api=http://127.0.0.1:{}\"]\n",
                         server.port(), server.port()));
  home.dalgona({"up", "--detach"});
  const Config config = Config::load({.home = home.path, .file = {}, .environment = Config::process_environment()});
  const std::string postgres_url = config.text("postgres.url");
  run_alone<void>([&](asio::io_context& context) -> Task<void> {
    postgres::Pool pool(context.get_executor(), {.url = postgres_url, .application_name = "dalgona bench"});
    beat::Credentials credentials(pool);
    co_await credentials.add("youtube_data_api", key, "bench");
  });

  const std::string api = fmt::format("http://127.0.0.1:{}", config.integer("coffee.port"));
  http::Client client;
  std::mutex mutex;
  std::vector<double> latencies;
  std::exception_ptr failure;
  std::vector<std::thread> pollers;
  for (size_t i = 0; i < kPollers; ++i)
    pollers.emplace_back([&] {
      try {
        while (const auto sample = samples.take()) {
          const double latency = follow(client, api, *sample);
          const std::scoped_lock lock(mutex);
          latencies.push_back(latency);
        }
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failure = std::current_exception();
      }
    });
  try {
    DemoProgress quiet(DemoProgress::Where::kNowhere);
    DemoCrawl crawl({.home = home.path, .config_file = {}, .fingerprint = "bench"}, config, quiet);
    crawl.crawl();
    crawl.wait_for_rows();
  } catch (...) {
    const std::scoped_lock lock(mutex);
    failure = std::current_exception();
  }
  samples.close();
  for (auto& poller : pollers) poller.join();
  if (failure) std::rethrow_exception(failure);
  if (latencies.empty()) throw Permanent("no point was followed");
  std::sort(latencies.begin(), latencies.end());
  options.say(fmt::format("{} points, median {:.3f} s, longest {:.3f} s", latencies.size(),
                          latencies[latencies.size() / 2], latencies.back()));
  return latencies;
}

bench::Result freshness(const bench::Options& options) {
  bench::Result result;
  std::vector<double> p50, p99, longest;
  size_t points = 0;
  std::string load;
  for (int run = 0; run < options.runs; ++run) {
    const auto latencies = crawl_once(options, load);
    points += latencies.size();
    p50.push_back(bench::quantile(latencies, 0.5));
    p99.push_back(bench::quantile(latencies, 0.99));
    longest.push_back(latencies.back());
  }
  result.value = bench::median(p99);
  result.unit = "s";
  result.lower_is_better = true;
  result.peer =
      "the original's claim: core metrics within 15 minutes (batches of up to 5 s, models every 15 minutes); not "
      "measured here";
  result.peer_value = 900;
  result.runs = options.runs;
  result.details = {
      {"load", load + ", crawled as by the demo, everything on this machine"},
      {"points followed", std::to_string(points)},
      {"median of a run", fmt::format("{:.3f} s", bench::median(p50))},
      {"p99 of a run", fmt::format("{:.3f} s", result.value)},
      {"longest of all runs", fmt::format("{:.3f} s", *std::max_element(longest.begin(), longest.end()))}};
  return result;
}

}  // namespace

void register_freshness_bench(bench::Registry& registry) {
  registry.add("freshness", "From a platform's reply to its point in the REST time series, under the demo's load: p99",
               freshness);
}

}  // namespace dalgona
