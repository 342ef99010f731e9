// A private home with a broker, a warehouse, a sink and a publisher in it, and everything that can be done to them.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http/client.h"
#include "chaos/disk.h"
#include "chaos/plan.h"
#include "chaos/proxy.h"
#include "dalgona/private_rabbitmq.h"
#include "dalgona/role_process.h"
#include "warehouse/client.h"

namespace dalgona::chaos {

enum class Victim { kBroker, kWarehouse, kSink, kPublisher };
inline constexpr std::array<const char*, 4> kVictims{"broker", "warehouse", "sink", "publisher"};

struct WorldOptions {
  std::filesystem::path folder;  // empty, ours
  uint64_t seed = 1, events = 0;
  Time begin{};
  uint64_t disk_mib = 3072;
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();

  // Everything that is not running is started; true when all of it answers.
  bool mend();
  void kill(Victim victim);
  void stop(Victim victim);  // SIGSTOP to all of its processes
  void resume(Victim victim);
  void cut_connections();
  // Null: not on this machine; why_no_disk() says why.
  Disk* disk() { return disk_.get(); }
  const std::string& why_no_disk() const { return why_no_disk_; }
  // What no fsync has brought to the disk is gone, and so are all processes but the publisher.
  void power_cut();

  // Windows that may be published by now; windows that are confirmed.
  void allow(uint64_t windows);
  uint64_t published() const;
  // Throws when the publisher has ended with an error before the last window.
  bool publishing();

  // One number from the warehouse. Throws Retryable while it is away.
  uint64_t ask(const std::string& sql);
  // Messages ready in the streams' queues.
  uint64_t queued();
  // Asks the sink to stop and waits: what it holds is not acknowledged.
  void end();

 private:
  void start_publisher();
  void write_config(const std::string& role, const std::string& yaml) const;
  std::vector<pid_t> processes(Victim victim) const;

  WorldOptions options_;
  std::unique_ptr<Disk> disk_;
  std::string why_no_disk_;
  std::filesystem::path home_, progress_, url_file_;
  std::unique_ptr<PrivateRabbitmq> broker_;
  std::unique_ptr<RoleProcess> warehouse_, sink_;
  std::unique_ptr<Proxy> to_broker_, to_warehouse_;
  Process publisher_;
  int allowances_ = -1;  // write end
  uint64_t allowed_ = 0;
  http::Client http_;
  std::unique_ptr<warehouse::Client> client_;
};

}  // namespace dalgona::chaos
