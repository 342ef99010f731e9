// The private servers: they answer, keep their data over kill -9, keep their secrets, and leave no process.
#include <csignal>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "dalgona/ports.h"
#include "dalgona/probe.h"
#include "support/test_home.h"

namespace dalgona::test {
namespace {

using std::chrono::seconds;

std::string query(const std::string& url, const std::string& sql) {
  return run_alone<std::string>([&](asio::io_context& context) -> Task<std::string> {
    postgres::Pool pool(context.get_executor(), {.url = url, .application_name = "test"});
    const auto result = co_await pool.query(sql);
    co_return result.rows() ? std::string(result.text(0, 0)) : "";
  });
}

TEST(PrivatePostgres, KeepsItsRowsOverKillAndStop) {
  TestHome home;
  PrivatePostgres& server = home.postgres();
  query(server.url(), "CREATE TABLE t AS SELECT 41 + 1 AS answer");
  kill(server.pid(), SIGKILL);
  ASSERT_TRUE(probe::wait_until([&] { return !server.running(); }, [] { return true; }, seconds{5}));
  server.start(seconds{30});
  EXPECT_EQ(query(server.url(), "SELECT answer FROM t"), "42");
  server.stop(seconds{10});
  EXPECT_FALSE(server.healthy());
  server.start(seconds{30});
  EXPECT_EQ(query(server.url(), "SELECT answer FROM t"), "42");
}

TEST(PrivatePostgres, IsOnLoopbackWithAPasswordAndNotRoot) {
  PrivatePostgres& server = TestHome::shared().postgres();
  EXPECT_EQ(query(server.url(), "SHOW listen_addresses"), "127.0.0.1");
  const std::string address = server.url().substr(server.url().rfind('@'));
  EXPECT_THROW(query("postgres://dalgona:wrong" + address, "SELECT 1"), Error);
  struct stat about {};
  ASSERT_EQ(::stat(("/proc/" + std::to_string(server.pid())).c_str(), &about), 0);
  EXPECT_NE(about.st_uid, 0u);
  ASSERT_EQ(::stat((TestHome::shared().path() / "postgres" / "password").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST(PrivatePostgres, TakesANewPasswordWhenTheFileIsLost) {
  TestHome home;
  PrivatePostgres& server = home.postgres();
  const std::string before = server.url();
  server.stop(seconds{10});
  std::filesystem::remove(home.path() / "postgres" / "password");
  server.start(seconds{30});
  EXPECT_NE(server.url(), before);
  EXPECT_EQ(query(server.url(), "SELECT 1"), "1");
}

TEST(PrivatePostgres, APasswordThatOthersCanReadIsRefused) {
  TestHome home;
  home.postgres().stop(seconds{10});
  ::chmod((home.path() / "postgres" / "password").c_str(), 0644);
  EXPECT_THROW(home.postgres().start(seconds{30}), InvalidInput);
}

TEST(PrivateRabbitmq, AnswersAgainAfterKill) {
  PrivateRabbitmq& server = TestHome::shared().rabbitmq();
  EXPECT_TRUE(server.healthy());
  kill(server.pid(), SIGKILL);
  ASSERT_TRUE(probe::wait_until([&] { return !server.running(); }, [] { return true; }, seconds{5}));
  server.start(seconds{60});
  EXPECT_TRUE(server.healthy());
}

TEST(PrivateServers, NoSecretInArgumentLists) {
  TestHome& home = TestHome::shared();
  home.postgres();
  home.rabbitmq();
  const auto all = processes_of_home(home.path());
  ASSERT_GE(all.size(), 3u);  // postgres, epmd, beam
  for (const char* store : {"postgres", "rabbitmq"}) {
    std::string password = read_file(home.path() / store / "password");
    password.pop_back();
    for (const Stray& process : all) EXPECT_EQ(process.command_line.find(password), std::string::npos) << process.pid;
  }
}

// This program once more, running one of its disabled tests until it is killed or this object goes.
class Holder {
 public:
  explicit Holder(const std::string& test)
      : folder_(std::filesystem::temp_directory_path() / fmt::format("dalgona-{}-{}", test, getpid())),
        process_(command(test)) {}
  ~Holder() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  // What the test has written to TMPDIR/ready, or "" when it has ended before.
  std::string ready() {
    const bool there = probe::wait_until([&] { return std::filesystem::exists(folder_ / "ready"); },
                                         [&] { return process_.running(); }, seconds{60});
    EXPECT_TRUE(there) << read_file(folder_ / "log");
    return there ? read_file(folder_ / "ready") : "";
  }
  void kill() {
    process_.signal(SIGKILL);
    process_.wait(seconds{5});
  }

 private:
  Command command(const std::string& test) const {
    std::filesystem::create_directories(folder_);
    Command command;
    command.argv = {self_path().string(), "--gtest_filter=*." + test, "--gtest_also_run_disabled_tests"};
    command.environment = plain_environment("/nowhere");
    command.environment["TMPDIR"] = folder_.string();
    command.log = folder_ / "log";
    return command;
  }

  std::filesystem::path folder_;
  Process process_;
};
void tell_and_wait(const std::string& what) {
  write_file(std::filesystem::temp_directory_path() / "ready", what);
  ::pause();
}

// The test program itself is killed: its servers must go with it.
TEST(PrivateServers, DieWithTheirParent) {
  Holder holder("DISABLED_HoldServers");
  const std::filesystem::path home = holder.ready();
  ASSERT_FALSE(home.empty());
  EXPECT_GE(processes_of_home(home).size(), 3u);
  holder.kill();
  EXPECT_TRUE(probe::wait_until([&] { return processes_of_home(home).empty(); }, [] { return true; }, seconds{20}));
}

TEST(PrivateServers, DISABLED_HoldServers) {
  TestHome home;
  home.postgres();
  home.rabbitmq();
  tell_and_wait(home.path().string());
}

// Nobody listens at them yet. Of 400 numbers drawn from 12,000, two would be the same nearly always.
TEST(Ports, NoneIsGivenTwice) {
  std::set<uint16_t> given;
  for (int i = 0; i < 400; ++i) EXPECT_TRUE(given.insert(free_port()).second);
}

TEST(Ports, ARememberedOneThatAnotherProcessMeansToUseIsLeftToIt) {
  TestHome home;
  const auto file = home.path() / "remembered";
  Holder holder("DISABLED_HoldPort");
  const std::string port = holder.ready();
  write_file(file, "http " + port + "\n");
  EXPECT_TRUE(port_is_free(uint16_t(std::stoi(port))));
  EXPECT_NE(std::to_string(Ports(file).take("http")), port);
  holder.kill();
  write_file(file, "http " + port + "\n");
  EXPECT_EQ(std::to_string(Ports(file).take("http")), port);
  EXPECT_EQ(std::to_string(Ports(file).take("http")), port) << "its own again, after a restart";
}

TEST(Ports, DISABLED_HoldPort) {
  tell_and_wait(std::to_string(free_port()));
}

}  // namespace
}  // namespace dalgona::test
