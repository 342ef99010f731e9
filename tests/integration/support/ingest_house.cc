#include "support/ingest_house.h"

#include <grpcpp/grpcpp.h>

namespace dalgona::test {

IngestHouse::IngestHouse(Settings settings) : home_(TestHome::shared()) {
  home_.rabbitmq();
  home_.warehouse();
  grpc_port_ = free_port();
  settings.insert({{"postgres.url", home_.postgres_url()}, {"event_grpc.grpc_port", std::to_string(grpc_port_)}});
  role_ = home_.start_role("event-grpc", settings);
}

IngestHouse::~IngestHouse() {
  role_.stop();
}

std::unique_ptr<event::EventService::Stub> IngestHouse::stub() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return event::EventService::NewStub(grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(grpc_port_),
                                                                grpc::InsecureChannelCredentials(), arguments));
}

}  // namespace dalgona::test
