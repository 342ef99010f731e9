// `dalgona demo` end to end: every figure that the REST API answers is compared by demo_check.py, a program in another
// language that reads the dataset and the API and nothing else. Exit code 0 means that all of them agree.
#include <csignal>
#include <cstdlib>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/config.h"
#include "base/http/client.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "dalgona/probe.h"
#include "dalgona/process.h"
#include "support/test_home.h"

namespace dalgona::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

fs::path source() {
  const char* given = std::getenv("DALGONA_SOURCE");
  return given ? fs::path(given) : resource_root();
}

// A dataset of ../shared/data; nothing when it is not there.
std::optional<fs::path> dataset(const std::string& name) {
  const fs::path file = source() / ".." / "shared" / "data" / name;
  return fs::exists(file) ? std::optional(fs::weakly_canonical(file)) : std::nullopt;
}

// A demo in a home of its own, ended and removed with this object.
class DemoRun {
 public:
  DemoRun() {
    std::string name = (fs::temp_directory_path() / "dalgona-demo-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Permanent("mkdtemp");
    outer_ = name;
    home = outer_ / "home";
  }
  ~DemoRun() {
    try {
      process_.stop(seconds{60});
      end_processes_of_home(home, seconds{20});
      fs::remove_all(outer_);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }

  void start(std::vector<std::string> arguments, const std::string& config = {}) {
    Command command;
    command.argv = {dalgona_binary().string(), "demo", "--home", home.string()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    if (!config.empty()) {
      write_file(outer_ / "config.yaml", config);
      command.argv.insert(command.argv.end(), {"--config", (outer_ / "config.yaml").string()});
    }
    command.environment = Config::process_environment();
    command.log = log_ = outer_ / fmt::format("said-{}", ++counter_);
    process_ = Process(command);
  }
  // Its exit code; nothing after `limit`.
  std::optional<int> wait(milliseconds limit = seconds{300}) { return process_.wait(limit); }
  void signal(int number) { process_.signal(number); }
  bool running() { return process_.running(); }
  std::string said() const { return fs::exists(log_) ? read_file(log_) : ""; }
  bool wait_for(const std::string& words, milliseconds limit = seconds{200}) {
    return probe::wait_until([&] { return said().find(words) != std::string::npos; }, [this] { return running(); },
                             limit);
  }

  std::pair<int, std::string> run(std::vector<std::string> argv, milliseconds limit = seconds{120},
                                  const std::map<std::string, std::string>& environment = {},
                                  const std::string& input = {}) {
    Command command;
    command.argv = std::move(argv);
    command.environment = Config::process_environment();
    for (const auto& [name, value] : environment) command.environment[name] = value;
    command.folder = source();
    command.input = input;
    command.log = outer_ / fmt::format("run-{}", ++counter_);
    const int code = run_to_end(command, limit);
    return {code, read_file(command.log)};
  }

  // Of a part that runs; 0 while it does not.
  pid_t pid_of(const std::string& name) {
    const auto [code, text] = run({dalgona_binary().string(), "status", "--json", "--home", home.string()});
    boost::system::error_code failed;
    const boost::json::value status = boost::json::parse(text, failed);
    if (failed) return 0;
    for (const auto& part : status.at("parts").as_array())
      if (part.at("name").as_string() == name && part.at("pid").is_int64()) return pid_t(part.at("pid").as_int64());
    return 0;
  }

  Config config() const {
    return Config::load({.home = home, .file = {}, .environment = Config::process_environment()});
  }
  std::string url(const std::string& section) const {
    return fmt::format("http://127.0.0.1:{}", config().integer(section + ".port"));
  }
  std::string query(const std::string& sql) {
    const std::string address = config().text("postgres.url");
    return run_alone<std::string>([&](asio::io_context& context) -> Task<std::string> {
      postgres::Pool pool(context.get_executor(), {.url = address, .application_name = "test"});
      const auto result = co_await pool.query(sql);
      co_return result.rows() ? std::string(result.text(0, 0)) : "";
    });
  }

  fs::path home;

 private:
  fs::path outer_, log_;
  Process process_;
  int counter_ = 0;
};

void expect_agreement(DemoRun& demo) {
  const auto code = demo.wait();
  ASSERT_TRUE(code) << demo.said();
  EXPECT_EQ(*code, 0) << demo.said();
  EXPECT_NE(demo.said().find("all comparisons agree"), std::string::npos) << demo.said();
  EXPECT_TRUE(processes_of_home(demo.home).empty());
}

TEST(Demo, AGeneratedPopulationIsCheckedAndRunAgainGoesOn) {
  DemoRun demo;
  demo.start({"--check"});
  expect_agreement(demo);
  // Killed in the middle and run again is tested below; run again after its end, nothing is crawled twice.
  demo.start({"--check"});
  expect_agreement(demo);
  EXPECT_NE(demo.said().find("40 days were done by an earlier run"), std::string::npos) << demo.said();
}

TEST(Demo, ADatasetIsChecked) {
  const auto file = dataset("youtube-trending-us-2017.csv");
  if (!file) GTEST_SKIP() << "skipped: ../shared/data/youtube-trending-us-2017.csv is not there";
  DemoRun demo;
  demo.start({"--check", "--dataset", file->string()});
  expect_agreement(demo);
  EXPECT_NE(demo.said().find("2365 videos of 1230 channels"), std::string::npos) << demo.said();
}

// Another country, dates written another way, doubled days, no channels, ids that a spreadsheet has spoilt.
TEST(Demo, ADatasetOfOtherColumnsIsChecked) {
  const auto file = dataset("youtube-trending-in-2018.csv");
  if (!file) GTEST_SKIP() << "skipped: ../shared/data/youtube-trending-in-2018.csv is not there";
  DemoRun demo;
  demo.start({"--check", "--dataset", file->string(), "--year", "2018"});
  expect_agreement(demo);
}

TEST(Demo, DamagedRowsAndMissingDaysCostNothingElse) {
  DemoRun demo;
  fs::create_directories(demo.home.parent_path());
  const fs::path file = demo.home.parent_path() / "small.csv";
  std::string rows =
      "video_id,title,channel_title,category_id,tags,views,likes,dislikes,comment_total,thumbnail_link,date\n";
  for (const int day : {1, 2, 5, 9})
    for (int video = 0; video < 30; ++video)
      rows += fmt::format(
          "video{:06},\"Title \"\"{}\"\", \\\\ and\nanother line\",Channel {} "
          "\xE2\x98\x95,{},\"a|\"\"b\"\"\",{},{},3,{},,{:02}.10\n",
          video, video, video % 7, 10 + video % 5, 1000 * day * (video + 1), 10 * day + video, day, day);
  rows += "video000001,doubled,Channel 1 \xE2\x98\x95,10,,777777,70,3,7,,09.10\n";
  rows += "too,few,cells\nvideo000002,no number,Channel 2 \xE2\x98\x95,10,,many,70,3,7,,09.10\n";
  rows += "video000003,no such day,Channel 3 \xE2\x98\x95,10,,5,5,3,7,,31.02\n";
  write_file(file, rows);
  demo.start({"--check", "--dataset", file.string(), "--year", "2019"});
  expect_agreement(demo);
}

TEST(Demo, FinishesWithTheSameNumbersWhenEachPartIsKilled) {
  DemoRun demo;
  demo.start({"--check"});
  ASSERT_TRUE(demo.wait_for("everything answers")) << demo.said();
  for (const char* part :
       {"rabbitmq", "warehouse", "postgres", "event-grpc", "beat", "sandbox", "rabbitmq", "warehouse", "postgres"}) {
    pid_t pid = 0;
    ASSERT_TRUE(
        probe::wait_until([&] { return (pid = demo.pid_of(part)) > 0; }, [&] { return demo.running(); }, seconds{60}))
        << part << "\n"
        << demo.said();
    EXPECT_EQ(::kill(pid, SIGKILL), 0) << part;
    std::this_thread::sleep_for(milliseconds{700});  // far enough for work to be in flight again, not for all to mend
  }
  EXPECT_EQ(demo.said().find("\nmodels  "), std::string::npos) << "the crawl was over before the last part was killed";
  // And once more while the models are made.
  while (demo.running() && demo.said().find("all comparisons") == std::string::npos) {
    if (fs::exists(demo.home / "logs" / "demo-models.log")) {
      const pid_t pid = demo.pid_of("warehouse");
      if (pid <= 0) continue;  // 0 would be our own process group
      EXPECT_EQ(::kill(pid, SIGKILL), 0);
      break;
    }
    std::this_thread::sleep_for(milliseconds{5});
  }
  expect_agreement(demo);
}

TEST(Demo, KilledAltogetherAndRunAgainItFinishes) {
  DemoRun demo;
  demo.start({"--check"});
  ASSERT_TRUE(demo.wait_for("crawl ")) << demo.said();
  demo.signal(SIGKILL);
  demo.wait(seconds{5});
  demo.start({"--check"});
  expect_agreement(demo);
}

TEST(Demo, FinishesOnAPlatformThatFails) {
  DemoRun demo;
  demo.start({"--check"},
             "sandbox:\n"
             "  days: 20\n"
             "  faults: '{\"seed\": 7, \"rules\": [{\"endpoint\": \"*\", \"reset\": 0.05, \"truncate\": 0.05, "
             "\"error_500\": 0.03, \"error_503\": 0.05, \"error_429\": 0.02, \"latency_ms\": 5, \"distribution\": "
             "\"exponential\"}]}'\n"
             "beat:\n"
             "  simulated_quota_recheck: 200ms\n"  // and of a key that was throttled
             "  retry_first: 100ms\n"
             "  retry_cap: 1s\n");
  expect_agreement(demo);
}

// Without quota tasks wait, with the reason in their rows, and go on when there is a key that has some. Malformed
// events that come meanwhile are parked with their reasons, can be counted, and change no figure.
TEST(Demo, WaitsForQuotaParksMalformedEventsAndLosesNoTask) {
  DemoRun demo;
  demo.start({"--check"}, "sandbox:\n  quota_per_day: 12\n");
  ASSERT_TRUE(demo.wait_for("everything answers")) << demo.said();
  const auto waiting = [&] {
    return demo.query("SELECT reason FROM beat.scrape_request_log WHERE waiting_for = 'youtube_data_api' LIMIT 1");
  };
  ASSERT_TRUE(probe::wait_until([&] { return !waiting().empty(); }, [&] { return demo.running(); }, seconds{60}))
      << demo.said();
  const std::string reason = waiting();
  EXPECT_NE(reason.find("quota"), std::string::npos) << reason;
  EXPECT_EQ(demo.query("SELECT count(*) FROM beat.scrape_request_log WHERE status = 'FAILED'"), "0");

  {
    amqp::Publisher publisher({.url = demo.config().text("rabbitmq.url"), .name = "malformed events"});
    const auto event = [](const char* key, std::string body) {
      return amqp::Message{.exchange = "beat.dx", .routing_key = key, .body = std::move(body), .properties = {}};
    };
    const std::string head = R"({"event_id":"01890a5d-ac96-774b-bcce-00000000000)",
                      tail = R"(","source":"s","platform":"YOUTUBE","event_timestamp":"2017-09-14 00:00:00",)";
    publisher.publish_blocking({event("post_log_events", "no JSON at all"),
                                event("post_log_events", head + "1" + tail + R"("profile_id":"p","shortcode":"v",)" +
                                                             R"("metrics":[{"key":"views","value":"many"}]})"),
                                event("profile_log_events", head + "2" + tail + R"("metrics":[]})")});
  }
  std::map<std::string, int> parked;
  EXPECT_TRUE(probe::wait_until(
      [&] {
        const auto [code, said] = demo.run(
            {dalgona_binary().string(), "event-grpc", "parked", "list", "--json", "--home", demo.home.string()});
        boost::system::error_code failed;
        const boost::json::value rows = boost::json::parse(said, failed);
        if (code != 0 || failed) return false;
        parked.clear();
        for (const auto& row : rows.as_array()) {
          EXPECT_NE(row.at("reason").as_string(), "");
          ++parked[std::string(row.at("stream").as_string()) + " " + std::string(row.at("field").as_string())];
        }
        return parked.size() >= 3;
      },
      [&] { return demo.running(); }, seconds{60}));
  EXPECT_EQ(parked,
            (std::map<std::string, int>{
                {"post_log_events ", 1}, {"post_log_events metrics.views", 1}, {"profile_log_events profile_id", 1}}));

  http::Client client;
  http::ClientRequest request;
  request.method = "POST";
  request.url = demo.url("sandbox") + "/sandbox/v1/keys";
  request.body = R"({"key": "a-key-with-quota", "quota_per_day": 1000000})";
  ASSERT_EQ(client.send_blocking(std::move(request)).status, 200);
  const auto [code, said] = demo.run({dalgona_binary().string(), "beat", "credential", "add", "--source",
                                      "youtube_data_api", "--home", demo.home.string()},
                                     seconds{30}, {}, "a-key-with-quota\n");
  EXPECT_EQ(code, 0) << said;
  expect_agreement(demo);
}

// It stays up until it is told to stop; the check sees a wrong figure; the pages work on it.
TEST(Demo, StaysUpServesThePagesAndTheCheckSeesAWrongFigure) {
  DemoRun demo;
  demo.start({});
  ASSERT_TRUE(demo.wait_for("It stays up")) << demo.said();
  const auto [status, shown] = demo.run({dalgona_binary().string(), "status", "--home", demo.home.string()});
  EXPECT_EQ(status, 0) << shown;

  // One comma moved in the truth: the check must fail, loudly and with its own exit code.
  const fs::path truth = demo.home / "run" / "truth.csv";
  ASSERT_EQ(
      demo.run({dalgona_binary().string(), "sandbox", "export", "--home", demo.home.string(), "--out", truth.string()})
          .first,
      0);
  const std::vector<std::string> check{
      "/usr/bin/python3", (source() / "tests/e2e/demo_check.py").string(), "--dataset", truth.string(), "--api",
      demo.url("coffee")};
  const auto [right, agreed] = demo.run(check);
  EXPECT_EQ(right, 0) << agreed;
  std::string text = read_file(truth);
  const size_t last_line = text.rfind('\n', text.size() - 2) + 1;
  text += text.substr(last_line).replace(0, 11, "aaaaaaaaaaa");
  const size_t charted = text.rfind(",0,UC");
  if (charted != std::string::npos && charted > last_line) text.replace(charted, 5, ",1,UC");
  write_file(truth, text);
  const auto [wrong, differs] = demo.run(check);
  EXPECT_EQ(wrong, 3) << differs;
  EXPECT_NE(differs.find("WRONG number of post logs"), std::string::npos) << differs;

  std::vector<std::string> pages;
  for (const auto& entry : fs::directory_iterator(source() / "tests/web"))
    if (entry.path().string().ends_with(".test.mjs")) pages.push_back(entry.path().string());
  if (!pages.empty() && fs::exists(source() / "web/dist/index.html")) {
    std::sort(pages.begin(), pages.end());
    pages.insert(pages.begin(), {"/usr/bin/env", "node", "--test"});
    const auto [seen, report] = demo.run(pages, seconds{300}, {{"DALGONA_API", demo.url("coffee")}});
    EXPECT_EQ(seen, 0) << report;
  } else {
    std::cout << "pages: skipped, they are not built\n";
  }

  demo.signal(SIGTERM);
  EXPECT_EQ(demo.wait(seconds{60}), std::optional<int>(0)) << demo.said();
  EXPECT_TRUE(processes_of_home(demo.home).empty());
}

TEST(Demo, RefusesAHomeThatHoldsSomethingElse) {
  DemoRun demo;
  demo.start({}, "sandbox:\n  days: 3\n");
  ASSERT_TRUE(demo.wait_for("It stays up")) << demo.said();
  demo.signal(SIGINT);
  ASSERT_EQ(demo.wait(seconds{60}), std::optional<int>(0)) << demo.said();
  demo.start({}, "sandbox:\n  days: 4\n");
  EXPECT_EQ(demo.wait(seconds{60}), std::optional<int>(2)) << demo.said();
  EXPECT_NE(demo.said().find("holds the demo of another dataset"), std::string::npos) << demo.said();
}

}  // namespace
}  // namespace dalgona::test
