// One `dalgona ROLE` process under the supervisor.
#pragma once
#include "dalgona/child_server.h"
#include "dalgona/process.h"

namespace dalgona {

class RoleProcess : public ChildServer {
 public:
  struct Options {
    std::filesystem::path home;         // absolute
    std::string config_file;            // --config of `up`, absolute; may be empty
    std::string command;                // "event-grpc"
    uint16_t port = 0;                  // where it serves /heartbeat
    std::filesystem::path binary = {};  // empty: this program
  };
  explicit RoleProcess(Options options);
  std::string name() const override { return options_.command; }
  void prepare() override {}
  void start(std::chrono::milliseconds limit) override;
  bool running() override { return process_.running(); }
  bool healthy() override;
  void stop(std::chrono::milliseconds grace) override { process_.stop(grace); }
  std::string url() const override;
  uint16_t port() const override { return options_.port; }
  pid_t pid() const override { return process_.pid(); }
  int descriptor() const override { return process_.descriptor(); }

 private:
  Options options_;
  Process process_;
};

}  // namespace dalgona
