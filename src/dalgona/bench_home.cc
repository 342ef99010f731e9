#include "dalgona/bench_home.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "dalgona/ports.h"

namespace dalgona {

namespace fs = std::filesystem;
using std::chrono::seconds;

namespace {
constexpr seconds kStart{120};
constexpr seconds kStop{30};
}  // namespace

BenchHome::BenchHome(const std::string& name) {
  std::string made = (fs::temp_directory_path() / ("dalgona-" + name + "-XXXXXX")).string();
  if (!::mkdtemp(made.data())) throw Permanent("no temporary folder");
  path_ = made;
  Ports ports(path_ / "ports");
  warehouse_port_ = ports.take("warehouse");
  sink_port_ = ports.take("event-grpc");
  grpc_port_ = ports.take("event-grpc.grpc");
  write_config();
  warehouse_ = std::make_unique<RoleProcess>(
      RoleProcess::Options{.home = path_, .config_file = {}, .command = "warehouse", .port = warehouse_port_});
  warehouse_->start(kStart);
  client_ = std::make_unique<warehouse::Client>(http_, fmt::format("http://127.0.0.1:{}", warehouse_port_));
}

BenchHome::~BenchHome() {
  try {
    if (sink_) sink_->stop(kStop);
    if (rabbitmq_) rabbitmq_->stop(kStop);
    if (warehouse_) warehouse_->stop(kStop);
  } catch (const std::exception&) {  // they end with this process all the same
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void BenchHome::write_config() const {
  std::string text = fmt::format("warehouse:\n  port: {0}\n  url: \"http://127.0.0.1:{0}\"\n", warehouse_port_);
  text += fmt::format("event_grpc:\n  port: {}\n  grpc_port: {}\n  streams: [profile_log_events]\n", sink_port_,
                      grpc_port_);
  if (rabbitmq_) text += fmt::format("rabbitmq:\n  url: \"{}\"\n", rabbitmq_->url());
  write_file(path_ / "dalgona.yaml", text, 0600);
}

PrivateRabbitmq& BenchHome::start_rabbitmq() {
  Ports ports(path_ / "ports");
  PrivateRabbitmq::Options options;
  options.home = path_;
  options.port = ports.take("rabbitmq");
  options.distribution_port = ports.take("rabbitmq-distribution");
  options.epmd_port = ports.take("epmd");
  rabbitmq_ = std::make_unique<PrivateRabbitmq>(options);
  rabbitmq_->start(kStart);
  write_config();
  return *rabbitmq_;
}

RoleProcess& BenchHome::start_sink() {
  sink_ = std::make_unique<RoleProcess>(
      RoleProcess::Options{.home = path_, .config_file = {}, .command = "event-grpc", .port = sink_port_});
  sink_->start(kStart);
  return *sink_;
}

void BenchHome::stop_sink() {
  sink_->stop(kStop);
  sink_.reset();
}

warehouse::QueryOptions BenchHome::long_options() {
  warehouse::QueryOptions options;
  options.timeout = std::chrono::hours{1};
  return options;
}

std::string BenchHome::ask(const std::string& sql, warehouse::QueryOptions options) {
  return client_->query_blocking(sql, "TabSeparated", std::move(options));
}

double BenchHome::number(const std::string& sql) {
  const std::string text = ask(sql);
  return text.empty() ? 0 : std::strtod(text.c_str(), nullptr);
}

}  // namespace dalgona
