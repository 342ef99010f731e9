#include "dalgona/bench_sink.h"

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/amqp/body_coding.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/http/client.h"
#include "base/ids.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/bench_home.h"
#include "dalgona/bench_original_sink.h"
#include "events/catalogue.h"
#include "events/ddl.h"
#include "events/topology.h"

namespace dalgona {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr const char* kExchange = "beat.dx";
constexpr const char* kOurKey = "profile_log_events";
constexpr const char* kOurQueue = "profile_log_events_q";
constexpr const char* kPeersQueue = "bench_peer_q";
constexpr size_t kEventBytes = 400;
constexpr uint64_t kUnconfirmed = 256;        // messages without confirm
constexpr std::chrono::minutes kTooLong{20};  // for one run
constexpr std::chrono::milliseconds kAskAgain{100};

// What somebody may say of themselves, of so many bytes at most kEventBytes: words, which no compression makes nothing
// of. Some thousands are made beforehand, so that the publisher's time is the broker's and not theirs; within a message
// hardly one comes twice.
std::string_view bio(uint64_t number, size_t bytes) {
  static const std::vector<std::string> all = [] {
    constexpr std::array<std::string_view, 32> kWords{
        "travel",   "food",    "daily", "vlogs",   "and",      "music",  "from",    "Mumbai",
        "reviews",  "phones",  "with",  "honest",  "opinions", "every",  "Friday",  "cooking",
        "for",      "fitness", "coach", "streams", "beauty",   "tips",   "films",   "student",
        "business", "mail",    "below", "dance",   "stories",  "comedy", "cricket", "family"};
    std::vector<std::string> made(4096);
    uint64_t state = 1;
    for (auto& text : made)
      while (text.size() < kEventBytes) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        text += kWords[state >> 59];
        text += ' ';
      }
    return made;
  }();
  return std::string_view(all[number * 2654435761u % all.size()]).substr(0, bytes);
}

// An event of kEventBytes, all of one day: dates are not what is measured.
std::string event(uint64_t number) {
  const auto now = system_clock().now();
  std::string text = fmt::format(
      R"({{"event_id":"{}","source":"bench","platform":"YOUTUBE","profile_id":"UCbench{:017}","handle":"@creator{}",)"
      R"("event_timestamp":"{} 10:{:02}:{:02}","metrics":{{"followers":{},"following":7,"views":{},"uploads":{},"shares":5}},)"
      R"("dimensions":{{"title":"Creator {}","country":"IN","bio":")",
      make_uuid7(now).text(), number % 200'000, number % 200'000, to_date(now), number / 60 % 60, number % 60,
      1000 + number % 5000, 90'000 + number, 10 + number % 300, number % 200'000);
  constexpr std::string_view kEnd = "\"}}";
  if (text.size() + kEnd.size() < kEventBytes) text += bio(number, kEventBytes - kEnd.size() - text.size());
  return text += kEnd;
}

// Returns when the broker has confirmed all. `as_ours`: as our publishers send; else as the peer's, which knows plain
// bodies only.
void publish(const std::string& url, const std::string& key, uint64_t events, uint64_t events_a_message, bool as_ours) {
  amqp::Connection connection({.url = url, .name = "bench"});
  connection.enable_confirms();
  amqp::Message message;
  message.exchange = kExchange;
  message.routing_key = key;
  message.properties.content_type = events_a_message > 1 ? "application/x-ndjson" : "application/json";
  const auto settle = [&](uint64_t window) {
    while (connection.unconfirmed() > window) {
      const auto confirms = connection.wait_confirms(SteadyClock::now() + std::chrono::seconds{30});
      if (!confirms.failed.empty()) throw Permanent("the broker refuses: " + confirms.failed[0].second);
    }
  };
  for (uint64_t at = 0; at < events;) {
    message.body.clear();
    message.properties.content_encoding.clear();
    for (const uint64_t end = std::min(events, at + events_a_message); at < end; ++at) message.body += event(at) + "\n";
    if (as_ours && events_a_message > 1) amqp::compress(message);
    connection.publish(message);
    settle(kUnconfirmed);
  }
  settle(0);
}

// Processor seconds of a process so far, its threads' and the system's on its behalf.
double processor_seconds(pid_t pid) {
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid));
  // The name in brackets may contain anything; state is the first field behind it, utime and stime the 12th and 13th.
  const auto fields = split(std::string_view(stat).substr(stat.rfind(')') + 2), ' ');
  const auto ticks = [&](size_t at) { return std::strtod(std::string(fields.at(at)).c_str(), nullptr); };
  return (ticks(11) + ticks(12)) / double(::sysconf(_SC_CLK_TCK));
}

// The home with broker and tables, and a queue of the peer's beside ours.
class SinkBench {
 public:
  SinkBench() : home_("sink") {
    url_ = home_.start_rabbitmq().url();
    const auto catalogue = events::Catalogue::load(resource("config/streams"));
    for (const auto& sql : events::shared_ddl("")) home_.ask(sql);
    for (const auto& sql : events::stream_ddl(catalogue.stream("profile_log_events"), "")) home_.ask(sql);
    home_.ask("CREATE DATABASE original");
    home_.ask(OriginalSink::table_sql());
    auto topology = events::topology(catalogue.streams());
    topology.queues.push_back({kPeersQueue, {{"x-queue-type", std::string("quorum")}}});
    topology.bindings.push_back({kPeersQueue, kExchange, kPeersQueue});
    amqp::Connection connection({.url = url_, .name = "bench"});
    connection.declare(topology);
  }

  // Events a second until all are rows: from when the sink has its consumer, as the receiver's clock begins with its
  // own, with the backlog there; or from the publisher's start.
  double ours(uint64_t events, uint64_t events_a_message, bool beside) {
    const auto wanted = rows("events.profile_log") + double(events);
    if (!beside) publish(url_, kOurKey, events, events_a_message, true);
    settle();
    std::thread publisher;
    std::exception_ptr failed;
    if (beside) home_.start_sink();
    const double warehouse = processor_seconds(home_.warehouse_pid()), broker = processor_seconds(home_.rabbitmq_pid());
    const auto began = beside ? SteadyClock::now() : start_to_consume();
    if (beside) publisher = beside_us(events, events_a_message, kOurKey, failed);
    wait([&] { return durable(events) && rows("events.profile_log") >= wanted; }, publisher);
    const double took = std::chrono::duration<double>(SteadyClock::now() - began).count();
    if (failed) std::rethrow_exception(failed);
    memory_ = std::max(memory_, peak_memory(home_.sink_pid()));
    const double each = 1e6 / double(events);
    processor_ = fmt::format("sink {:.2f}, warehouse {:.2f}, broker {:.2f} us an event",
                             each * processor_seconds(home_.sink_pid()),
                             each * (processor_seconds(home_.warehouse_pid()) - warehouse),
                             each * (processor_seconds(home_.rabbitmq_pid()) - broker));
    home_.stop_sink();
    if (rows("events.profile_log") != wanted) throw Permanent("there are more rows than events");
    return double(events) / took;
  }

  double originals(uint64_t events, uint64_t events_a_message, bool beside) {
    const auto wanted = rows("original.profile_log_events") + double(events);
    if (!beside) publish(url_, kPeersQueue, events, events_a_message, false);
    settle();
    std::thread publisher;
    std::exception_ptr failed;
    const auto began = SteadyClock::now();
    OriginalSink sink(url_, kPeersQueue, home_.warehouse());
    if (beside) publisher = beside_us(events, events_a_message, kPeersQueue, failed);
    wait(
        [&] {
          sink.check();
          return rows("original.profile_log_events") >= wanted;
        },
        publisher);
    if (failed) std::rethrow_exception(failed);
    return double(events) / std::chrono::duration<double>(SteadyClock::now() - began).count();
  }

  // A consumer that only receives and acknowledges, a hundred at a time.
  double receiver(uint64_t events) {
    publish(url_, kPeersQueue, events, 1, false);
    settle();
    const double broker = processor_seconds(home_.rabbitmq_pid()), mine = processor_seconds(::getpid());
    const auto began = SteadyClock::now();
    amqp::Connection connection({.url = url_, .name = "bench receiver"});
    connection.consume(kPeersQueue, 2000);
    for (uint64_t n = 0; n < events;) {
      const auto delivery = connection.receive(SteadyClock::now() + std::chrono::seconds{30});
      if (!delivery) throw Permanent("the broker delivers nothing");
      if (++n % 100 == 0 || n == events) connection.ack(delivery->tag, true);
    }
    const double took = std::chrono::duration<double>(SteadyClock::now() - began).count();
    const double each = 1e6 / double(events);
    receivers_processor_ =
        fmt::format("receiver {:.2f}, broker {:.2f} us an event", each * (processor_seconds(::getpid()) - mine),
                    each * (processor_seconds(home_.rabbitmq_pid()) - broker));
    return double(events) / took;
  }

  // Of the last run of ours: the figure that other programs on the machine disturb least.
  const std::string& processor() const { return processor_; }
  const std::string& receivers_processor() const { return receivers_processor_; }
  // Of the sink's process, bytes at most.
  uint64_t memory() const { return memory_; }

 private:
  // When the broker knew of the sink's consumer. A role's start is some tenths of a second, of which a rate says
  // nothing.
  SteadyClock::time_point start_to_consume() {
    constexpr std::chrono::milliseconds kLook{2};
    amqp::Connection watch({.url = url_, .name = "bench"});
    auto started = std::async(std::launch::async, [this] { home_.start_sink(); });
    const auto until = SteadyClock::now() + kTooLong;
    while (watch.counts(kOurQueue).consumers == 0) {
      if (SteadyClock::now() > until) throw Permanent("the sink does not consume");
      if (started.valid() && started.wait_for(kLook * 0) == std::future_status::ready)
        started.get();  // may have failed
      std::this_thread::sleep_for(kLook);
    }
    const auto began = SteadyClock::now();
    if (started.valid()) started.get();
    return began;
  }

  // What one way leaves to merge, and the broker to move from its log into its segments, must not weigh on the next.
  void settle() {
    constexpr double kIdle = 0.03;  // of a processor
    const auto used = [&] {
      return processor_seconds(home_.warehouse_pid()) + processor_seconds(home_.rabbitmq_pid());
    };
    const auto until = SteadyClock::now() + kTooLong;
    for (int still = 0; still < 5;) {
      if (SteadyClock::now() > until) throw Permanent("warehouse and broker do not come to rest");
      const double before = used();
      const auto began = SteadyClock::now();
      std::this_thread::sleep_for(2 * kAskAgain);
      const double share = (used() - before) / std::chrono::duration<double>(SteadyClock::now() - began).count();
      still = share < kIdle && home_.number("SELECT count() FROM system.merges") == 0 ? still + 1 : 0;
    }
  }

  // Whether the sink says that it has made so many events durable. The count of rows costs the warehouse 3 ms, a
  // thirtieth of a processor if it were asked for all the time, which would be ours alone.
  bool durable(uint64_t events) {
    http::ClientRequest ask;
    ask.url = fmt::format("http://127.0.0.1:{}/metrics", home_.http_port());
    const auto answer = http_.send_blocking(std::move(ask));
    constexpr std::string_view kName = "\ndalgona_event_grpc_events_total{stream=\"profile_log_events\"} ";
    const auto at = answer.body.find(kName);
    return at != answer.body.npos && std::strtod(answer.body.c_str() + at + kName.size(), nullptr) >= double(events);
  }

  double rows(const std::string& table) { return home_.number("SELECT count() FROM " + table); }

  std::thread beside_us(uint64_t events, uint64_t events_a_message, const char* key, std::exception_ptr& failed) {
    return std::thread([this, events, events_a_message, key, &failed] {
      try {
        publish(url_, key, events, events_a_message, key == kOurKey);
      } catch (...) {
        failed = std::current_exception();
      }
    });
  }

  static void wait(const std::function<bool()>& done, std::thread& publisher) {
    std::exception_ptr failed;
    try {
      for (const auto until = SteadyClock::now() + kTooLong; !done(); std::this_thread::sleep_for(kAskAgain))
        if (SteadyClock::now() > until) throw Permanent("not all events have become rows");
    } catch (...) {
      failed = std::current_exception();
    }
    if (publisher.joinable()) publisher.join();
    if (failed) std::rethrow_exception(failed);
  }

  static uint64_t peak_memory(pid_t pid) {
    const std::string status = read_file(fmt::format("/proc/{}/status", pid));
    for (const auto line : split(status, '\n'))
      if (line.starts_with("VmHWM:")) return std::strtoull(std::string(line.substr(6)).c_str(), nullptr, 10) << 10;
    return 0;
  }

  BenchHome home_;
  http::Client http_;
  std::string url_;
  uint64_t memory_ = 0;
  std::string processor_, receivers_processor_;
};

bench::Result sink(const bench::Options& options) {
  constexpr uint64_t kMany = 100;  // events a message
  // Enough that its last batch, which waits for company, weighs little.
  const uint64_t events = options.rows ? options.rows : 5'000'000;
  // The peer is so much slower that a tenth is enough for its rate.
  const uint64_t fewer = std::max<uint64_t>(events / 10, std::min<uint64_t>(events, 20'000));
  SinkBench home;
  std::vector<double> drained, beside, theirs, theirs_beside;
  for (int run = 0; run < options.runs; ++run) {
    drained.push_back(home.ours(events, kMany, false));
    const std::string processor = home.processor();
    theirs.push_back(home.originals(fewer, kMany, false));
    beside.push_back(home.ours(events, kMany, true));
    theirs_beside.push_back(home.originals(fewer, kMany, true));
    options.say(fmt::format("run {}: backlog {:.0f}/s, original {:.0f}/s; publisher beside {:.0f}/s, original {:.0f}/s",
                            run + 1, drained.back(), theirs.back(), beside.back(), theirs_beside.back()));
    options.say("processor time, backlog: " + processor + "; publisher beside: " + home.processor());
  }
  bench::Result result;
  result.value = bench::median(drained);
  result.unit = "events/s";
  result.peer =
      "the original's way: a channel of 10,000, 1,000 rows a JSONEachRow insert or 5 s, acknowledged when buffered";
  result.peer_value = bench::median(theirs);
  result.runs = options.runs;
  result.details = {
      {"events a run, bytes each, a message", fmt::format("{}, {}, {}", events, kEventBytes, kMany)},
      {"of the original", std::to_string(fewer)},
      {"backlog drained", fmt::format("{:.0f} events/s", result.value)},
      {"with the publisher beside", fmt::format("{:.0f} events/s", bench::median(beside))},
      {"the original with the publisher beside", fmt::format("{:.0f} events/s", bench::median(theirs_beside))},
      {"memory of the sink at most", fmt::format("{:.0f} MB", double(home.memory()) / 1e6)}};
  return result;
}

bench::Result sink_single(const bench::Options& options) {
  // Half a minute of draining. A start and a last insert take half a second between them, which of a million is a
  // twentieth; and how many parts are merged within the time differs by one merge of two dozen from run to run.
  const uint64_t events = options.rows ? options.rows : 3'000'000;
  SinkBench home;
  const auto told = [&](const char* whose, double rate, const std::string& processor) {
    options.say(fmt::format("{}: {:.0f}/s, processor time: {}", whose, rate, processor));
    return rate;
  };
  const auto pair = bench::alternate(
      options.runs,
      [&] {
        const double rate = home.ours(events, 1, false);
        return told("ours", rate, home.processor());
      },
      [&] {
        const double rate = home.receiver(events);
        return told("receiver", rate, home.receivers_processor());
      });
  bench::Result result;
  result.value = pair.ours;
  result.unit = "events/s";
  result.peer = "a consumer that only receives and acknowledges";
  result.peer_value = pair.peers;
  result.runs = options.runs;
  result.details = {{"events a run, bytes each", fmt::format("{}, {}", events, kEventBytes)},
                    {"memory of the sink at most", fmt::format("{:.0f} MB", double(home.memory()) / 1e6)}};
  return result;
}

}  // namespace

void register_sink_benches(bench::Registry& registry) {
  registry.add("sink", "RabbitMQ to durable rows, 100 events a message: a backlog, and with the publisher beside",
               sink);
  registry.add("sink-single", "RabbitMQ to durable rows, one event a message", sink_single);
}

}  // namespace dalgona
