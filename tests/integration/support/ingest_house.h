// event-grpc for tests of its ways in: a process with settings of the test's own and clients for it.
#pragma once
#include <memory>
#include <string>

#include <eventservice.grpc.pb.h>

#include "support/test_home.h"

namespace dalgona::test {

class IngestHouse {
 public:
  // On the shared home's stores. `settings` go over what is needed to start.
  explicit IngestHouse(Settings settings = {});
  ~IngestHouse();

  TestHome& home() { return home_; }
  pid_t pid() const { return role_.pid(); }
  uint16_t grpc_port() const { return grpc_port_; }
  std::string http_url() const { return role_.url(); }
  std::string log_text() const { return role_.log_text(); }
  // A client with a connection of its own, without TLS.
  std::unique_ptr<event::EventService::Stub> stub() const;

 private:
  TestHome& home_;
  uint16_t grpc_port_ = 0;
  Role role_;
};

}  // namespace dalgona::test
