#include "dalgona/demo.h"

#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/cli.h"
#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/child_server.h"
#include "dalgona/demo_crawl.h"
#include "dalgona/demo_progress.h"
#include "dalgona/process.h"
#include "dalgona/supervisor.h"

namespace dalgona {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct DemoOptions {
  std::string home{}, config{}, dataset{};
  std::optional<int> year{};
  bool check = false;
  const CLI::App* app = nullptr;
};

std::string sha256_hex(std::string_view bytes, size_t characters) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    throw Permanent("SHA-256 failed");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text.substr(0, characters);
}

// What the sandbox replays, and where that is kept.
struct Subject {
  std::string name, fingerprint;
  fs::path dataset;  // absolute; empty: the generated population
  int year = 0;
};

Subject choose_subject(const DemoOptions& options) {
  const Config config =
      Config::load({.home = options.home.empty() ? fs::path("var") : fs::path(options.home),
                    .file = options.config.empty() ? std::nullopt : std::optional<fs::path>(options.config),
                    .environment = Config::process_environment()});
  Subject subject;
  subject.year = options.year.value_or(int(config.integer("sandbox.year")));
  const std::string dataset = options.dataset.empty() ? config.text("sandbox.dataset") : options.dataset;
  if (dataset.empty()) {
    std::string all;
    for (const char* key : {"population", "videos", "days", "seed"})
      all += std::to_string(config.integer(fmt::format("sandbox.{}", key))) + " ";
    subject.name = "generated";
    subject.fingerprint = sha256_hex(all + config.text("sandbox.first_day"), 8);
    return subject;
  }
  subject.dataset = fs::absolute(dataset).lexically_normal();
  subject.name = subject.dataset.stem().string();
  for (char& c : subject.name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '-';
  subject.fingerprint = sha256_hex(read_file(subject.dataset) + std::to_string(subject.year), 8);
  return subject;
}

// Simulated observations stay apart from a home that may hold real ones, and each dataset from the others.
fs::path choose_home(const DemoOptions& options, const Subject& subject) {
  const char* given = std::getenv("DALGONA_HOME");
  if (options.home.empty() && given) return choose_home({.home = given}, subject);
  fs::path home = options.home.empty() ? fs::path("var") / fmt::format("demo-{}-{}", subject.name, subject.fingerprint)
                                       : fs::path(options.home);
  home = fs::absolute(home).lexically_normal();
  return home.has_filename() ? home : home.parent_path();
}

// Refuses a home that holds something else. Called while the home is locked.
void claim_home(const fs::path& home, const Subject& subject) {
  const fs::path file = home / "run" / "demo.json";
  if (!fs::exists(file)) {
    if (fs::exists(home / "postgres" / "data"))
      throw InvalidInput(
          fmt::format("{} holds data that is not a demo's; choose another folder with --home", home.string()));
    write_file(file, boost::json::serialize(
                         boost::json::object{{"fingerprint", subject.fingerprint}, {"name", subject.name}}));
    return;
  }
  const boost::json::value mark = boost::json::parse(read_file(file));
  if (mark.at("fingerprint").as_string() != subject.fingerprint)
    throw InvalidInput(fmt::format("{} holds the demo of another dataset ({}); choose another folder with --home",
                                   home.string(), std::string_view(mark.at("name").as_string())));
}

class Demo {
 public:
  explicit Demo(DemoOptions options)
      : options_(std::move(options)), subject_(choose_subject(options_)), home_(choose_home(options_, subject_)) {
    if (!options_.config.empty()) config_file_ = fs::absolute(options_.config).lexically_normal();
  }

  int run() {
    progress_.stage("up");
    progress_.line(fmt::format("demo of {} in {}",
                               subject_.dataset.empty() ? "a generated population" : subject_.dataset.string(),
                               home_.string()));
    Supervisor::Options up{.home = home_,
                           .config_file = config_file_.string(),
                           .with = {"sandbox"},
                           .without = {},
                           // The demo runs the models itself, when all rows are there.
                           .settings = {{"stir.schedule", "false"}, {"sandbox.year", std::to_string(subject_.year)}},
                           .has_command =
                               [this](const std::string& name) {
                                 return std::ranges::any_of(
                                     options_.app->get_subcommands({}),
                                     [&](const CLI::App* command) { return command->get_name() == name; });
                               },
                           .print = [this](const std::string& line) { progress_.line("  " + line); },
                           .on_up = [this] { driver_ = std::thread([this] { drive(); }); },
                           .on_stopping =
                               [this] {
                                 const std::scoped_lock lock(mutex_);
                                 cancelled_ = true;
                                 if (crawl_) crawl_->cancel();
                               }};
    if (!subject_.dataset.empty()) up.settings["sandbox.dataset"] = subject_.dataset.string();
    Supervisor supervisor(std::move(up));
    claim_home(home_, subject_);
    supervisor_ = &supervisor;
    int code = 1;
    std::exception_ptr failure;
    try {
      code = supervisor.run();
    } catch (...) {
      failure = std::current_exception();
    }
    if (driver_.joinable()) driver_.join();
    if (failure) std::rethrow_exception(failure);
    return exit_code_.value_or(code);
  }

 private:
  // On a thread of its own while the supervisor keeps everything running.
  void drive() {
    try {
      work();
    } catch (const Cancelled&) {
      progress_.line("demo: stopped before its end; the same command goes on from here");
      exit_code_ = 130;
    } catch (const std::exception& e) {
      progress_.line(fmt::format("demo failed: {}", e.what()));
      exit_code_ = 1;
    }
    if (options_.check || exit_code_.value_or(0) != 0) supervisor_->stop();
  }

  void work() {
    progress_.done("everything answers");
    const Config config =
        Config::load({.home = home_,
                      .file = config_file_.empty() ? std::nullopt : std::optional<fs::path>(config_file_),
                      .environment = Config::process_environment()});
    {
      const std::scoped_lock lock(mutex_);
      crawl_ = std::make_unique<DemoCrawl>(
          DemoCrawl::Options{.home = home_, .config_file = config_file_, .fingerprint = subject_.fingerprint}, config,
          progress_);
      if (cancelled_) crawl_->cancel();
    }
    progress_.stage("crawl");
    crawl_->crawl();
    progress_.done(fmt::format("{} days", crawl_->days().size()));
    progress_.stage("rows");
    crawl_->wait_for_rows();
    progress_.stage("models");
    crawl_->run_models();
    progress_.done("made, tested and published");
    const std::string url = fmt::format("http://127.0.0.1:{}/", config.integer("coffee.port"));
    if (options_.check) {
      progress_.stage("check");
      const int code = check(url);
      progress_.done(code == 0 ? "everything agrees" : "NOT everything agrees");
      exit_code_ = code;
    }
    progress_.line(
        fmt::format("{} after {:.1f} s: {}", exit_code_.value_or(0) == 0 ? "done" : "WRONG", progress_.seconds(), url));
    if (!options_.check)
      progress_.line(
          fmt::format("It stays up until Ctrl-C; `dalgona status --home {}` shows its parts.", home_.string()));
  }

  // Another program in another language, which reads the dataset and the REST API and nothing else.
  int check(const std::string& url) {
    const fs::path python = "/usr/bin/python3", script = resource("tests/e2e/demo_check.py");
    if (!fs::exists(python) || !fs::exists(script))
      throw Permanent(fmt::format("the check needs {} and {}", python.string(), script.string()));
    fs::path dataset = subject_.dataset;
    if (dataset.empty()) {
      dataset = home_ / "run" / "population.csv";
      Command command;
      command.argv = {self_path().string(), "sandbox", "export", "--home", home_.string(), "--out", dataset.string()};
      if (!config_file_.empty()) command.argv.insert(command.argv.end(), {"--config", config_file_.string()});
      command.environment = Config::process_environment();
      command.log = home_ / "logs" / "demo-check.log";
      if (const int code = run_to_end(command, seconds{60}); code != 0)
        throw Permanent(fmt::format("sandbox export: {}\n{}", describe_exit(code), last_lines(command.log, 3)));
    }
    Command command;
    command.argv = {python.string(), script.string(),
                    "--dataset",     dataset.string(),
                    "--api",         url,
                    "--year",        std::to_string(subject_.year)};
    command.environment = plain_environment(home_);
    command.log = home_ / "logs" / "demo-check.log";
    fs::remove(command.log);
    Process process(command);
    size_t shown = 0;
    const auto show = [&] {
      const std::string said = read_file(command.log);
      for (size_t end = said.find('\n', shown); end != std::string::npos; end = said.find('\n', shown)) {
        progress_.line("  " + said.substr(shown, end - shown));
        shown = end + 1;
      }
    };
    while (!process.wait(milliseconds{20})) {
      show();
      const std::scoped_lock lock(mutex_);
      if (cancelled_) process.stop(seconds{1});
    }
    show();
    return process.wait(milliseconds{0}).value_or(1);
  }

  DemoOptions options_;
  Subject subject_;
  fs::path home_, config_file_;
  DemoProgress progress_;
  Supervisor* supervisor_ = nullptr;
  std::thread driver_;
  std::mutex mutex_;
  bool cancelled_ = false;
  std::unique_ptr<DemoCrawl> crawl_;
  std::optional<int> exit_code_;  // written by the driver, read after it was joined
};

}  // namespace

void register_demo(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "demo", "The whole main job on a replayed dataset or a generated population, from a platform's API to a page");
  auto options = std::make_shared<DemoOptions>();
  options->app = &app;
  command
      ->add_option("--dataset", options->dataset,
                   "CSV of daily snapshots to replay; without it a population is generated")
      ->check(CLI::ExistingFile);
  command->add_option("--year", options->year, "Year of the dataset's dates, where they have none");
  command->add_option(
      "--home", options->home,
      "Folder that holds all state; default: var/demo-NAME-FINGERPRINT. A demo that is run again on its "
      "home goes on where it was");
  command->add_option("--config", options->config, "YAML file laid over the defaults");
  command->add_flag("--check", options->check,
                    "Compare what the REST API answers with the dataset, stop everything, and exit: 0 when all agrees, "
                    "3 when not");
  command->callback([options] { cli::set_exit_code(Demo(*options).run()); });
}

}  // namespace dalgona
