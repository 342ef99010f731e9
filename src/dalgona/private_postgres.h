// A PostgreSQL 15 of our own in HOME/postgres. PostgreSQL refuses to run as root, so for root it runs as the owner of
// its data, `postgres` or `nobody`.
#pragma once
#include <optional>

#include "dalgona/child_server.h"
#include "dalgona/process.h"

namespace dalgona {

class PrivatePostgres : public ChildServer {
 public:
  // Throws Permanent when PostgreSQL 15 is not installed.
  explicit PrivatePostgres(ChildServerOptions options);
  ~PrivatePostgres() override;
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;
  std::string name() const override { return "postgres"; }
  void prepare() override;
  void start(std::chrono::milliseconds limit) override;
  bool running() override { return server_.running(); }
  bool healthy() override;
  void stop(std::chrono::milliseconds grace) override;
  std::string url() const override;
  uint16_t port() const override { return options_.port; }
  pid_t pid() const override { return server_.pid(); }
  int descriptor() const override { return server_.descriptor(); }

  // Folder of initdb and postgres; empty when not installed.
  static std::filesystem::path binaries();

 private:
  Command command(const std::string& program, std::vector<std::string> arguments) const;
  // The data folder as the server's account sees it.
  std::string data_path(const std::string& folder) const;
  void initialise();
  void single_user(const std::string& folder, const std::string& sql) const;
  bool ready() const;

  ChildServerOptions options_;
  std::filesystem::path folder_, binaries_, log_;
  std::optional<Account> account_;
  int folder_descriptor_ = -1;
  std::string password_;
  bool password_lost_ = false;  // the file was deleted; the cluster must take the new one
  Process server_;
};

}  // namespace dalgona
