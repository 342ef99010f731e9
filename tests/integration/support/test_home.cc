#include "support/test_home.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "dalgona/probe.h"

namespace dalgona::test {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "dalgona-test-";

// A home whose program was killed: nobody holds its lock any more.
void remove_left_overs(const fs::path& root) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int fd = ::open((entry.path() / "lock").c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
      end_processes_of_home(entry.path(), std::chrono::seconds{5});
      fs::remove_all(entry.path(), error);
    }
    ::close(fd);
  }
}

std::string yaml_of(const Settings& settings) {
  std::map<std::string, std::string> sections;
  for (const auto& [key, value] : settings) {
    const size_t dot = key.find('.');
    std::string quoted = value;
    if (!value.starts_with('[')) {
      quoted = "\"";
      for (char c : value) quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
      quoted += '"';
    }
    sections[key.substr(0, dot)] += fmt::format("  {}: {}\n", key.substr(dot + 1), quoted);
  }
  std::string text;
  for (const auto& [section, keys] : sections) text += section + ":\n" + keys;
  return text;
}

std::string section_of(std::string role) {
  std::ranges::replace(role, '-', '_');
  return role;
}

}  // namespace

fs::path dalgona_binary() {
  if (const char* given = std::getenv("DALGONA_BIN")) return given;
  for (fs::path folder = self_path().parent_path(); folder != folder.root_path(); folder = folder.parent_path())
    if (fs::is_regular_file(folder / "dalgona")) return folder / "dalgona";
  throw Permanent("the dalgona program is in no folder above this test; set DALGONA_BIN");
}

void Role::start() {
  process_ = Process(command_);
  const auto answers = [this] { return probe::http(port_, "/heartbeat", std::chrono::seconds{2}); };
  if (!probe::wait_until(
          answers, [this] { return process_.running(); }, std::chrono::seconds{60}))
    throw Permanent(
        fmt::format("dalgona {} {}:\n{}", name_,
                    process_.running() ? "does not answer /heartbeat" : "ended: " + describe_exit(process_.stop({})),
                    last_lines(log_, 20)));
}

void Role::kill() {
  process_.stop(std::chrono::seconds{10}, SIGKILL);
}

int Role::stop(std::chrono::milliseconds grace) {
  return process_.stop(grace);
}

std::string Role::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::string Role::log_text() const {
  return read_file(log_);
}

TestHome& TestHome::shared() {
  static TestHome home;
  return home;
}

TestHome::TestHome() {
  const fs::path root = fs::temp_directory_path();
  remove_left_overs(root);
  std::string name = (root / (std::string(kPrefix) + "XXXXXX")).string();
  if (!::mkdtemp(name.data())) throw Permanent(fmt::format("{}: {}", name, std::strerror(errno)));
  path_ = name;
  lock_ = ::open((path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ::flock(lock_, LOCK_EX);
  for (const char* folder : {"run", "logs", "objects"}) fs::create_directory(path_ / folder);
  ports_ = std::make_unique<Ports>(path_ / "run" / "ports");
}

TestHome::~TestHome() {
  if (warehouse_) warehouse_->stop();
  if (rabbitmq_) rabbitmq_->stop(std::chrono::seconds{10});
  if (postgres_) postgres_->stop(std::chrono::seconds{10});
  end_processes_of_home(path_, std::chrono::seconds{2});
  std::error_code error;
  if (std::getenv("KEEP_TEST_HOME"))
    fmt::print(stderr, "kept {}\n", path_.string());
  else
    fs::remove_all(path_, error);
  ::close(lock_);
}

PrivatePostgres& TestHome::postgres() {
  if (!postgres_) {
    auto server = std::make_unique<PrivatePostgres>(
        ChildServerOptions{.home = path_, .port = ports_->take("postgres"), .durable = false});
    server->start(std::chrono::seconds{60});
    postgres_ = std::move(server);
  }
  return *postgres_;
}

PrivateRabbitmq& TestHome::rabbitmq() {
  if (!rabbitmq_) {
    PrivateRabbitmq::Options options;
    options.home = path_;
    options.port = ports_->take("rabbitmq");
    options.distribution_port = ports_->take("rabbitmq_distribution");
    options.epmd_port = ports_->take("rabbitmq_epmd");
    auto server = std::make_unique<PrivateRabbitmq>(options);
    server->start(std::chrono::seconds{90});
    rabbitmq_ = std::move(server);
  }
  return *rabbitmq_;
}

Role& TestHome::warehouse() {
  if (!warehouse_) warehouse_ = std::make_unique<Role>(start_role("warehouse"));
  return *warehouse_;
}

std::string TestHome::objects_url() const {
  return "file://" + (path_ / "objects").string();
}

std::string TestHome::unique_name(const std::string& stem) {
  return fmt::format("{}_{}_{}", stem, ::getpid(), ++counter_);
}

std::string TestHome::fresh_database(bool migrated) {
  const std::string name = unique_name("test");
  const std::string server = postgres_url();
  const std::string url = server.substr(0, server.rfind('/') + 1) + name;
  run_alone<int>([&](asio::io_context& context) -> Task<int> {
    postgres::Pool pool(context.get_executor(), {.url = server, .application_name = "test"});
    co_await pool.execute("CREATE DATABASE " + postgres::identifier(name));
    if (migrated) {
      postgres::Pool fresh(context.get_executor(), {.url = url, .application_name = "test"});
      co_await postgres::migrate(fresh, resource("migrations").string());
    }
    co_return 0;
  });
  return url;
}

Settings TestHome::stores() const {
  Settings all{{"objects.url", objects_url()}};
  if (postgres_) all["postgres.url"] = postgres_->url();
  if (rabbitmq_) all["rabbitmq.url"] = rabbitmq_->url();
  if (warehouse_) all["warehouse.url"] = warehouse_->url();
  return all;
}

fs::path TestHome::write_config(const std::string& stem, const Settings& settings) {
  Settings all = stores();
  for (const auto& [key, value] : settings) all[key] = value;
  const fs::path file = path_ / "run" / fmt::format("{}-{}.yaml", stem, ++counter_);
  write_file(file, yaml_of(all), 0600);
  return file;
}

Role TestHome::prepare_role(const std::string& name, const Settings& settings, std::vector<std::string> arguments) {
  Role role;
  role.name_ = name;
  role.port_ = free_port();
  role.log_ = path_ / "logs" / fmt::format("{}-{}.log", name, ++counter_);
  Settings all = settings;
  const std::string port_key = section_of(name) + ".port";
  if (const auto given = settings.find(port_key); given != settings.end())
    role.port_ = uint16_t(std::stoi(given->second));
  all[port_key] = std::to_string(role.port_);
  const fs::path config = write_config(name, all);
  role.command_.argv = {dalgona_binary().string(), name, "--home", path_.string(), "--config", config.string()};
  role.command_.argv.insert(role.command_.argv.end(), arguments.begin(), arguments.end());
  role.command_.environment = Config::process_environment();
  role.command_.environment[std::string(kHomeMark)] = path_.string();
  role.command_.log = role.log_;
  return role;
}

Role TestHome::start_role(const std::string& name, const Settings& settings, std::vector<std::string> arguments) {
  Role role = prepare_role(name, settings, std::move(arguments));
  role.start();
  return role;
}

TestHome::Outcome TestHome::run(std::vector<std::string> arguments, const Settings& settings,
                                std::chrono::milliseconds limit) {
  Command command;
  command.argv = {dalgona_binary().string()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.argv.insert(command.argv.end(),
                      {"--home", path_.string(), "--config", write_config("run", settings).string()});
  command.environment = Config::process_environment();
  command.environment[std::string(kHomeMark)] = path_.string();
  command.log = path_ / "logs" / fmt::format("run-{}.log", ++counter_);
  Outcome outcome;
  outcome.exit_code = run_to_end(command, limit);
  outcome.output = read_file(command.log);
  return outcome;
}

}  // namespace dalgona::test
