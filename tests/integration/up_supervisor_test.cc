// `dalgona up` as its user sees it: the program itself on a home of its own, killed in every way, as root and as an
// ordinary user.
#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "dalgona/home_lock.h"
#include "dalgona/probe.h"
#include "dalgona/process.h"
#include "support/sanitized.h"
#include "support/test_home.h"

namespace dalgona::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Outcome {
  int exit_code = 0;
  std::string output;
};

// A home of this test's own, brought down and removed at its end.
class UpHome {
 public:
  explicit UpHome(std::optional<Account> account = {}) : account_(std::move(account)) {
    std::string name = (fs::temp_directory_path() / "dalgona-up-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw Permanent("mkdtemp");
    outer_ = name;
    if (account_ && ::chown(name.c_str(), account_->uid, account_->gid) != 0) throw Permanent("chown");
    path = outer_ / "home";
  }
  ~UpHome() {
    try {
      // The supervisor first, for it starts again what ends.
      if (HomeLock::holder(path)) {
        const Outcome down = run({"down"});
        EXPECT_EQ(down.exit_code, 0) << down.output;
      }
      end_processes_of_home(path, seconds{20});
      fs::remove_all(outer_);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }

  Outcome run(std::vector<std::string> arguments, milliseconds limit = seconds{120}) {
    Command command;
    command.argv = {dalgona_binary().string()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.argv.insert(command.argv.end(), {"--home", path.string()});
    command.environment = Config::process_environment();
    command.account = account_;
    command.folder = "/";
    command.log = outer_ / fmt::format("said-{}", ++counter_);
    Outcome outcome;
    outcome.exit_code = run_to_end(command, limit);
    outcome.output = read_file(command.log);
    return outcome;
  }

  Outcome up(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"up", "--detach", "--with", "sandbox"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }

  boost::json::object status() { return boost::json::parse(run({"status", "--json"}).output).as_object(); }

  std::map<std::string, pid_t> pids() {
    std::map<std::string, pid_t> all;
    const boost::json::object now = status();
    for (const auto& part : now.at("parts").as_array())
      if (part.at("pid").is_int64()) all[std::string(part.at("name").as_string())] = pid_t(part.at("pid").as_int64());
    return all;
  }

  // The log of the supervisor, when something does not go as it should.
  std::string log() const {
    const fs::path file = path / "logs" / "up.log";
    return fs::exists(file) ? read_file(file) : "";
  }

  std::string postgres_url() {
    return Config::load({.home = path, .file = {}, .environment = Config::process_environment()}).text("postgres.url");
  }

  fs::path path;

 private:
  std::optional<Account> account_;
  fs::path outer_;
  int counter_ = 0;
};

std::string query(const std::string& url, const std::string& sql) {
  return run_alone<std::string>([&](asio::io_context& context) -> Task<std::string> {
    postgres::Pool pool(context.get_executor(), {.url = url, .application_name = "test"});
    const auto result = co_await pool.query(sql);
    co_return result.rows() ? std::string(result.text(0, 0)) : "";
  });
}

// Addresses ("0100007F" is 127.0.0.1) that processes of the home listen on.
std::set<std::string> listening(const fs::path& home) {
  std::set<std::string> inodes;
  for (const Stray& process : processes_of_home(home)) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process.pid), error)) {
      const std::string target = fs::read_symlink(entry.path(), error).string();
      if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
    }
  }
  std::set<std::string> addresses;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, skip, inode;
      fields >> slot >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) fields >> skip;
      fields >> inode;
      if (state == "0A" && inodes.contains(inode)) addresses.insert(local.substr(0, local.find(':')));
    }
  }
  return addresses;
}

void expect_private(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    struct stat about {};
    const std::string name = entry.path().filename().string();
    const bool secret = name == "password" || name == ".erlang.cookie" || name == "stores.yaml" ||
                        name == "rabbitmq.config" || name.ends_with(".log") || name.find("key") != std::string::npos;
    if (!entry.is_regular_file() || ::lstat(entry.path().c_str(), &about) != 0 || !secret) continue;
    EXPECT_EQ(about.st_mode & 077, 0u) << entry.path();
  }
}

TEST(Up, StartsEverythingShowsItAndStopsIt) {
  UpHome home;
  const Outcome up = home.up();
  ASSERT_EQ(up.exit_code, 0) << up.output << home.log();
  const auto status = home.status();
  EXPECT_TRUE(status.at("healthy").as_bool());
  for (const char* part : {"postgres", "rabbitmq", "sandbox", "warehouse", "event-grpc", "beat", "stir", "coffee"})
    EXPECT_TRUE(home.pids().contains(part)) << part;
  for (const auto& part : status.at("parts").as_array()) {
    EXPECT_EQ(part.at("state").as_string(), "healthy") << part;
    EXPECT_EQ(part.at("restarts").as_int64(), 0) << part;
  }
  // It outlives our terminal; its children share its session, in which their priorities count, and each has a group.
  const auto supervisor = pid_t(status.at("pid").as_int64());
  EXPECT_EQ(::getsid(supervisor), supervisor);
  for (const auto& [part, pid] : home.pids()) {
    EXPECT_EQ(::getsid(pid), supervisor) << part;
    EXPECT_EQ(::getpgid(pid), pid) << part;
  }
  // The budget of everything idle.
  if (!kSanitized) {
    EXPECT_LT(status.at("pss_bytes").as_int64(), int64_t(1200) << 20);
  }
  EXPECT_EQ(home.run({"status"}).exit_code, 0);
  EXPECT_EQ(home.run({"doctor"}).exit_code, 0) << home.run({"doctor"}).output;

  // Nothing listens but on loopback, no secret can be read by others or stands in an argument list.
  // 127.0.0.1, ::1, and gRPC's ::ffff:127.0.0.1, as the kernel writes them.
  const std::set<std::string> loopback{"0100007F", "00000000000000000000000001000000",
                                       "0000000000000000FFFF00000100007F"};
  for (const std::string& address : listening(home.path)) EXPECT_TRUE(loopback.contains(address)) << address;
  EXPECT_TRUE(listening(home.path).contains("0100007F"));
  expect_private(home.path);
  const std::string stores = read_file(home.path / "run" / "stores.yaml");
  for (const char* store : {"postgres", "rabbitmq"}) {
    std::string password = read_file(home.path / store / "password");
    password.pop_back();
    EXPECT_NE(stores.find(password), std::string::npos);
    for (const Stray& process : processes_of_home(home.path))
      EXPECT_EQ(process.command_line.find(password), std::string::npos) << process.pid;
  }

  const Outcome second = home.run({"up"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_NE(second.output.find(home.path.string() + " is already up: pid "), std::string::npos) << second.output;
  EXPECT_EQ(home.up().exit_code, 2);

  const Outcome down = home.run({"down"});
  EXPECT_EQ(down.exit_code, 0) << down.output;
  EXPECT_TRUE(processes_of_home(home.path).empty());
  EXPECT_FALSE(fs::exists(home.path / "run" / "stores.yaml"));
  EXPECT_EQ(home.run({"status"}).exit_code, 1);
  EXPECT_EQ(home.run({"down"}).exit_code, 0);
}

TEST(Up, RestartsEachPartThatIsKilled) {
  UpHome home;
  const Outcome up = home.up();
  ASSERT_EQ(up.exit_code, 0) << up.output << home.log();
  for (const auto& [name, pid] : home.pids()) {
    ASSERT_EQ(::kill(pid, SIGKILL), 0) << name;
    const auto back = [&, &name = name, &pid = pid] {
      const auto status = home.status();
      if (!status.at("healthy").as_bool()) return false;
      for (const auto& part : status.at("parts").as_array())
        if (part.at("name").as_string() == name)
          return part.at("restarts").as_int64() == 1 && part.at("pid").is_int64() && part.at("pid").as_int64() != pid;
      return false;
    };
    EXPECT_TRUE(probe::wait_until(
        back, [] { return true; }, seconds{40}))
        << name << "\n"
        << home.log();
  }
}

TEST(Up, ComesUpWithAllDataAfterKillOfEverything) {
  UpHome home;
  ASSERT_EQ(home.up().exit_code, 0) << home.log();
  query(home.postgres_url(), "CREATE TABLE kept AS SELECT 41 + 1 AS answer");
  const auto before = home.pids();
  std::vector<pid_t> all{*HomeLock::holder(home.path)};
  for (const auto& [name, pid] : before) all.push_back(pid);
  for (const pid_t pid : all) ::kill(pid, SIGKILL);
  const Outcome again = home.up();
  ASSERT_EQ(again.exit_code, 0) << again.output << home.log();
  EXPECT_EQ(query(home.postgres_url(), "SELECT answer FROM kept"), "42");
  for (const auto& [name, pid] : home.pids()) EXPECT_NE(before.at(name), pid) << name;
  // The supervisor alone: its children go with it.
  ::kill(*HomeLock::holder(home.path), SIGKILL);
  EXPECT_TRUE(
      probe::wait_until([&] { return processes_of_home(home.path).empty(); }, [] { return true; }, seconds{30}));
  ASSERT_EQ(home.up().exit_code, 0) << home.log();
  EXPECT_EQ(query(home.postgres_url(), "SELECT answer FROM kept"), "42");
  EXPECT_EQ(home.run({"down"}).exit_code, 0);
}

TEST(Up, RefusesWhatItCannotDoByName) {
  UpHome home;
  const auto says = [&](std::vector<std::string> arguments, const std::string& words) {
    const Outcome outcome = home.run(std::move(arguments));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
    EXPECT_NE(outcome.output.find(words), std::string::npos) << outcome.output;
  };
  says({"up", "--with", "werehouse"}, "there is no role 'werehouse', did you mean 'warehouse'?");
  says({"up", "--without", "warehouse"}, "event-grpc needs a warehouse");
  fs::create_directories(home.path);
  write_file(home.path / "dalgona.yaml", "beat:\n  concurency: 7\n");
  says({"up"}, "concurrency");
  write_file(home.path / "dalgona.yaml", "up:\n  start_limit: soon\n");
  says({"up"}, "start_limit");
  EXPECT_TRUE(processes_of_home(home.path).empty());
}

TEST(Up, RunsForAnOrdinaryUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "the other tests run as an ordinary user already";
  const auto nobody = find_account("nobody");
  ASSERT_TRUE(nobody);
  UpHome home(nobody);
  try {
    if (home.run({"--version"}).exit_code > 2) GTEST_SKIP() << "this clone cannot be read by other users";
  } catch (const Permanent& e) {
    GTEST_SKIP() << e.what();
  }
  const Outcome up = home.up();
  ASSERT_EQ(up.exit_code, 0) << up.output << home.log();
  for (const auto& [name, pid] : home.pids()) {
    struct stat about {};
    ASSERT_EQ(::stat(fmt::format("/proc/{}", pid).c_str(), &about), 0) << name;
    EXPECT_EQ(about.st_uid, nobody->uid) << name;
  }
  // Root must not leave files of its own there.
  Command root;
  root.argv = {dalgona_binary().string(), "up", "--home", home.path.string()};
  root.environment = Config::process_environment();
  EXPECT_EQ(run_to_end(root, seconds{60}), 2);
  EXPECT_EQ(home.run({"down"}).exit_code, 0);
}

}  // namespace
}  // namespace dalgona::test
