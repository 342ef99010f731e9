// `dalgona warehouse` under load and bad luck: long results and inserts, clients that leave, limits, kill -9.
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/resources.h"
#include "base/text.h"
#include "dalgona/probe.h"
#include "support/test_home.h"
#include "support/warehouse_http.h"

namespace dalgona::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Resident memory that belongs to the process alone, in KiB.
int64_t anonymous_memory(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8));
  return -1;
}

// In KiB: executable memory that is no file's, and how much of it lies in huge pages.
std::pair<int64_t, int64_t> code_of_no_file(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/smaps", pid));
  std::string line;
  bool wanted = false;
  int64_t size = 0, huge = 0;
  while (std::getline(file, line)) {
    // "7f84c0800000-7f84d8a00000 r-xp 00000000 00:00 0" begins a mapping; what lines of it follow name their value.
    if (const auto fields = split(line, ' '); fields.size() >= 5 && fields[0].find('-') != std::string_view::npos)
      wanted = fields[1] == "r-xp" && fields[4] == "0" && line.find('[') == std::string::npos;
    else if (wanted && line.starts_with("Size:"))
      size += std::stoll(line.substr(5));
    else if (wanted && line.starts_with("AnonHugePages:"))
      huge += std::stoll(line.substr(14));
  }
  return {size, huge};
}

// A connection of which the test decides when it breaks.
class RawConnection {
 public:
  explicit RawConnection(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw Permanent("connect");
  }
  ~RawConnection() { close(); }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t put = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (put <= 0) throw Permanent("send");
      text.remove_prefix(size_t(put));
    }
  }
  std::string receive(size_t most) const {
    std::string bytes(most, '\0');
    bytes.resize(size_t(std::max<ssize_t>(0, ::recv(fd_, bytes.data(), most, 0))));
    return bytes;
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

std::string running(WarehouseHttp& http, const std::string& id) {
  return http.value(
      "SELECT count() FROM system.processes WHERE query NOT LIKE '%system.processes%' AND "
      "Settings['log_comment'] = '" +
      id + "'");
}

bool gone(WarehouseHttp& http, const std::string& id) {
  return probe::wait_until([&] { return running(http, id) == "0"; }, [] { return true; }, seconds{10});
}

TEST(WarehouseLimits, StreamsALongResultInBoundedMemory) {
  Role& role = TestHome::shared().warehouse();
  WarehouseHttp http(role.url());
  http.value("SELECT 1");
  const int64_t before = anonymous_memory(role.pid());
  uint64_t bytes = 0, newlines = 0;
  int64_t most = 0;
  http::ClientRequest request;
  request.url =
      role.url() + "/?query=" + http::percent_encode("SELECT number, toString(number) FROM numbers(40000000)");
  request.timeout = seconds{120};
  request.decode = false;
  request.max_body = UINT64_MAX;
  request.on_data = [&](std::string_view piece) {
    bytes += piece.size();
    newlines += uint64_t(std::count(piece.begin(), piece.end(), '\n'));
    most = std::max(most, anonymous_memory(role.pid()));
    return true;
  };
  const auto response = http.send(std::move(request));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(newlines, 40'000'000u);
  EXPECT_GT(bytes, 600u << 20);
  EXPECT_LT(most - before, 200 << 10) << "KiB more while " << bytes << " bytes went by";
}

TEST(WarehouseLimits, HoldsALongResultOnDiskUntilItsEnd) {
  Role& role = TestHome::shared().warehouse();
  WarehouseHttp http(role.url());
  const http::Query whole{{"wait_end_of_query", "1"}};
  const auto response = http.post("SELECT number FROM numbers(3000000)", whole);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 3'000'000);
  EXPECT_TRUE(response.body.ends_with("\n2999999\n"));
  // And so an exception near the end is a plain answer, no cut one.
  const auto failed = http.post("SELECT throwIf(number = 2900000) FROM numbers(3000000)", whole);
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(exception_code(failed), 395);
}

TEST(WarehouseLimits, CutsAResultThatFailsInTheMiddle) {
  WarehouseHttp http(TestHome::shared().warehouse_url());
  std::string tag, tail;
  http::ClientRequest request;
  request.url =
      http.url() + "/?query=" + http::percent_encode("SELECT throwIf(number = 4000000) FROM numbers(5000000)");
  request.on_headers = [&](int, const http::Headers& h) { tag = h.get_or("X-ClickHouse-Exception-Tag", ""); };
  request.on_data = [&](std::string_view piece) {
    tail = (tail + std::string(piece));
    if (tail.size() > 4096) tail.erase(0, tail.size() - 4096);
    return true;
  };
  EXPECT_THROW(http.send(std::move(request)), Retryable);  // the transfer does not end well
  ASSERT_FALSE(tag.empty());
  EXPECT_NE(tail.find("\r\n__exception__\r\n" + tag + "\r\nCode: 395. DB::Exception: "), std::string::npos) << tail;
  EXPECT_TRUE(tail.ends_with(" " + tag + "\r\n__exception__\r\n")) << tail;
}

TEST(WarehouseLimits, InsertsALongStreamInBoundedMemory) {
  Role& role = TestHome::shared().warehouse();
  WarehouseHttp http(role.url());
  const std::string table = TestHome::shared().unique_name("stream");
  http.value("CREATE TABLE " + table + " (a UInt64) ENGINE = MergeTree ORDER BY a");
  const int64_t before = anonymous_memory(role.pid());
  int64_t most = 0;
  constexpr uint64_t kRows = 50'000'000;
  uint64_t next = 0;
  http::ClientRequest request;
  request.method = "POST";
  request.url = role.url() + "/?query=" + http::percent_encode("INSERT INTO " + table + " FORMAT RowBinary");
  request.timeout = seconds{120};
  request.read_body = [&](char* to, size_t size) {
    const uint64_t n = std::min<uint64_t>(size / 8, kRows - next);
    for (uint64_t i = 0; i < n; ++i, ++next) std::memcpy(to + i * 8, &next, 8);
    if (next % 64 == 0) most = std::max(most, anonymous_memory(role.pid()));
    return size_t(n * 8);
  };
  const auto response = http.send(std::move(request));
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(http.value("SELECT count(), sum(a) FROM " + table), fmt::format("{}\t{}", kRows, kRows / 2 * (kRows - 1)));
  EXPECT_LT(most - before, 300 << 10) << "KiB more for 400 MB of rows";
  http.value("DROP TABLE " + table + " SYNC");
}

TEST(WarehouseLimits, EndsTheStatementOfAClientThatLeaves) {
  Role& role = TestHome::shared().warehouse();
  WarehouseHttp http(role.url());
  const std::string silent = TestHome::shared().unique_name("silent"),
                    talking = TestHome::shared().unique_name("talking");
  {
    RawConnection client(role.port());
    client.send("GET /?query_id=" + silent +
                "&query=" + http::percent_encode("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)") +
                " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ASSERT_TRUE(probe::wait_until([&] { return running(http, silent) == "1"; }, [] { return true; }, seconds{10}));
  }
  EXPECT_TRUE(gone(http, silent));
  {
    RawConnection client(role.port());
    client.send("GET /?query_id=" + talking +
                "&query=" + http::percent_encode("SELECT number FROM numbers(1000000000000)") +
                " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(client.receive(1000).starts_with("HTTP/1.1 200 "));
  }
  EXPECT_TRUE(gone(http, talking));
}

// Statements that no client has named share what the engine knows them by; a cancel that comes late must not meet the
// next one. They last between nothing and a few milliseconds and their clients leave in between.
TEST(WarehouseLimits, ACancelThatComesLateMeetsNoOther) {
  Role& role = TestHome::shared().warehouse();
  std::atomic<bool> over{false};
  std::vector<std::future<std::string>> others;
  for (int i = 0; i < 4; ++i)
    others.push_back(std::async(std::launch::async, [&] {
      WarehouseHttp http(role.url());
      std::string failed;
      while (!over && failed.empty()) {
        const auto response = http.post("SELECT sum(cityHash64(number)) FROM numbers(200000)");
        if (response.status != 200) failed = response.body;
      }
      return failed;
    }));
  for (int i = 0; i < 1000; ++i) {
    RawConnection client(role.port());
    const std::string sql = fmt::format("SELECT sum(cityHash64(number)) FROM numbers({})", 500 * (i % 400));
    client.send(fmt::format("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", sql.size(), sql));
    std::this_thread::sleep_for(std::chrono::microseconds{100 * (i % 50)});
  }
  {
    RawConnection client(role.port());
    const std::string sql = "SELECT sum(cityHash64(number)) FROM numbers(1000000000000) WHERE 'nameless' != ''";
    client.send(fmt::format("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", sql.size(), sql));
    std::this_thread::sleep_for(milliseconds{200});
  }
  WarehouseHttp http(role.url());
  EXPECT_TRUE(probe::wait_until(
      [&] {
        return http.value(
                   "SELECT count() FROM system.processes WHERE query LIKE '%''nameless''%' AND query NOT LIKE "
                   "'%system.processes%'") == "0";
      },
      [] { return true; }, seconds{10}));
  over = true;
  for (auto& other : others) EXPECT_EQ(other.get(), "");
}

// To the engine the end of its input is the end of the data; half a row before it would be taken for a whole one.
TEST(WarehouseLimits, AnUploadThatBreaksInsertsNothing) {
  Role& role = TestHome::shared().warehouse();
  WarehouseHttp http(role.url());
  const std::string table = TestHome::shared().unique_name("broken");
  http.value("CREATE TABLE " + table + " (a UInt64) ENGINE = MergeTree ORDER BY a");
  for (const size_t sent : {5u, 4096u, 300'000u}) {
    RawConnection client(role.port());
    client.send("POST /?query=" + http::percent_encode("INSERT INTO " + table + " FORMAT CSV") +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n");
    std::string rows;
    while (rows.size() < sent) rows += "12345\n";
    client.send(rows.substr(0, sent));
    std::this_thread::sleep_for(milliseconds{100});
  }
  EXPECT_TRUE(probe::wait_until(
      [&] {
        return http.value("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO " + table + "%'") == "0";
      },
      [] { return true; }, seconds{10}));
  EXPECT_EQ(http.value("SELECT count() FROM " + table), "0");
  http.value("DROP TABLE " + table);
}

TEST(WarehouseLimits, KillsByTheClientsId) {
  WarehouseHttp http(TestHome::shared().warehouse_url());
  const std::string id = TestHome::shared().unique_name("victim");
  auto victim = std::async(std::launch::async, [&] {
    return http.post("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)", {{"query_id", id}});
  });
  const auto killed = [&] { return !http.value("KILL QUERY WHERE query_id = '" + id + "' ASYNC").empty(); };
  EXPECT_TRUE(probe::wait_until(
      killed, [] { return true; }, seconds{10}));
  const auto response = victim.get();
  EXPECT_EQ(exception_code(response), 394) << response.body;
}

TEST(WarehouseLimits, KeepsTimeAndMemory) {
  TestHome home;
  Role role = home.start_role("warehouse", {{"warehouse.memory", "600MiB"}, {"warehouse.statement_limit", "1s"}});
  WarehouseHttp http(role.url());
  const auto slow = http.post("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)");
  EXPECT_EQ(exception_code(slow), 159) << slow.body;
  EXPECT_EQ(slow.status, 408);
  const auto limited =
      http.post("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)", {{"max_execution_time", "0.3"}});
  EXPECT_EQ(exception_code(limited), 159);
  const auto greedy =
      http.post("SELECT length(groupArray(number)) FROM numbers(200000000)", {{"max_execution_time", "30"}});
  EXPECT_EQ(exception_code(greedy), 241) << greedy.body;
  EXPECT_EQ(http.value("SELECT 1"), "1");
  EXPECT_LT(anonymous_memory(role.pid()), 700 << 10);
  EXPECT_EQ(role.stop(), 0);
}

TEST(WarehouseLimits, RefusesWhatItHasNoThreadFor) {
  TestHome home;
  Role role = home.start_role("warehouse", {{"warehouse.concurrency", "1"}});
  WarehouseHttp http(role.url());
  std::vector<std::future<http::ClientResponse>> all;
  // One has the thread for longer than the others take to come.
  for (int i = 0; i < 300; ++i)
    all.push_back(std::async(std::launch::async,
                             [&, i] { return http.post(i == 0 ? "SELECT sleep(3)" : "SELECT sleep(0.005)"); }));
  int done = 0, refused = 0;
  for (auto& one : all) {
    const auto response = one.get();
    done += response.status == 200;
    refused += exception_code(response) == 202;
  }
  EXPECT_EQ(done + refused, 300);
  EXPECT_GE(done, 257);
  EXPECT_GT(refused, 0);
}

TEST(WarehouseLimits, AsksForThePassword) {
  TestHome home;
  Role role = home.start_role("warehouse", {{"warehouse.password", "s3cret"}});
  WarehouseHttp http(role.url());
  EXPECT_EQ(http.post("SELECT 1").status, 403);
  EXPECT_EQ(exception_code(http.post("SELECT 1")), 516);
  EXPECT_EQ(exception_code(http.post("SELECT 1", {{"user", "default"}, {"password", "wrong"}})), 516);
  EXPECT_EQ(exception_code(http.post("SELECT 1", {}, {{"X-ClickHouse-User", "root"}, {"X-ClickHouse-Key", "s3cret"}})),
            516);
  EXPECT_EQ(http.post("SELECT 1", {{"password", "s3cret"}}).body, "1\n");
  EXPECT_EQ(http.post("SELECT 1", {}, {{"X-ClickHouse-User", "default"}, {"X-ClickHouse-Key", "s3cret"}}).body, "1\n");
  EXPECT_EQ(http.post("SELECT 1", {}, {{"Authorization", "Basic ZGVmYXVsdDpzM2NyZXQ="}}).body, "1\n");
  EXPECT_EQ(http.get("/ping").status, 200);
  EXPECT_EQ(role.log_text().find("s3cret"), std::string::npos);
}

TEST(WarehouseLimits, OneFolderHasOneProcess) {
  TestHome home;
  Role first = home.start_role("warehouse");
  Role second = home.prepare_role("warehouse");
  try {
    second.start();
    ADD_FAILURE() << "two processes on one folder";
  } catch (const Permanent& e) {
    EXPECT_NE(std::string(e.what()).find(fmt::format("open in another warehouse process, pid {}", first.pid())),
              std::string::npos)
        << e.what();
  }
  EXPECT_EQ(WarehouseHttp(first.url()).value("SELECT 1"), "1");
}

TEST(WarehouseLimits, KeepsWhatItAnsweredOverKill) {
  TestHome home;
  Role role = home.start_role("warehouse");
  {
    WarehouseHttp http(role.url());
    http.value("CREATE DATABASE d");
    http.value(
        "CREATE TABLE d.t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100");
    http.value("CREATE TABLE d.dropped (a UInt64) ENGINE = MergeTree ORDER BY a");
    http.value("INSERT INTO d.dropped SELECT number FROM numbers(10000)");
    http.value("DROP TABLE d.dropped");
  }
  uint64_t answered = 0;
  for (int round = 0; round < 3; ++round) {
    WarehouseHttp http(role.url());
    // Inserts one after another until the server is killed under them.
    std::thread killer([&] {
      std::this_thread::sleep_for(milliseconds{300});
      role.kill();
    });
    uint64_t unsure = 0;
    try {
      for (;; ++answered) {
        unsure = answered;
        const auto response = http.insert("INSERT INTO d.t FORMAT CSV", std::to_string(answered) + "\n",
                                          {{"insert_deduplication_token", "t" + std::to_string(answered)}});
        if (response.status != 200) throw Retryable(response.body);
      }
    } catch (const Retryable&) {
    }
    killer.join();
    EXPECT_GT(answered, 0u);
    role.start();
    // The one without an answer may be there or not; sent again it is there once.
    const auto again = http.insert("INSERT INTO d.t FORMAT CSV", std::to_string(unsure) + "\n",
                                   {{"insert_deduplication_token", "t" + std::to_string(unsure)}});
    ASSERT_EQ(again.status, 200) << again.body;
    answered = unsure + 1;
    EXPECT_EQ(http.value("SELECT count(), uniqExact(a), max(a) FROM d.t"),
              fmt::format("{0}\t{0}\t{1}", answered, answered - 1));
  }
  // The files of the dropped table went with the restart.
  const auto data = home.path() / "warehouse" / "data";
  EXPECT_TRUE(std::filesystem::is_empty(data / "metadata_dropped"));
  EXPECT_EQ(role.stop(), 0);
  role.start();
  EXPECT_EQ(WarehouseHttp(role.url()).value("SELECT count() FROM d.t"), std::to_string(answered));
}

TEST(WarehouseLimits, StopsWhileStatementsRun) {
  TestHome home;
  Role role = home.start_role("warehouse");
  WarehouseHttp http(role.url());
  auto running = std::async(std::launch::async, [&] {
    try {
      return http.post("SELECT sum(cityHash64(number)) FROM numbers(1000000000000)").status;
    } catch (const Error&) {
      return -1;
    }
  });
  EXPECT_TRUE(probe::wait_until([&] { return http.value("SELECT count() FROM system.processes") == "2"; },
                                [] { return true; }, seconds{10}));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(role.stop(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds{8});
  EXPECT_NE(running.get(), 200);
}

TEST(WarehouseLimits, IsSmallWhenIdle) {
  TestHome home;
  Role role = home.start_role("warehouse");
  WarehouseHttp(role.url()).value("SELECT 1");
  // The engine's code is there for all that it does.
  EXPECT_LT(anonymous_memory(role.pid()) - code_of_no_file(role.pid()).first, 150 << 10);
}

// What a loss of power leaves of the engine's memory of tokens, and a kill after it.
TEST(WarehouseLimits, ATokenIsKnownAfterALossOfPowerAndAKill) {
  TestHome home;
  Role role = home.start_role("warehouse");
  const auto insert = [&](const std::string& token) {
    WarehouseHttp warehouse(role.url());
    warehouse.value("INSERT INTO t SELECT 1", {{"insert_deduplication_token", token}});
    return warehouse.value("SELECT count() FROM t");
  };
  WarehouseHttp(role.url())
      .value(
          "CREATE TABLE t (x Int64) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 100");
  const std::filesystem::path folder =
      WarehouseHttp(role.url()).value("SELECT data_paths[1] FROM system.tables WHERE name = 't'");
  EXPECT_EQ(insert("a"), "1");
  role.kill();
  const auto log = folder / "deduplication_logs" / "deduplication_log_1.txt";
  write_file(log, read_file(log) + std::string(100, '\0'));
  role.start();
  EXPECT_EQ(insert("a"), "1");
  EXPECT_EQ(insert("b"), "2");
  role.kill();
  role.start();
  EXPECT_EQ(insert("b"), "2");
  EXPECT_EQ(role.stop(), 0);
}

// Merges run by themselves: many small inserts do not stay many parts.
TEST(WarehouseLimits, MergesPartsInTheBackground) {
  WarehouseHttp http(TestHome::shared().warehouse_url());
  const std::string table = TestHome::shared().unique_name("parts");
  http.value("CREATE TABLE " + table + " (a UInt64) ENGINE = MergeTree ORDER BY a");
  for (int i = 0; i < 60; ++i) http.value("INSERT INTO " + table + " VALUES (" + std::to_string(i) + ")");
  const auto parts = [&] {
    return std::stoi(http.value("SELECT count() FROM system.parts WHERE active AND table = '" + table + "'"));
  };
  EXPECT_TRUE(probe::wait_until([&] { return parts() < 30; }, [] { return true; }, seconds{20})) << parts();
  EXPECT_EQ(http.value("SELECT count() FROM " + table), "60");
  http.value("DROP TABLE " + table);
  // Those threads give way to inserts and questions once the warehouse has seen them; nobody else does.
  const auto priorities = [] {
    std::map<std::string, std::set<int>> seen;
    const auto tasks = fmt::format("/proc/{}/task", TestHome::shared().warehouse().pid());
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
      std::ifstream file(task.path() / "stat");
      std::string line;
      if (!std::getline(file, line)) continue;
      const size_t open = line.find('('), close = line.rfind(')');
      // The nineteenth field of proc(5)'s stat; the third follows the name.
      const auto fields = split(std::string_view(line).substr(close + 2), ' ');
      seen[line.substr(open + 1, close - open - 1)].insert(std::stoi(std::string(fields.at(16))));
    }
    return seen;
  };
  EXPECT_TRUE(probe::wait_until([&] { return priorities()["MergeMutate"] == std::set<int>{10}; }, [] { return true; },
                                seconds{60}));
  for (const auto& [name, nice] : priorities()) {
    if (name != "MergeMutate") {
      EXPECT_LE(*nice.rbegin(), 0) << name;
    }
  }
}

// And the engine goes on in it, as all the other tests show.
TEST(WarehouseLimits, TheEnginesCodeIsInHugePages) {
  const std::string enabled = read_file("/sys/kernel/mm/transparent_hugepage/enabled");
  const auto memory = uint64_t(::sysconf(_SC_PHYS_PAGES)) * uint64_t(::sysconf(_SC_PAGESIZE));
  if (enabled.find("[never]") != std::string::npos || memory < 8ull << 30)
    GTEST_SKIP() << "no huge pages here: " << trim(enabled);
  const auto [size, huge] = code_of_no_file(TestHome::shared().warehouse().pid());
  EXPECT_GT(size, 300 << 10);
  EXPECT_GT(huge, size / 4) << "memory may be in pieces";
}

}  // namespace
}  // namespace dalgona::test
