#include "command_line.h"

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::test {
namespace fs = std::filesystem;

std::vector<std::string> Outcome::lines() const {
  std::vector<std::string> found;
  for (const auto line : split(out, '\n')) found.emplace_back(line);
  if (!found.empty() && found.back().empty()) found.pop_back();
  return found;
}

fs::path dalgona_program() {
  if (const char* given = std::getenv("DALGONA_BIN")) return given;
  for (fs::path folder = self_path().parent_path(); folder != folder.root_path(); folder = folder.parent_path())
    if (fs::is_regular_file(folder / "dalgona")) return folder / "dalgona";
  throw Permanent("the dalgona program is in no folder above this test; set DALGONA_BIN");
}

CommandLine::CommandLine() {
  std::string name = (fs::temp_directory_path() / "dalgona-cli-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw Permanent("mkdtemp failed");
  folder_ = name;
}

CommandLine::~CommandLine() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string CommandLine::file(const std::string& name, std::string_view bytes) {
  std::ofstream(folder_ / name, std::ios::binary) << bytes;
  return (folder_ / name).string();
}

Outcome CommandLine::run(const std::vector<std::string>& arguments, std::string_view input) {
  const std::string in = file(".in", input), out = folder_ / ".out", error = folder_ / ".error";
  std::vector<std::string> all{dalgona_program().string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t streams;
  ::posix_spawn_file_actions_init(&streams);
  ::posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&streams, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_addopen(&streams, STDERR_FILENO, error.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv[0], &streams, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&streams);
  if (failed) throw Permanent("can't run " + all[0]);

  // A child that hangs is ended by the alarm that interrupts waiting for it.
  struct sigaction wake {};
  wake.sa_handler = [](int) {};
  struct sigaction before {};
  ::sigaction(SIGALRM, &wake, &before);
  ::alarm(120);
  int status = 0;
  if (::waitpid(child, &status, 0) != child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    ADD_FAILURE() << all[0] << " did not end";
  }
  ::alarm(0);
  ::sigaction(SIGALRM, &before, nullptr);
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(error)};
  if (WIFSIGNALED(status)) ADD_FAILURE() << "ended by signal " << WTERMSIG(status) << "\n" << outcome.error;
  return outcome;
}

}  // namespace dalgona::test
