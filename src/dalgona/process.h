// Child processes that never outlive this one: each gets a signal from the kernel when this process dies, however it
// dies.
#pragma once
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace dalgona {

// Set in the environment of every process that belongs to a home (its absolute path), so that what a killed supervisor
// left behind is found again. Not a DALGONA_ name, because those are configuration.
inline constexpr std::string_view kHomeMark = "_DALGONA_OF_HOME";

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};
// By name; nothing when the system has none of that name.
std::optional<Account> find_account(const std::string& name);

struct Command {
  std::vector<std::string> argv;                   // argv[0] is an absolute path; never a secret in here
  std::map<std::string, std::string> environment;  // all of it
  std::filesystem::path folder;                    // working directory; empty: ours
  std::filesystem::path log;                       // standard output and error are appended; empty: thrown away
  std::string input;                               // standard input; empty: nothing
  std::optional<Account> account;                  // run as this one (we are root)
  // An open descriptor of ours that the child sees as number 3; -1: none.
  int keep_descriptor = -1;
  // What the kernel sends when this process dies; 0: nothing, it may outlive us, and has a session of its own.
  int death_signal = SIGTERM;
};

// PATH, LANG and TZ of a child that should see nothing else of our environment, and the mark of its home.
std::map<std::string, std::string> plain_environment(const std::filesystem::path& home);

// One child in a process group of its own (a Ctrl-C at our terminal does not reach it). Not thread-safe. The destructor
// kills what still runs.
class Process {
 public:
  Process() = default;
  // Throws Permanent naming the program and the system's reason.
  explicit Process(const Command& command);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  explicit operator bool() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  bool running();
  // Waits for the end; gives the exit code (128 + signal when a signal ended it), nothing when the time is over first.
  std::optional<int> wait(std::chrono::milliseconds limit);
  void signal(int number) const;
  // `number`, then SIGKILL to its whole session when it has not ended in `grace`. Gives the exit code.
  int stop(std::chrono::milliseconds grace, int number = SIGTERM);
  // Lets it live on without us.
  void release() { forget(); }
  // A descriptor that becomes readable when the child ends; for poll().
  int descriptor() const { return pidfd_; }

 private:
  void forget();
  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> exit_code_;
};

// Runs to the end and gives the exit code; after `limit` it is killed and Retryable thrown.
int run_to_end(const Command& command, std::chrono::milliseconds limit);

// Why a process ended, in words: "exit code 1", "killed by signal 9 (Killed)".
std::string describe_exit(int code);

// Processes that carry the mark of this home, ourselves aside.
struct Stray {
  pid_t pid = 0;
  std::string command_line;
};
std::vector<Stray> processes_of_home(const std::filesystem::path& home);
// Ends them: SIGTERM (SIGINT for PostgreSQL, whose SIGTERM waits for clients), then SIGKILL after `grace`. Gives how
// many there were.
size_t end_processes_of_home(const std::filesystem::path& home, std::chrono::milliseconds grace);

// The last lines of a log, for error messages.
std::string last_lines(const std::filesystem::path& log, size_t count);

}  // namespace dalgona
