// `dalgona up`: starts the private stores and the roles of one home, side by side where they do not need one another,
// restarts what dies, and stops all in the opposite order.
#pragma once
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "dalgona/child_server.h"
#include "dalgona/home_lock.h"
#include "dalgona/ports.h"

namespace dalgona {

// The state of a home, as `up` writes it into HOME/run/up.json for `status` and `up --detach`.
enum class PartState { kWaiting, kStarting, kHealthy, kSilent, kRestarting, kStopped };
std::string_view to_text(PartState state);

class Supervisor {
 public:
  struct Options {
    std::filesystem::path home;                                   // absolute
    std::string config_file;                                      // --config, absolute; may be empty
    std::vector<std::string> with, without;                       // roles beside those of up.roles, and not
    std::map<std::string, std::string> settings{};                // "section.key" -> value, for this run of the roles
    std::function<bool(const std::string& command)> has_command;  // this program can run the role
    std::function<void(const std::string& line)> print;
    // Called by run() on its thread: once when everything answers, and once before anything is stopped. Both must
    // return soon.
    std::function<void()> on_up{}, on_stopping{};
  };
  // Takes the home's lock and ends what a killed supervisor left behind. Throws InvalidInput when the home is already
  // up.
  explicit Supervisor(Options options);
  ~Supervisor();

  // Starts everything, keeps it running until SIGTERM or SIGINT, stops it; gives the exit code. Throws when something
  // does not come up; all is stopped again then. Blocks these two signals in the calling thread: call it before any
  // other thread is made.
  int run();
  // Asks run() to stop everything and return. Thread-safe.
  void stop();

 private:
  struct Part {
    std::unique_ptr<ChildServer> server;
    std::vector<std::string> after;
    bool is_store = false;
    PartState state = PartState::kWaiting;
    bool was_ready = false;
    int restarts = 0;
    pid_t pid = -1;
    Time since{};
    std::string trouble;  // last error, for the state file
    std::thread thread;
  };

  void choose_parts();
  void add_store(std::unique_ptr<ChildServer> server);
  void write_stores_file() const;
  void write_state();  // under mutex_
  void keep(Part& part);
  bool start_once(Part& part, int attempt);
  bool watch(Part& part);  // true: it died; false: stopping
  void migrate();
  void register_sandbox_key();
  std::string postgres_url() const;
  void stop_all();
  void rotate_logs() const;
  void set(Part& part, PartState state, const std::string& trouble = {});
  bool wait_stopping(std::chrono::milliseconds time);  // true when stopping

  Options options_;
  HomeLock lock_;
  Config config_;
  Ports ports_;
  std::map<std::string, std::string> overlay_;  // "section.key" -> value, for run/stores.yaml
  std::vector<std::unique_ptr<Part>> parts_;    // in the order of starting

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string phase_ = "starting";
  std::string failure_;  // why `up` gives up
  int stop_event_ = -1;  // readable for ever once everything is being stopped
  int wish_event_ = -1;  // stop() was called
  Time since_{};
};

}  // namespace dalgona
