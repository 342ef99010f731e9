// A temporary home for a bench that needs servers of its own: on loopback, ended and removed with the object.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "base/http/client.h"
#include "dalgona/private_rabbitmq.h"
#include "dalgona/role_process.h"
#include "warehouse/client.h"

namespace dalgona {

class BenchHome {
 public:
  // With the warehouse running. `name` shows in the folder's name; the folder lies where TMPDIR says.
  explicit BenchHome(const std::string& name);
  ~BenchHome();
  BenchHome(const BenchHome&) = delete;
  BenchHome& operator=(const BenchHome&) = delete;

  // Starts the private broker; once.
  PrivateRabbitmq& start_rabbitmq();
  // Starts `dalgona event-grpc` on this home's stores, or ends it: what was acknowledged before is in the warehouse.
  RoleProcess& start_sink();
  void stop_sink();
  pid_t warehouse_pid() const { return warehouse_->pid(); }
  pid_t sink_pid() const { return sink_->pid(); }
  pid_t warehouse_pid() const { return warehouse_->pid(); }
  pid_t rabbitmq_pid() const { return rabbitmq_->pid(); }

  // A statement's whole answer. Throws as warehouse::Client does.
  std::string ask(const std::string& sql, warehouse::QueryOptions options = long_options());
  // The answer as a number, 0 for none.
  double number(const std::string& sql);
  warehouse::Client& warehouse() { return *client_; }
  const std::filesystem::path& path() const { return path_; }

  // For statements that may take an hour.
  static warehouse::QueryOptions long_options();

 private:
  void write_config() const;

  std::filesystem::path path_;
  uint16_t warehouse_port_ = 0, sink_port_ = 0;
  http::Client http_;
  std::unique_ptr<warehouse::Client> client_;
  std::unique_ptr<RoleProcess> warehouse_, sink_;
  std::unique_ptr<PrivateRabbitmq> rabbitmq_;
};

}  // namespace dalgona
