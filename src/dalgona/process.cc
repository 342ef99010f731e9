#include "dalgona/process.h"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

using SteadyClock = std::chrono::steady_clock;

// The death signal is sent when the thread that forked ends, not the process. So all children are forked by one thread
// that lives as long as the process.
class ForkingThread {
 public:
  static ForkingThread& instance() {
    static ForkingThread* const thread = new ForkingThread;  // never destroyed: its children must not die at exit()
    return *thread;
  }
  pid_t fork_by(const std::function<pid_t()>& f) {
    const std::scoped_lock one(callers_);
    std::unique_lock lock(mutex_);
    work_ = &f;
    changed_.notify_all();
    changed_.wait(lock, [this] { return work_ == nullptr; });
    return result_;
  }

 private:
  ForkingThread() {
    std::thread([this] {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, nullptr);
      std::unique_lock lock(mutex_);
      for (;;) {
        changed_.wait(lock, [this] { return work_ != nullptr; });
        result_ = (*work_)();
        work_ = nullptr;
        changed_.notify_all();
      }
    }).detach();
  }
  std::mutex callers_, mutex_;
  std::condition_variable changed_;
  const std::function<pid_t()>* work_ = nullptr;
  pid_t result_ = -1;
};

struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  explicit Descriptor(int number) : fd(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// What the child needs, laid out before fork(): after it, only system calls are allowed.
struct Plan {
  std::vector<char*> argv, environment;
  const char* folder = nullptr;
  int input = -1, output = -1, keep = -1, failure = -1;
  bool change_account = false;
  uid_t uid = 0;
  gid_t gid = 0;
  int death_signal = SIGTERM;
  pid_t parent = 0;
};

[[noreturn]] void become(const Plan& plan) {
  // A group; a session only for who outlives ours: the kernel may share the processors out by sessions, and priorities
  // count within one only (docs/traps.md).
  if (plan.death_signal == 0)
    ::setsid();
  else
    ::setpgid(0, 0);
  // Numbers first, out of the way of the targets 0 to 3.
  const int input = ::fcntl(plan.input, F_DUPFD_CLOEXEC, 10), output = ::fcntl(plan.output, F_DUPFD_CLOEXEC, 10);
  const int failure = ::fcntl(plan.failure, F_DUPFD_CLOEXEC, 10);
  const int keep = plan.keep < 0 ? -1 : ::fcntl(plan.keep, F_DUPFD_CLOEXEC, 10);
  const auto fail = [failure](int step) {
    const std::array<int, 2> reason{step, errno};
    [[maybe_unused]] const ssize_t put = ::write(failure, reason.data(), sizeof reason);
    ::_exit(127);
  };
  if (input < 0 || output < 0 || failure < 0) fail(0);
  if (::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) fail(0);
  if (keep >= 0 && ::dup2(keep, 3) < 0) fail(0);
  ::syscall(SYS_close_range, keep >= 0 ? 4u : 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  ::umask(077);
  if (plan.change_account) {
    // The raw calls: the C library's wrappers speak to other threads, which do not exist here.
    const gid_t gid = plan.gid;
    if (::syscall(SYS_setgroups, 1, &gid) != 0 || ::syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        ::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0)
      fail(1);
  }
  // After the change of account, which would clear it.
  if (::prctl(PR_SET_PDEATHSIG, plan.death_signal) != 0) fail(0);
  if (::getppid() != plan.parent) ::_exit(127);  // it died in between
  if (plan.folder && ::chdir(plan.folder) != 0) fail(2);
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.argv[0], plan.argv.data(), plan.environment.data());
  fail(3);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

int open_input(const std::string& bytes) {
  if (bytes.empty()) return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int fd = ::memfd_create("input", MFD_CLOEXEC);
  if (fd < 0) return fd;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t put = ::write(fd, rest.data(), rest.size());
    if (put < 0) return -1;
    rest.remove_prefix(size_t(put));
  }
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

std::string process_file(pid_t pid, const char* name) {
  std::ifstream file(fmt::format("/proc/{}/{}", pid, name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return {};
  return Account{name, found->pw_uid, found->pw_gid};
}

std::map<std::string, std::string> plain_environment(const fs::path& home) {
  return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          {"LANG", "C.UTF-8"},
          {"LC_ALL", "C.UTF-8"},
          {"TZ", "UTC"},
          {std::string(kHomeMark), home.string()}};
}

Process::Process(const Command& command) {
  const auto fail = [&](std::string_view step) {
    throw Permanent(fmt::format("{}: {}: {}", command.argv.at(0), step, std::strerror(errno)));
  };
  std::vector<std::string> argv = command.argv, environment;
  for (const auto& [name, value] : command.environment) environment.push_back(fmt::format("{}={}", name, value));
  Plan plan;
  plan.argv = pointers(argv);
  plan.environment = pointers(environment);
  const std::string folder = command.folder.string();
  if (!folder.empty()) plan.folder = folder.c_str();
  const Descriptor input(open_input(command.input));
  if (input.fd < 0) fail("standard input");
  const Descriptor output(command.log.empty()
                              ? ::open("/dev/null", O_WRONLY | O_CLOEXEC)
                              : ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (output.fd < 0) fail(command.log.string());
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) fail("pipe");
  const Descriptor failure_in(pipe[0]);
  plan.input = input.fd;
  plan.output = output.fd;
  plan.keep = command.keep_descriptor;
  plan.death_signal = command.death_signal;
  plan.parent = ::getpid();
  if (command.account && command.account->uid != ::geteuid()) {
    plan.change_account = true;
    plan.uid = command.account->uid;
    plan.gid = command.account->gid;
  }
  {
    const Descriptor failure_out(pipe[1]);
    plan.failure = failure_out.fd;
    pid_ = ForkingThread::instance().fork_by([&plan] {
      const pid_t pid = ::fork();
      if (pid == 0) become(plan);
      return pid;
    });
    if (pid_ < 0) fail("fork");
  }
  pidfd_ = int(::syscall(SYS_pidfd_open, pid_, 0));
  std::array<int, 2> reason{};
  ssize_t got = 0;
  do got = ::read(failure_in.fd, reason.data(), sizeof reason);
  while (got < 0 && errno == EINTR);
  if (got == ssize_t(sizeof reason)) {
    wait(std::chrono::seconds{5});
    forget();
    constexpr std::array<std::string_view, 4> kSteps{"start", "change of account", "working directory", "exec"};
    errno = reason[1];
    fail(kSteps.at(size_t(reason[0])));
  }
}

Process::~Process() {
  if (running()) stop(std::chrono::milliseconds{0}, SIGKILL);
  forget();
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      exit_code_(std::exchange(other.exit_code_, {})) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(exit_code_, other.exit_code_);
  return *this;
}

void Process::forget() {
  if (pidfd_ >= 0) ::close(pidfd_);
  pidfd_ = -1;
  pid_ = -1;
}

bool Process::running() {
  return pid_ > 0 && !wait(std::chrono::milliseconds{0});
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  if (pid_ <= 0) return exit_code_;
  if (exit_code_) return exit_code_;
  const auto deadline = SteadyClock::now() + limit;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      return exit_code_;
    }
    if (ended < 0 && errno != EINTR) {
      exit_code_ = 127;  // somebody else reaped it
      return exit_code_;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return {};
    pollfd ready{pidfd_, POLLIN, 0};
    ::poll(&ready, 1, int(std::min<int64_t>(left, 60'000)));
  }
}

void Process::signal(int number) const {
  if (pid_ > 0 && !exit_code_) ::kill(pid_, number);
}

int Process::stop(std::chrono::milliseconds grace, int number) {
  if (pid_ <= 0) return exit_code_.value_or(0);
  signal(number);
  if (const auto code = wait(grace)) return *code;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  return wait(std::chrono::seconds{10}).value_or(137);
}

int run_to_end(const Command& command, std::chrono::milliseconds limit) {
  Process process(command);
  if (const auto code = process.wait(limit)) return *code;
  process.stop(std::chrono::milliseconds{0}, SIGKILL);
  throw Retryable(fmt::format("{} did not end within {} s", command.argv[0], limit.count() / 1000));
}

std::string describe_exit(int code) {
  if (code > 128 && code < 128 + NSIG)
    return fmt::format("killed by signal {} ({})", code - 128, ::strsignal(code - 128));
  return fmt::format("exit code {}", code);
}

std::vector<Stray> processes_of_home(const fs::path& home) {
  const std::string mark = fmt::format("{}={}", kHomeMark, home.string());
  std::vector<Stray> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::atoi(name.c_str());
    if (pid == ::getpid()) continue;
    const std::string environment = process_file(pid, "environ");
    bool marked = false;
    for (std::string_view pair : split(environment, '\0')) marked |= pair == mark;
    if (!marked) continue;
    std::string command_line = process_file(pid, "cmdline");
    if (command_line.empty()) continue;  // a zombie
    for (char& c : command_line)
      if (c == '\0') c = ' ';
    all.push_back({pid, std::string(trim(command_line))});
  }
  return all;
}

size_t end_processes_of_home(const fs::path& home, std::chrono::milliseconds grace) {
  const auto deadline = SteadyClock::now() + grace;
  const std::vector<Stray> first = processes_of_home(home);
  for (const Stray& stray : first)
    ::kill(stray.pid, stray.command_line.find("/postgres ") != std::string::npos ? SIGINT : SIGTERM);
  for (;;) {
    const std::vector<Stray> left = processes_of_home(home);
    if (left.empty()) return first.size();
    if (SteadyClock::now() >= deadline)
      for (const Stray& stray : left) ::kill(stray.pid, SIGKILL);
    if (SteadyClock::now() >= deadline + std::chrono::seconds{10})
      throw Permanent(
          fmt::format("process {} ({}) of {} cannot be ended", left[0].pid, left[0].command_line, home.string()));
    // Strangers' children: there is nothing to wait on but /proc.
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

std::string last_lines(const fs::path& log, size_t count) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size = int64_t(file.tellg());
  file.seekg(std::max<int64_t>(0, size - 16384));
  const std::string tail{std::istreambuf_iterator<char>(file), {}};
  auto lines = split(trim(tail), '\n');
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - int64_t(count));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace dalgona
