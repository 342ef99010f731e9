#include "dalgona/doctor.h"

#include <array>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <fstream>
#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/config.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/resources.h"
#include "dalgona/home_lock.h"
#include "dalgona/home_status.h"
#include "dalgona/ports.h"
#include "dalgona/private_postgres.h"
#include "dalgona/private_rabbitmq.h"
#include "dalgona/process.h"
#include "dalgona/roles.h"
#include "dalgona/up_cli.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

using Grade = Finding::Grade;

class Examination {
 public:
  explicit Examination(fs::path home) : home_(std::move(home)) {}
  std::vector<Finding> findings;

  void good(const std::string& subject, const std::string& detail) {
    findings.push_back({Grade::kGood, subject, detail, ""});
  }
  void warn(const std::string& subject, const std::string& detail, const std::string& mend) {
    findings.push_back({Grade::kWarning, subject, detail, mend});
  }
  void bad(const std::string& subject, const std::string& detail, const std::string& mend) {
    findings.push_back({Grade::kBad, subject, detail, mend});
  }

  void system() {
    std::ifstream release("/etc/os-release");
    std::string line, id, version;
    while (std::getline(release, line)) {
      if (line.starts_with("ID=")) id = line.substr(3);
      if (line.starts_with("VERSION_ID=")) version = line.substr(11);
    }
    if (id == "debian" && version == "\"12\"")
      good("system", "Debian 12");
    else
      warn("system", fmt::format("{} {}", id, version), "dalgona is made for and tested on Debian 12");
    if (const char* chosen = std::setlocale(LC_ALL, "C.UTF-8"); chosen)
      good("locale", chosen);
    else
      bad("locale", "C.UTF-8 is missing", "install the package libc-bin");
    std::setlocale(LC_ALL, "C");
  }

  void limits() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const auto text = fmt::format("{} open files (at most {})", files.rlim_cur, files.rlim_max);
    if (files.rlim_max >= 4096)  // `up` raises the soft limit by itself
      good("limits", text);
    else
      warn("limits", text, "raise nofile in /etc/security/limits.conf");
  }

  void memory() {
    std::ifstream file("/proc/meminfo");
    std::string name, unit;
    uint64_t kib = 0, available = 0;
    while (file >> name >> kib >> unit)
      if (name == "MemAvailable:") available = kib << 10;
    const auto text = fmt::format("{} MiB available", available >> 20);
    if (available >= 1536ull << 20)
      good("memory", text);
    else
      warn("memory", text, "everything idle takes about 1.2 GiB; end other programs or add memory");
  }

  void disk() {
    fs::path place = home_;
    while (!fs::exists(place)) place = place.parent_path();
    struct statvfs about {};
    if (::statvfs(place.c_str(), &about) != 0) {
      bad("disk space", fmt::format("{}: {}", place.string(), std::strerror(errno)), "make the folder reachable");
      return;
    }
    const uint64_t free = uint64_t(about.f_bavail) * about.f_frsize;
    const auto text = fmt::format("{} MiB free at {}", free >> 20, place.string());
    if (free < 1ull << 30)
      bad("disk space", text, "free some: below 512 MiB the broker blocks publishers, and then nothing is written");
    else if (free < 4ull << 30)
      warn("disk space", text, "free some before it runs out");
    else
      good("disk space", text);
    if (about.f_favail < 10'000 && about.f_files > 0)
      bad("inodes", fmt::format("{} left at {}", about.f_favail, place.string()), "delete small files");
  }

  void clock() {
    timex about{};
    const int state = ::adjtimex(&about);
    if (system_clock().now() < parse_time("2026-01-01"))
      bad("clock", to_iso(system_clock().now()) + " is in the past", "set the clock: `timedatectl set-ntp true`");
    else if (state == TIME_ERROR || (about.status & STA_UNSYNC))
      warn("clock", to_iso(system_clock().now()) + ", not synchronised",
           "`timedatectl set-ntp true`; observations carry this machine's time");
    else
      good("clock", to_iso(system_clock().now()) + ", synchronised");
  }

  void loopback() {
    addrinfo hints{}, *found = nullptr;
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    bool right = false;
    if (::getaddrinfo("localhost", nullptr, &hints, &found) == 0) {
      std::array<char, 64> text{};
      ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
      right = std::string_view(text.data()).starts_with("127.");
      ::freeaddrinfo(found);
    }
    if (right)
      good("loopback", "localhost is 127.0.0.1");
    else
      bad("loopback", "the name localhost does not lead to 127.0.0.1",
          "add the line `127.0.0.1 localhost` to /etc/hosts");
  }

  void config(const std::string& file) {
    try {
      config_ = Config::load({.home = home_,
                              .file = file.empty() ? std::nullopt : std::optional<fs::path>(file),
                              .environment = Config::process_environment()});
      good("configuration", "every key is known");
    } catch (const std::exception& e) {
      bad("configuration", e.what(), "correct that line");
    }
  }

  void tools() {
    const fs::path postgres = PrivatePostgres::binaries();
    if (!url("postgres.url").empty() && !generated("postgres.url"))
      good("PostgreSQL", "somebody else's: " + log::without_password(url("postgres.url")));
    else if (postgres.empty())
      bad("PostgreSQL", "version 15 is not installed", "`./run setup`, or set postgres.url");
    else if (::geteuid() == 0 && !find_account("postgres") && !find_account("nobody"))
      bad("PostgreSQL", "refuses to run as root, and there is neither a user postgres nor nobody",
          "adduser --system nobody");
    else
      good("PostgreSQL", output({(postgres / "postgres").string(), "--version"}));
    const fs::path rabbitmq = PrivateRabbitmq::installation();
    if (!url("rabbitmq.url").empty() && !generated("rabbitmq.url"))
      good("RabbitMQ", "somebody else's: " + log::without_password(url("rabbitmq.url")));
    else if (rabbitmq.empty())
      bad("RabbitMQ", "is not installed", "`./run setup`, or set rabbitmq.url");
    else if (::access("/usr/bin/erl", X_OK) != 0 || ::access("/usr/bin/epmd", X_OK) != 0)
      bad("RabbitMQ", "Erlang is not installed", "`./run setup`");
    else
      good("RabbitMQ", rabbitmq.filename().string());
    if (url("warehouse.url").empty() || generated("warehouse.url")) {
      const fs::path engine = resource("node_modules/@chdb/lib-linux-x64-gnu/libchdb.so");
      if (fs::exists(engine))
        good("warehouse engine", engine.string());
      else
        bad("warehouse engine", engine.string() + " is missing", "`./run setup`, or set warehouse.url");
    }
    if (fs::exists("/usr/lib/python3/dist-packages/jinja2"))
      good("Jinja", "Debian's python3-jinja2");
    else
      bad("Jinja", "python3-jinja2 is not installed; models cannot be compiled", "`./run setup`");
  }

  void files() {
    if (!fs::exists(home_)) {
      fs::path parent = home_.parent_path();
      while (!fs::exists(parent)) parent = parent.parent_path();
      if (::access(parent.c_str(), W_OK) == 0)
        good("home", home_.string() + " will be made");
      else
        bad("home", home_.string() + " cannot be made", "choose another with --home");
      return;
    }
    if (::access(home_.c_str(), W_OK | X_OK) != 0) {
      bad("home", home_.string() + " is not writable", fmt::format("chown -R {} {}", ::getuid(), home_.string()));
      return;
    }
    good("home", home_.string());
    for (const char* name : {"postgres/password", "rabbitmq/password", "rabbitmq/.erlang.cookie",
                             "rabbitmq/rabbitmq.config", "run/stores.yaml"}) {
      struct stat about {};
      const fs::path file = home_ / name;
      if (::stat(file.c_str(), &about) == 0 && (about.st_mode & 077))
        bad("secrets", file.string() + " can be read by others", "chmod go-rwx " + file.string());
    }
  }

  void running() {
    status_ = home_status(home_);
    if (status_.up) {
      for (const auto& part : status_.state.parts)
        if (part.answers)
          good(part.name, fmt::format("answers on 127.0.0.1:{}", part.port));
        else
          bad(part.name, part.trouble.empty() ? "does not answer" : part.trouble.substr(0, part.trouble.find('\n')),
              fmt::format("read {}", (home_ / "logs" / (part.name + ".log")).string()));
    } else if (status_.strays) {
      bad("left behind", fmt::format("{} processes of a killed run", status_.strays), "`dalgona down` ends them");
    } else if (fs::exists(home_ / "run" / "up.json") || fs::exists(home_ / "postgres" / "data" / "postmaster.pid")) {
      good("left behind", "files of a killed run; the next `up` clears them away");
    }
  }

  void ports() {
    if (!config_ || status_.up) return;
    for (const RoleSpec& role : known_roles()) {
      int64_t port = 0;
      try {
        port = config_->integer(fmt::format("{}.port", role.section));
      } catch (const Error&) {
        continue;
      }
      if (port != 0 && !port_is_free(uint16_t(port)))
        bad("port", fmt::format("{} of {} is taken by another program", port, role.command),
            fmt::format("change {}.port or end that program (ss -ltnp 'sport = :{}')", role.section, port));
    }
  }

  void remote_stores() {
    for (const char* key : {"postgres.url", "rabbitmq.url", "warehouse.url"}) {
      const std::string address = url(key);
      if (address.empty() || generated(key)) continue;
      const std::string shown = log::without_password(address);
      if (const std::string reason = connect_reason(address, key); reason.empty())
        good(key, shown + " accepts connections");
      else
        bad(key, fmt::format("{}: {}", shown, reason), "start that server, or correct the URL");
    }
  }

 private:
  std::string url(const std::string& key) const { return config_ ? config_->text(key) : ""; }
  // From `up` itself, not from the user.
  bool generated(const std::string& key) const {
    if (!config_) return false;
    for (const auto& entry : config_->entries())
      if (entry.key == key) return entry.origin.find("run/stores.yaml") != std::string::npos;
    return false;
  }

  static std::string output(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
    const fs::path log = fs::temp_directory_path() / fmt::format("dalgona-doctor-{}", ::getpid());
    command.log = log;
    std::string text;
    try {
      run_to_end(command, std::chrono::seconds{10});
      text = last_lines(log, 1);
    } catch (const std::exception& e) {
      text = e.what();
    }
    fs::remove(log);
    return text;
  }

  // Empty when host:port of the URL accepts a connection.
  static std::string connect_reason(const std::string& address, std::string_view key) {
    const size_t scheme = address.find("://");
    if (scheme == std::string::npos) return "not a URL";
    std::string authority = address.substr(scheme + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    if (const size_t at = authority.rfind('@'); at != std::string::npos) authority = authority.substr(at + 1);
    const size_t colon = authority.rfind(':');
    std::string host = authority.substr(0, colon);
    std::string port = colon == std::string::npos ? "" : authority.substr(colon + 1);
    if (port.empty()) port = key == "postgres.url" ? "5432" : key == "rabbitmq.url" ? "5672" : "8123";
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0)
      return ::gai_strerror(code);
    std::string reason = "no address";
    for (const addrinfo* one = found; one && !reason.empty(); one = one->ai_next) {
      const int fd = ::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (fd < 0) continue;
      int error = ::connect(fd, one->ai_addr, one->ai_addrlen) == 0 ? 0 : errno;
      if (error == EINPROGRESS) {
        pollfd wait{fd, POLLOUT, 0};
        socklen_t size = sizeof error;
        if (::poll(&wait, 1, 3000) <= 0)
          error = ETIMEDOUT;
        else
          ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
      }
      reason = error == 0 ? "" : std::strerror(error);
      ::close(fd);
    }
    ::freeaddrinfo(found);
    return reason;
  }

  fs::path home_;
  std::optional<Config> config_;
  HomeStatus status_;
};

}  // namespace

std::vector<Finding> examine(const fs::path& home, const std::string& config_file) {
  Examination all(home);
  all.system();
  all.limits();
  all.memory();
  all.disk();
  all.clock();
  all.loopback();
  all.config(config_file);
  all.tools();
  all.files();
  all.running();
  all.ports();
  all.remote_stores();
  return all.findings;
}

void register_doctor(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("doctor", "Find what is wrong with this machine or home, and say how to mend it");
  auto common = cli::common_options(*command, true);
  command->callback([common] {
    const auto findings = examine(fs::absolute(common->home).lexically_normal(), common->config);
    bool bad = false;
    boost::json::array json;
    for (const Finding& finding : findings) {
      const char* grade = finding.grade == Grade::kGood ? "good" : finding.grade == Grade::kWarning ? "warning" : "bad";
      bad |= finding.grade == Grade::kBad;
      if (common->json) {
        json.push_back(
            {{"grade", grade}, {"subject", finding.subject}, {"detail", finding.detail}, {"mend", finding.mend}});
        continue;
      }
      std::cout << fmt::format("{:<8} {:<17} {}\n", grade, finding.subject, finding.detail);
      if (!finding.mend.empty()) std::cout << fmt::format("{:<26} -> {}\n", "", finding.mend);
    }
    if (common->json) std::cout << boost::json::serialize(json) << "\n";
    cli::set_exit_code(bad ? 1 : 0);
  });
}

}  // namespace dalgona
