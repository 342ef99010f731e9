// A RabbitMQ of our own in HOME/rabbitmq, from Debian's package, with an epmd of its own, everything on loopback.
#pragma once
#include "dalgona/child_server.h"
#include "dalgona/process.h"

namespace dalgona {

class PrivateRabbitmq : public ChildServer {
 public:
  struct Options : ChildServerOptions {
    uint16_t distribution_port = 0, epmd_port = 0;
  };
  // Throws Permanent when RabbitMQ or Erlang is not installed.
  explicit PrivateRabbitmq(Options options);
  std::string name() const override { return "rabbitmq"; }
  void prepare() override;
  void start(std::chrono::milliseconds limit) override;
  bool running() override { return broker_.running(); }
  bool healthy() override;
  void stop(std::chrono::milliseconds grace) override;
  std::string url() const override;
  uint16_t port() const override { return options_.port; }
  pid_t pid() const override { return broker_.pid(); }
  int descriptor() const override { return broker_.descriptor(); }

  // The folder with plugins/ and sbin/ of the installed version; empty when not installed.
  static std::filesystem::path installation();

 private:
  void write_configuration();
  // HOME/rabbitmq/plugins: links to what the broker needs and no more.
  void choose_applications(const std::filesystem::path& installed);
  std::map<std::string, std::string> environment() const;

  Options options_;
  std::filesystem::path folder_, installation_, log_;
  std::string password_;
  Process epmd_, broker_;
};

}  // namespace dalgona
