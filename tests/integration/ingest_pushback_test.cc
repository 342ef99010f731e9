// Push-back: while the broker stands still nothing is dropped, memory is bounded, senders of every way in are told to
// come again, and what was answered as taken is in the queue afterwards, once.
#include <filesystem>
#include <functional>

#include <boost/json.hpp>
#include <eventservice.grpc.pb.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "base/amqp/body_coding.h"
#include "base/http/client.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/probe.h"
#include "dalgona/process.h"
#include "event_grpc/delivery.h"
#include "support/ingest_house.h"
#include "support/sanitized.h"

namespace dalgona::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr int kSenders = 12;         // of each way
constexpr size_t kPadding = 20'000;  // bytes of an event

// What became of the requests of all senders, by event id.
struct Ledger {
  std::mutex mutex;
  std::set<std::string> sent, taken;
  std::map<std::string, int> refusals;  // by way: told to come again
  std::map<std::string, int> answers;   // by way: taken
  std::vector<std::string> odd;         // answers that should not be

  void send(const std::string& id) {
    const std::scoped_lock lock(mutex);
    sent.insert(id);
  }
  void take(const std::string& way, const std::vector<std::string>& ids) {
    const std::scoped_lock lock(mutex);
    taken.insert(ids.begin(), ids.end());
    ++answers[way];
  }
  void refuse(const std::string& way) {
    const std::scoped_lock lock(mutex);
    ++refusals[way];
  }
  void wonder(const std::string& what) {
    const std::scoped_lock lock(mutex);
    odd.push_back(what);
  }
  int refused(const std::string& way) {
    const std::scoped_lock lock(mutex);
    return refusals[way];
  }
  size_t answered() {
    const std::scoped_lock lock(mutex);
    return taken.size();
  }
};

event::Events logout_events(const std::vector<std::string>& ids) {
  event::Events events;
  events.mutable_header()->set_deviceid("push-back");
  for (const auto& id : ids) {
    auto& e = *events.add_events();
    e.set_id(id);
    e.mutable_logoutevent()->set_reason(std::string(kPadding, 'x'));
  }
  return events;
}

std::string logout_json(const std::string& id) {
  return fmt::format(
      R"({{"header":{{"deviceId":"push-back"}},"events":[{{"id":"{}","logoutEvent":{{"reason":"{}"}}}}]}})", id,
      std::string(kPadding, 'x'));
}

class PushBack : public testing::Test {
 protected:
  // A buffer of 1 MiB, as long as some fifty of these events; queues of the test's own beside the streams'.
  PushBack()
      : house_({{"event_grpc.ingest_buffer", "1MiB"}, {"event_grpc.streams", "[activity_tracker]"}}),
        connection_({.url = house_.home().rabbitmq_url(), .name = "test"}) {
    queue_ = house_.home().unique_name("push_back_q");
    connection_.declare({.exchanges = {},
                         .queues = {{queue_, {{"x-queue-type", std::string("quorum")}}}},
                         .bindings = {{queue_, "grpc_event.tx", "LOGOUT"}, {queue_, "graphy_event.tx", "push_back"}}});
  }
  ~PushBack() override { connection_.remove_queue(queue_); }

  // Sends until told to stop, each way with `kSenders` senders.
  void start_senders() {
    for (int i = 0; i < kSenders; ++i)
      for (const char* way : {"unary", "stream", "json", "ndjson", "webhook"}) start_sender(way, i);
  }
  void start_sender(const std::string& way, int i) {
    threads_.emplace_back([this, way, i] {
      if (way == "unary")
        send_unary(i);
      else if (way == "stream")
        send_stream(i);
      else
        send_http(way, i);
    });
  }
  void stop_senders() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::string next_id(const char* way, int sender, int n) {
    auto id = fmt::format("{}-{}-{}", way, sender, n);
    ledger_.send(id);
    return id;
  }

  void send_unary(int sender) {
    const auto stub = house_.stub();
    for (int n = 0; !stop_; ++n) {
      const std::vector<std::string> ids{next_id("unary", sender, 2 * n), next_id("unary", sender, 2 * n + 1)};
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + seconds{60});
      event::Response response;
      const auto status = stub->dispatch(&context, logout_events(ids), &response);
      if (status.ok() && response.accepted() == 2)
        ledger_.take("unary", ids);
      else if (status.error_code() == grpc::RESOURCE_EXHAUSTED)
        come_again("unary");
      else
        ledger_.wonder("unary: " + status.error_message());
    }
  }

  void send_stream(int sender) {
    const auto stub = house_.stub();
    for (int n = 0; !stop_;) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + seconds{60});
      event::Response response;
      const auto writer = stub->dispatchStream(&context, &response);
      std::vector<std::string> ids;
      for (int i = 0; i < 10; ++i) {
        ids.push_back(next_id("stream", sender, n++));
        if (!writer->Write(logout_events({ids.back()}))) break;
      }
      writer->WritesDone();
      const auto status = writer->Finish();
      if (status.ok() && response.accepted() == int64_t(ids.size()))
        ledger_.take("stream", ids);
      else if (status.error_code() == grpc::RESOURCE_EXHAUSTED)
        come_again("stream");
      else
        ledger_.wonder("stream: " + status.error_message());
    }
  }

  void send_http(const std::string& way, int sender) {
    for (int n = 0; !stop_; ++n) {
      const auto id = next_id(way.c_str(), sender, n);
      http::ClientRequest request;
      request.method = "POST";
      request.url = house_.http_url() + (way == "webhook" ? "/graphy/event" : "/events");
      request.headers = {{"Content-Type", way == "ndjson" ? "application/x-ndjson" : "application/json"}};
      request.body = way == "webhook" ? fmt::format(R"({{"event":"push_back","id":"{}","more":"{}"}})", id,
                                                    std::string(kPadding, 'x'))
                                      : logout_json(id);
      request.timeout = seconds{60};
      try {
        const auto response = client_.send_blocking(std::move(request));
        if (response.status == 200)
          ledger_.take(way, {id});
        else if (response.status == 429 && response.headers.get_or("Retry-After", "") == "1")
          come_again(way);
        else
          ledger_.wonder(way + ": " + std::to_string(response.status) + " " + response.body);
      } catch (const Error& e) {
        ledger_.wonder(way + ": " + e.what());
      }
    }
  }

  // A sender that is told to come again does, but not at once.
  void come_again(const std::string& way) {
    ledger_.refuse(way);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }

  uint64_t resident() {
    const auto status = read_file(fmt::format("/proc/{}/status", house_.pid()));
    const auto at = status.find("VmRSS:");
    return std::strtoull(status.c_str() + at + 6, nullptr, 10) << 10;
  }

  // How often each event is in the queue.
  std::map<std::string, int> queued() {
    std::map<std::string, int> found;
    amqp::BodyDecoder decoder;
    while (auto delivery = connection_.get(queue_)) {
      decoder.decode(*delivery);
      event_grpc::for_each_event(delivery->body, event_grpc::is_ndjson(delivery->properties.content_type),
                                 [&](std::string_view text) {
                                   const auto event = boost::json::parse(text);
                                   ++found[std::string(event.at("id").as_string())];
                                 });
      connection_.ack(delivery->tag, false);
    }
    return found;
  }

  void expect_all_taken_are_queued_once() {
    const auto found = queued();
    size_t missing = 0, doubled = 0, strange = 0;
    for (const auto& id : ledger_.taken) missing += !found.contains(id);
    for (const auto& [id, count] : found) {
      doubled += count > 1;
      strange += !ledger_.sent.contains(id);
    }
    EXPECT_EQ(missing, 0u) << "of " << ledger_.taken.size();
    EXPECT_EQ(doubled, 0u);
    EXPECT_EQ(strange, 0u);
    for (const auto& what : ledger_.odd) ADD_FAILURE() << what;
    for (const char* way : {"unary", "stream", "json", "ndjson", "webhook"}) EXPECT_GT(ledger_.answers[way], 0) << way;
  }

  // What the broker took before it stood still is answered yet; then no more for a second.
  size_t settled_answers() {
    using Clock = std::chrono::steady_clock;
    size_t answered = ledger_.answered();
    auto since = Clock::now();
    for (const auto limit = since + seconds{30}; Clock::now() < std::min(limit, since + seconds{1});) {
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
      const size_t now = ledger_.answered();
      if (now != answered) since = Clock::now();
      answered = now;
    }
    return answered;
  }

  // Every way in tells somebody to come again, and nobody that his events were taken, for as long as it stands still.
  void expect_push_back(seconds still) {
    for (const char* way : {"unary", "json", "ndjson", "webhook"}) {
      const auto refused = [&] { return ledger_.refused(way) > 0; };
      // All of a way's senders may wait for events that were taken in before there was no more room: then a later one.
      for (int more = 0; more < kSenders; ++more) {
        if (probe::wait_until(
                refused, [] { return true; }, std::chrono::milliseconds{300}))
          break;
        start_sender(way, kSenders + more);
      }
      EXPECT_TRUE(refused()) << way;
    }
    const auto answered = settled_answers();
    const auto before = resident();
    std::this_thread::sleep_for(still);
    EXPECT_EQ(ledger_.answered(), answered);
    // Sixty senders of 20 to 40 KB each go on all the time; what is taken in stays what fits the buffer.
    if (kSanitized) return;
    EXPECT_LT(resident(), before + (16u << 20));
    EXPECT_LT(resident(), 256u << 20);
  }

  void expect_nothing_lost(const std::function<void()>& stand_still, const std::function<void()>& go_on) {
    start_senders();
    ASSERT_TRUE(probe::wait_until([&] { return ledger_.answered() > 500; }, [] { return true; }, seconds{60}));
    stand_still();
    // What was under way is confirmed within a moment.
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    expect_push_back(seconds{4});
    go_on();
    const auto answered = ledger_.answered();
    EXPECT_TRUE(
        probe::wait_until([&] { return ledger_.answered() > answered + 500; }, [] { return true; }, seconds{60}));
    stop_senders();
    expect_all_taken_are_queued_once();
  }

  // Calls "module, function, arguments" in the broker's own node, as its command line tools do, and says what it gave.
  std::string in_broker(const std::string& call) {
    Command command;
    const auto environment = read_file(fmt::format("/proc/{}/environ", house_.home().rabbitmq().pid()));
    for (const auto variable : split(environment, '\0'))
      if (const auto equals = variable.find('='); equals != variable.npos)
        command.environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
    command.argv = {"/usr/bin/erl",
                    "-noinput",
                    "-hidden",
                    "-sname",
                    house_.home().unique_name("tool") + "@localhost",
                    "-start_epmd",
                    "false",
                    "-eval",
                    "io:format(\"said ~p~n\", [rpc:call('dalgona@localhost', " + call + ")]), halt()."};
    command.log = fs::path(testing::TempDir()) / house_.home().unique_name("erl");
    run_to_end(command, seconds{30});
    const auto said = read_file(command.log);
    fs::remove(command.log);
    const auto at = said.rfind("said ");
    return at == said.npos ? said : std::string(trim(std::string_view(said).substr(at + 5)));
  }

  IngestHouse house_;
  amqp::Connection connection_;
  http::Client client_;
  std::string queue_;
  Ledger ledger_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST_F(PushBack, ABrokerThatStandsStillLosesAndDoublesNothing) {
  const pid_t broker = house_.home().rabbitmq().pid();
  expect_nothing_lost([&] { ASSERT_EQ(::kill(broker, SIGSTOP), 0); }, [&] { ASSERT_EQ(::kill(broker, SIGCONT), 0); });
}

// The broker goes on, and reads nothing more from whoever publishes.
TEST_F(PushBack, AnAlarmOfTheBrokersMemoryLosesAndDoublesNothing) {
  const std::string alarm = "{{resource_limit, memory, 'dalgona@localhost'}, []}";
  expect_nothing_lost(
      [&] { EXPECT_EQ(in_broker("rabbit_alarm, set_alarm, [" + alarm + "]"), "ok"); },
      [&] {
        EXPECT_EQ(in_broker("rabbit_alarm, clear_alarm, [{resource_limit, memory, 'dalgona@localhost'}]"), "ok");
      });
}

}  // namespace
}  // namespace dalgona::test
