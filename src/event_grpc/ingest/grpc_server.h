// EventService over gRPC (proto/eventservice.proto), with the standard health service.
#pragma once
#include <memory>
#include <string>

#include "base/amqp/amqp.h"
#include "base/async.h"
#include "event_grpc/ingest/access.h"
#include "event_grpc/ingest/dispatch.h"
#include "event_grpc/ingest/intake.h"

namespace dalgona::event_grpc {

struct GrpcOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  uint64_t max_message = 4 << 20;
  int max_concurrent = 1024;                       // calls in work, streams too; more: RESOURCE_EXHAUSTED
  std::string tls_certificate = {}, tls_key = {};  // PEM files; both or none
};

// Callback API: gRPC's own threads take requests apart, the publisher's thread confirms them, the runtime's answers.
// What it is given outlives it.
class GrpcServer {
 public:
  // Binds and listens at once; throws Permanent when it can't.
  GrpcServer(Runtime& runtime, amqp::Publisher& publisher, Intake& intake, const DispatchPlan& plan,
             const ApiKeys& keys, GrpcOptions options);
  ~GrpcServer();
  uint16_t port() const;
  // Answers NOT_SERVING to health checks from now on, or SERVING again.
  void serve(bool serving);
  // No new calls; those that run have `grace` to end. Waits for it; call it while the runtime runs.
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::event_grpc
