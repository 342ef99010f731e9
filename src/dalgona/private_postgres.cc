#include "dalgona/private_postgres.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/probe.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

// Laid into postgresql.conf when the cluster is made; the file is the user's afterwards.
constexpr std::string_view kSettings = R"(
# --- from dalgona; change what you like, port and addresses are given on the command line ---
max_connections = 200
shared_buffers = 64MB
max_wal_size = 512MB
checkpoint_timeout = 10min
wal_compression = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = 'time=%m pid=%p app=%a '
log_min_messages = warning
password_encryption = 'scram-sha-256'
)";

void give(const fs::path& path, const std::optional<Account>& account) {
  if (account && ::lchown(path.c_str(), account->uid, account->gid) != 0)
    throw Permanent(fmt::format("{}: chown: {}", path.string(), std::strerror(errno)));
}

// Whoever owns the data of an earlier run, else an account made for this.
std::optional<Account> choose_account(const fs::path& data) {
  if (::geteuid() != 0) return {};
  struct stat about {};
  if (::stat(data.c_str(), &about) == 0 && about.st_uid != 0) return Account{"", about.st_uid, about.st_gid};
  for (const char* name : {"postgres", "nobody"})
    if (auto account = find_account(name)) return account;
  throw Permanent("PostgreSQL refuses to run as root and the system has neither a user postgres nor nobody");
}

}  // namespace

fs::path PrivatePostgres::binaries() {
  for (const char* folder : {"/usr/lib/postgresql/15/bin", "/usr/pgsql-15/bin"})
    if (::access((fs::path(folder) / "postgres").c_str(), X_OK) == 0 &&
        ::access((fs::path(folder) / "initdb").c_str(), X_OK) == 0)
      return folder;
  return {};
}

PrivatePostgres::PrivatePostgres(ChildServerOptions options)
    : options_(std::move(options)),
      folder_(options_.home / "postgres"),
      binaries_(binaries()),
      log_(options_.home / "logs" / "postgres.log") {
  if (binaries_.empty())
    throw Permanent("PostgreSQL 15 is not installed; run `./run setup`, or set postgres.url to a server of yours");
}

PrivatePostgres::~PrivatePostgres() {
  if (folder_descriptor_ >= 0) ::close(folder_descriptor_);
}

Command PrivatePostgres::command(const std::string& program, std::vector<std::string> arguments) const {
  Command command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), (binaries_ / program).string());
  command.environment = plain_environment(options_.home);
  command.folder = "/";
  command.log = log_;
  command.account = account_;
  command.keep_descriptor = folder_descriptor_;
  return command;
}

std::string PrivatePostgres::data_path(const std::string& folder) const {
  // The account may not be allowed to walk to our home (a clone below /root), but it owns the folder: an open
  // descriptor leads there without the walk.
  if (folder_descriptor_ >= 0) return "/proc/self/fd/3/" + folder;
  return (folder_ / folder).string();
}

void PrivatePostgres::single_user(const std::string& folder, const std::string& sql) const {
  Command single =
      command("postgres", {"--single", "-D", data_path(folder), "-c", "log_min_messages=warning", "postgres"});
  single.input = sql + "\n";
  const int code = run_to_end(single, std::chrono::seconds{60});
  if (code != 0) throw Permanent(fmt::format("postgres --single: {}:\n{}", describe_exit(code), last_lines(log_, 5)));
}

void PrivatePostgres::initialise() {
  // Made beside and renamed, so that a kill in the middle leaves nothing half made.
  const fs::path fresh = folder_ / "data.new";
  fs::remove_all(fresh);
  const fs::path password_copy = folder_ / "initdb.password";
  write_file(password_copy, password_ + "\n", 0600);
  give(password_copy, account_);
  std::vector<std::string> arguments{"-D",       data_path("data.new"),
                                     "-U",       "dalgona",
                                     "-E",       "UTF8",
                                     "--locale", "C.UTF-8",
                                     "--auth",   "scram-sha-256",
                                     "--pwfile", data_path("initdb.password"),
                                     "-N"};  // no fsync of each file: everything is synced below, at once
  const int code = run_to_end(command("initdb", arguments), std::chrono::seconds{120});
  fs::remove(password_copy);
  if (code != 0) throw Permanent(fmt::format("initdb: {}:\n{}", describe_exit(code), last_lines(log_, 8)));
  {
    std::ofstream conf(fresh / "postgresql.conf", std::ios::app);
    conf << kSettings;
    if (!conf.flush())
      throw Retryable(fmt::format("{}: {}", (fresh / "postgresql.conf").string(), std::strerror(errno)));
  }
  single_user("data.new", "CREATE DATABASE dalgona TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
  if (options_.durable) {
    const int fd = ::open(fresh.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
      ::syncfs(fd);
      ::close(fd);
    }
  }
  fs::rename(fresh, folder_ / "data");
}

void PrivatePostgres::prepare() {
  private_folder(folder_);
  private_folder(log_.parent_path());
  const fs::path file = folder_ / "password";
  password_lost_ |= !fs::exists(file) && fs::exists(folder_ / "data");
  password_ = private_password(file);
}

bool PrivatePostgres::ready() const {
  // The postmaster writes its state into the eighth line; pg_ctl reads it there too.
  std::ifstream file(folder_ / "data" / "postmaster.pid");
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number == 1 && line != std::to_string(server_.pid())) return false;
    if (number == 8) return line.starts_with("ready");
  }
  return false;
}

void PrivatePostgres::start(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  prepare();
  account_ = choose_account(folder_ / "data");
  give(folder_, account_);
  if (account_ && folder_descriptor_ < 0) {
    folder_descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_descriptor_ < 0) throw Permanent(fmt::format("{}: {}", folder_.string(), std::strerror(errno)));
  }
  if (!fs::exists(folder_ / "data" / "PG_VERSION")) initialise();
  // Nothing of this home runs any more (the caller saw to it); a left-over pid file may name a stranger's process.
  fs::remove(folder_ / "data" / "postmaster.pid");
  if (std::exchange(password_lost_, false))
    single_user("data", fmt::format("ALTER ROLE dalgona PASSWORD '{}'", password_));

  std::vector<std::string> arguments{"-D", data_path("data"), "-p", std::to_string(options_.port)};
  for (std::string_view setting : {"listen_addresses=127.0.0.1", "unix_socket_directories=", "cluster_name=dalgona",
                                   "logging_collector=off", "log_destination=stderr"}) {
    arguments.emplace_back("-c");
    arguments.emplace_back(setting);
  }
  if (!options_.durable) arguments.insert(arguments.end(), {"-c", "fsync=off", "-c", "full_page_writes=off"});
  Command postgres = command("postgres", arguments);
  postgres.death_signal = SIGINT;  // fast shutdown; SIGTERM would wait for clients
  for (;;) {
    server_ = Process(postgres);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (probe::wait_until([this] { return ready() && healthy(); }, [this] { return !cancelled_ && server_.running(); },
                          left))
      return;
    const bool ended = !server_.running();
    if (cancelled_) throw Cancelled();
    const int code = server_.stop(std::chrono::seconds{5}, SIGQUIT);
    const std::string why = last_lines(log_, 5);
    // Sessions of a killed postmaster hold its shared memory until they notice.
    if (ended && why.find("shared memory block") != std::string::npos && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
      continue;
    }
    throw Permanent(fmt::format("PostgreSQL {}; see {}:\n{}",
                                ended ? "ended at once: " + describe_exit(code)
                                      : fmt::format("was not ready within {} s", limit.count() / 1000),
                                log_.string(), why));
  }
}

bool PrivatePostgres::healthy() {
  return probe::postgres(options_.port, std::chrono::seconds{2});
}

void PrivatePostgres::stop(std::chrono::milliseconds grace) {
  if (server_) server_.stop(grace, SIGINT);
}

std::string PrivatePostgres::url() const {
  return fmt::format("postgres://dalgona:{}@127.0.0.1:{}/dalgona", password_, options_.port);
}

}  // namespace dalgona
