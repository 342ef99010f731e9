#include "dalgona/supervisor.h"

#include <algorithm>
#include <csignal>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/async.h"
#include "base/errors.h"
#include "base/postgres/postgres.h"
#include "base/resources.h"
#include "base/text.h"
#include "beat/credentials.h"
#include "dalgona/private_postgres.h"
#include "dalgona/private_rabbitmq.h"
#include "dalgona/role_process.h"
#include "dalgona/roles.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Removes what an earlier run generated, so that its URLs do not look like the user's.
Config load_config(const Supervisor::Options& options) {
  fs::remove(options.home / "run" / "stores.yaml");
  return Config::load(
      {.home = options.home,
       .file = options.config_file.empty() ? std::nullopt : std::optional<fs::path>(options.config_file),
       .environment = Config::process_environment()});
}

bool has_key(const Config& config, const std::string& key) {
  try {
    (void)config.is_set(key);
    return true;
  } catch (const Permanent&) {
    return false;
  }
}

// A login session's soft limit is often 1024: too few for thousands of tasks in flight. The children inherit ours.
void raise_open_files() {
  constexpr rlim_t kWanted = 65536;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kWanted) return;
  files.rlim_cur = std::min(files.rlim_max, kWanted);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

}  // namespace

std::string_view to_text(PartState state) {
  switch (state) {
    case PartState::kWaiting:
      return "waiting";
    case PartState::kStarting:
      return "starting";
    case PartState::kHealthy:
      return "healthy";
    case PartState::kSilent:
      return "silent";
    case PartState::kRestarting:
      return "restarting";
    case PartState::kStopped:
      return "stopped";
  }
  return "";
}

Supervisor::Supervisor(Options options)
    : options_(std::move(options)),
      lock_(options_.home),
      config_(load_config(options_)),
      ports_(options_.home / "run" / "ports"),
      overlay_(options_.settings),
      stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      wish_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Nobody else holds the lock, so whatever carries this home's mark was left behind by a killed supervisor.
  if (const size_t strays = end_processes_of_home(options_.home, seconds{15}))
    options_.print(fmt::format("ended {} processes that a killed run had left behind", strays));
  private_folder(options_.home / "logs");
  raise_open_files();
  choose_parts();
}

Supervisor::~Supervisor() {
  ::close(stop_event_);
  ::close(wish_event_);
}

void Supervisor::add_store(std::unique_ptr<ChildServer> server) {
  server->prepare();
  overlay_[server->name() + ".url"] = server->url();
  auto part = std::make_unique<Part>();
  part->server = std::move(server);
  part->is_store = true;
  parts_.push_back(std::move(part));
}

void Supervisor::choose_parts() {
  if (config_.text("rabbitmq.url").empty()) {  // the slowest, so it is started first
    PrivateRabbitmq::Options rabbitmq;
    rabbitmq.home = options_.home;
    rabbitmq.port = ports_.take("rabbitmq");
    rabbitmq.distribution_port = ports_.take("rabbitmq_distribution");
    rabbitmq.epmd_port = ports_.take("rabbitmq_epmd");
    add_store(std::make_unique<PrivateRabbitmq>(rabbitmq));
  }
  if (config_.text("postgres.url").empty())
    add_store(
        std::make_unique<PrivatePostgres>(ChildServerOptions{.home = options_.home, .port = ports_.take("postgres")}));
  if (config_.text("objects.url").empty()) {
    private_folder(options_.home / "objects");
    overlay_["objects.url"] = "file://" + (options_.home / "objects").string();
  }

  std::vector<std::string> wanted = config_.list("up.roles"), names;
  wanted.insert(wanted.end(), options_.with.begin(), options_.with.end());
  for (const RoleSpec& role : known_roles()) names.emplace_back(role.command);
  for (const auto* list : {&wanted, &options_.without})
    for (const std::string& name : *list)
      if (std::ranges::find(names, name) == names.end())
        throw InvalidInput(fmt::format("there is no role '{}'{}", name, did_you_mean(name, names)));
  const auto is_wanted = [&](const std::string& name) {
    return std::ranges::find(wanted, name) != wanted.end() &&
           std::ranges::find(options_.without, name) == options_.without.end();
  };
  for (const RoleSpec& role : known_roles()) {
    const std::string name(role.command);
    if (!is_wanted(name)) continue;
    if (std::ranges::find(role.after, "warehouse") != role.after.end() && !is_wanted("warehouse") &&
        config_.text("warehouse.url").empty())
      throw InvalidInput(
          fmt::format("{} needs a warehouse: run that role too, set warehouse.url, or leave {} out", name, name));
    if (name == "warehouse" && !config_.text("warehouse.url").empty()) continue;  // somebody else's
    const std::string key = fmt::format("{}.port", role.section);
    if (!options_.has_command(name) || !has_key(config_, key)) {
      options_.print(fmt::format("{:<12} is not part of this program and is left out", name));
      continue;
    }
    auto port = uint16_t(config_.integer(key));
    if (port == 0) {
      port = ports_.take(name);
    } else if (!port_is_free(port)) {
      throw InvalidInput(
          fmt::format("port {} of {} is taken by another program; change {} or end that program", port, name, key));
    }
    overlay_[key] = std::to_string(port);
    if (role.section == "event_grpc" && config_.integer("event_grpc.grpc_port") == 0)
      overlay_["event_grpc.grpc_port"] = std::to_string(ports_.take("event_grpc_grpc"));
    auto part = std::make_unique<Part>();
    part->server = std::make_unique<RoleProcess>(RoleProcess::Options{
        .home = options_.home, .config_file = options_.config_file, .command = name, .port = port});
    part->after.assign(role.after.begin(), role.after.end());
    if (name == "warehouse") {
      // A web page in a browser on this machine can send requests to loopback, too; it does not know the password.
      const std::string password = private_password(options_.home / "run" / "warehouse.password");
      const std::string user = config_.text("warehouse.user");
      overlay_["warehouse.password"] = password;
      overlay_["warehouse.url"] = fmt::format("http://{}:{}@127.0.0.1:{}", user, password, port);
    }
    if (name == "sandbox") {
      if (!config_.is_set("beat.simulated_sources"))
        overlay_["beat.simulated_sources"] = fmt::format("[\"youtube_data_api={}\"]", part->server->url());
      if (!config_.is_set("sandbox.key"))
        overlay_["sandbox.key"] = private_password(options_.home / "run" / "sandbox.key");
      if (!config_.is_set("sandbox.clock_file"))
        overlay_["sandbox.clock_file"] = (options_.home / "run" / "sandbox.time").string();
    }
    parts_.push_back(std::move(part));
  }
}

// A layer of the configuration that every role reads: passwords stay out of argument lists and environments.
void Supervisor::write_stores_file() const {
  std::map<std::string, std::string> sections;
  for (const auto& [key, value] : overlay_) {
    const size_t dot = key.find('.');
    const std::string shown = value.starts_with('[') ? value : fmt::format("\"{}\"", value);
    sections[key.substr(0, dot)] += fmt::format("  {}: {}\n", key.substr(dot + 1), shown);
  }
  std::string text = "# Made by `dalgona up`, removed by `dalgona down`. Your own settings belong into dalgona.yaml.\n";
  for (const auto& [section, keys] : sections) text += fmt::format("{}:\n{}", section, keys);
  write_file(options_.home / "run" / "stores.yaml", text, 0600);
}

void Supervisor::write_state() {
  boost::json::array parts;
  for (const auto& part : parts_)
    parts.push_back({{"name", part->server->name()},
                     {"state", to_text(part->state)},
                     {"pid", part->pid},
                     {"port", part->server->port()},
                     {"since", to_iso(part->since)},
                     {"restarts", part->restarts},
                     {"trouble", part->trouble}});
  const boost::json::object state{
      {"pid", ::getpid()}, {"phase", phase_}, {"since", to_iso(since_)}, {"failure", failure_}, {"parts", parts}};
  write_file(options_.home / "run" / "up.json", boost::json::serialize(state), 0600);
}

void Supervisor::set(Part& part, PartState state, const std::string& trouble) {
  const std::scoped_lock lock(mutex_);
  part.state = state;
  part.pid = state == PartState::kHealthy || state == PartState::kSilent ? part.server->pid() : -1;
  part.since = system_clock().now();
  part.trouble = trouble;
  if (state == PartState::kHealthy) part.was_ready = true;
  try {
    write_state();
  } catch (const std::exception& e) {
    options_.print(e.what());  // a full disk must not end what runs
  }
  changed_.notify_all();
}

bool Supervisor::wait_stopping(milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return stopping_; });
}

std::string Supervisor::postgres_url() const {
  return overlay_.contains("postgres.url") ? overlay_.at("postgres.url") : config_.text("postgres.url");
}

// So that beat has a key for the platform that is simulated beside it.
void Supervisor::register_sandbox_key() {
  const auto key = overlay_.find("sandbox.key");
  if (key == overlay_.end()) return;
  run_alone<void>([&](asio::io_context& context) -> Task<void> {
    postgres::Pool pool(context.get_executor(), {.url = postgres_url(), .application_name = "dalgona up"});
    beat::Credentials credentials(pool);
    co_await credentials.add("youtube_data_api", key->second, "sandbox");
  });
}

void Supervisor::migrate() {
  const auto applied = run_alone<std::vector<std::string>>([this](asio::io_context& context) {
    return [](asio::io_context& ctx, std::string url) -> Task<std::vector<std::string>> {
      postgres::Pool pool(ctx.get_executor(), {.url = url, .application_name = "dalgona migrate"});
      co_return co_await postgres::migrate(pool, resource("migrations").string());
    }(context, postgres_url());
  });
  register_sandbox_key();
  if (!applied.empty()) options_.print(fmt::format("{:<12} {} migrations applied", "postgres", applied.size()));
}

// One start, up to the answer. True when the part answers; false when it is to be tried again. While `up` is still
// starting, a store's failure, or a role's third, ends it.
bool Supervisor::start_once(Part& part, int attempt) {
  const std::string name = part.server->name();
  set(part, PartState::kStarting);
  const auto begin = SteadyClock::now();
  try {
    part.server->start(config_.duration("up.start_limit"));
    if (name == "postgres" && !part.was_ready) migrate();
    options_.print(fmt::format("{:<12} answers on 127.0.0.1:{} after {:.1f} s (pid {})", name, part.server->port(),
                               seconds_since(begin), part.server->pid()));
    set(part, PartState::kHealthy);
    return true;
  } catch (const Cancelled&) {
    return false;
  } catch (const std::exception& e) {
    const std::string trouble = e.what();
    set(part, PartState::kRestarting, trouble);
    const std::scoped_lock lock(mutex_);
    if (phase_ == "starting" && (part.is_store || attempt >= 2)) {
      if (failure_.empty()) failure_ = trouble;
      changed_.notify_all();
    } else if (!stopping_) {
      options_.print(fmt::format("{:<12} {}", name, trouble.substr(0, trouble.find('\n'))));
    }
    return false;
  }
}

bool Supervisor::watch(Part& part) {
  constexpr auto kAskEvery = seconds{5};
  constexpr int kSilentAskings = 24;  // two minutes without an answer: a role is taken for hung and killed
  int silent = 0;
  auto next = SteadyClock::now() + kAskEvery;
  for (;;) {
    pollfd wait[] = {{part.server->descriptor(), POLLIN, 0}, {stop_event_, POLLIN, 0}};
    const auto left = std::chrono::duration_cast<milliseconds>(next - SteadyClock::now()).count();
    ::poll(wait, 2, int(std::clamp<int64_t>(left, 0, 60'000)));
    if (wait[1].revents) return false;
    if (!part.server->running()) return true;
    if (SteadyClock::now() < next) continue;
    next = SteadyClock::now() + kAskEvery;
    if (part.server->healthy()) {
      if (silent > 1) set(part, PartState::kHealthy);
      silent = 0;
    } else if (++silent == 2) {
      set(part, PartState::kSilent, "does not answer");
    } else if (silent >= kSilentAskings && !part.is_store) {
      options_.print(fmt::format("{:<12} has not answered for two minutes and is killed", part.server->name()));
      part.server->stop(milliseconds{0});
      return true;
    }
  }
}

void Supervisor::keep(Part& part) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return stopping_ || std::ranges::all_of(part.after, [this](const std::string& needed) {
               return std::ranges::all_of(
                   parts_, [&](const auto& other) { return other->server->name() != needed || other->was_ready; });
             });
    });
    if (stopping_) return;
  }
  for (int attempt = 0;; ++attempt) {
    if (start_once(part, attempt)) {
      const auto begin = SteadyClock::now();
      if (!watch(part)) return;
      if (SteadyClock::now() - begin > seconds{30}) attempt = 0;
      {
        const std::scoped_lock lock(mutex_);
        ++part.restarts;
      }
      set(part, PartState::kRestarting, "ended");
      options_.print(fmt::format("{:<12} has ended and is started again", part.server->name()));
    }
    // 0.1 s at first, so that a killed role is back within a moment; 15 s at most.
    if (wait_stopping(std::min(milliseconds{15'000}, milliseconds{100} * (1 << std::min(attempt, 8))))) return;
  }
}

void Supervisor::stop_all() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    phase_ = "stopping";
  }
  changed_.notify_all();
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(stop_event_, &one, sizeof one);
  for (auto& part : parts_) part->server->cancel();
  for (auto& part : parts_)
    if (part->thread.joinable()) part->thread.join();
  const milliseconds grace = config_.duration("up.stop_grace");
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    (*part)->server->stop(grace);
    set(**part, PartState::kStopped);
  }
  end_processes_of_home(options_.home, seconds{2});
  fs::remove(options_.home / "run" / "stores.yaml");
  fs::remove(options_.home / "run" / "up.json");
}

// Copied and cut: the children write into the file that they were given.
void Supervisor::rotate_logs() const {
  const uint64_t limit = config_.bytes("up.log_size");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.home / "logs", error)) {
    if (entry.path().extension() != ".log" || entry.file_size(error) <= limit || error) continue;
    fs::copy_file(entry.path(), entry.path().string() + ".1", fs::copy_options::overwrite_existing, error);
    fs::resize_file(entry.path(), 0, error);
  }
}

void Supervisor::stop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wish_event_, &one, sizeof one);
}

int Supervisor::run() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int signal_descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);

  const auto begin = SteadyClock::now();
  // What can be wrong in the configuration is read before the first thread is there.
  const auto deadline = begin + config_.duration("up.start_limit");
  (void)config_.duration("up.stop_grace");
  (void)config_.bytes("up.log_size");
  since_ = system_clock().now();
  write_stores_file();
  if (!config_.text("postgres.url").empty()) migrate();
  for (auto& part : parts_) part->thread = std::thread([this, &part = *part] { keep(part); });

  auto next_rotation = begin;
  std::exception_ptr failure;
  for (;;) {
    pollfd wait[] = {{signal_descriptor, POLLIN, 0}, {wish_event_, POLLIN, 0}};
    const bool starting = phase_ == "starting";
    if (starting) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, milliseconds{100});
    }
    ::poll(wait, 2, starting ? 0 : 1000);
    if (wait[1].revents) break;
    if (wait[0].revents) {
      signalfd_siginfo taken{};  // taken, or it would still be pending when it is unblocked below
      if (::read(signal_descriptor, &taken, sizeof taken) > 0) break;
    }
    {
      const std::scoped_lock lock(mutex_);
      const auto late = std::ranges::find_if(parts_, [](const auto& part) { return !part->was_ready; });
      if (starting && failure_.empty() && late == parts_.end()) {
        phase_ = "up";
        write_state();
        std::string where;
        for (const auto& part : parts_)
          if (part->server->name() == "coffee") where = ": " + part->server->url() + "/";
        options_.print(fmt::format("up after {:.1f} s{}", seconds_since(begin), where));
      } else if (starting && failure_.empty() && SteadyClock::now() > deadline) {
        failure_ = fmt::format("{} did not come up within {:.0f} s{}{}", (*late)->server->name(), seconds_since(begin),
                               (*late)->trouble.empty() ? "" : ": ", (*late)->trouble);
      }
      if (!failure_.empty()) failure = std::make_exception_ptr(Permanent(failure_));
    }
    if (failure) break;
    if (starting && phase_ == "up" && options_.on_up) options_.on_up();
    if (SteadyClock::now() >= next_rotation) {
      rotate_logs();
      next_rotation = SteadyClock::now() + seconds{10};
    }
  }
  // A second signal ends us at once; the children then go with us.
  ::close(signal_descriptor);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  if (options_.on_stopping) options_.on_stopping();
  if (!failure) options_.print("stopping");
  stop_all();
  if (failure) std::rethrow_exception(failure);
  options_.print(fmt::format("{} is down", options_.home.string()));
  return 0;
}

}  // namespace dalgona
