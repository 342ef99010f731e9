// The real servers for tests: started in a temporary home on free ports when a test first asks for them, shared by the
// tests of one program, ended with it even when it crashes. Works as root and as an ordinary user.
//
//   TEST(BeatQueue, LeasesAreExclusive) {
//     auto& home = TestHome::shared();
//     postgres::Pool pool(runtime, {.url = home.fresh_database(), .application_name = "test"});
//     ...
//     Role beat = home.start_role("beat", {{"beat.concurrency", "8"}});
//     beat.kill();
//   }
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dalgona/ports.h"
#include "dalgona/private_postgres.h"
#include "dalgona/private_rabbitmq.h"
#include "dalgona/process.h"

namespace dalgona::test {

// The program under test.
std::filesystem::path dalgona_binary();

// "section.key" -> value; a value that starts with '[' is a list.
using Settings = std::map<std::string, std::string>;

// A `dalgona ROLE` process. Killed when it goes out of scope.
class Role {
 public:
  // Waits until /heartbeat answers; throws with the end of the log.
  void start();
  // SIGKILL, nothing is flushed.
  void kill();
  // SIGTERM; gives the exit code.
  int stop(std::chrono::milliseconds grace = std::chrono::seconds{25});
  bool running() { return process_.running(); }
  uint16_t port() const { return port_; }
  std::string url() const;  // http://127.0.0.1:port
  pid_t pid() const { return process_.pid(); }
  const std::filesystem::path& log() const { return log_; }
  std::string log_text() const;

 private:
  friend class TestHome;
  Command command_;
  uint16_t port_ = 0;
  std::filesystem::path log_;
  std::string name_;
  Process process_;
};

class TestHome {
 public:
  // The one that the tests of this program share; ended at exit.
  static TestHome& shared();
  TestHome();
  ~TestHome();
  TestHome(const TestHome&) = delete;
  TestHome& operator=(const TestHome&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Each starts its server at the first call and throws when that fails.
  PrivatePostgres& postgres();
  PrivateRabbitmq& rabbitmq();
  Role& warehouse();

  std::string postgres_url() { return postgres().url(); }
  std::string rabbitmq_url() { return rabbitmq().url(); }
  // With user and password, when the warehouse has them.
  std::string warehouse_url() { return warehouse().url(); }
  // file:// in this home.
  std::string objects_url() const;

  // A new, empty database on the private PostgreSQL, with migrations/ applied unless told otherwise; its URL.
  std::string fresh_database(bool migrated = true);
  // A name that no other test of this run has; for exchanges, queues, warehouse databases.
  std::string unique_name(const std::string& stem);

  // `dalgona NAME ARGUMENTS...`, not yet started, with the URLs of the stores that run by now, NAME.port and `settings`
  // on top.
  Role prepare_role(const std::string& name, const Settings& settings = {}, std::vector<std::string> arguments = {});
  Role start_role(const std::string& name, const Settings& settings = {}, std::vector<std::string> arguments = {});
  // `dalgona ARGUMENTS...` to its end, with --home and a config file of the settings; gives exit code and output.
  struct Outcome {
    int exit_code = 0;
    std::string output;  // standard output and error
  };
  Outcome run(std::vector<std::string> arguments, const Settings& settings = {},
              std::chrono::milliseconds limit = std::chrono::seconds{60});

 private:
  Settings stores() const;
  std::filesystem::path write_config(const std::string& stem, const Settings& settings);

  std::filesystem::path path_;
  int lock_ = -1;
  int counter_ = 0;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<PrivatePostgres> postgres_;
  std::unique_ptr<PrivateRabbitmq> rabbitmq_;
  std::unique_ptr<Role> warehouse_;
};

}  // namespace dalgona::test
