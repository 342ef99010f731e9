#include "event_grpc/ingest/grpc_load.h"

#include <eventservice.grpc.pb.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/bench.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/ids.h"
#include "event_grpc/delivery.h"

namespace dalgona::event_grpc {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

void check(const grpc::Status& status, int64_t accepted, int64_t sent) {
  if (!status.ok())
    throw Permanent(fmt::format("a call failed: {} {}", int(status.error_code()), status.error_message()));
  if (accepted != sent) throw Permanent(fmt::format("{} of {} events were accepted", accepted, sent));
}

void send_unary(event::EventService::Stub& stub, const GrpcLoad& load, const event::Events& events,
                std::vector<double>& seconds) {
  for (int call = 0; call < load.calls_a_client; ++call) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes{1});
    event::Response response;
    const auto began = Clock::now();
    const auto status = stub.dispatch(&context, events, &response);
    seconds.push_back(seconds_since(began));
    check(status, response.accepted(), events.events_size());
  }
}

void send_stream(event::EventService::Stub& stub, const GrpcLoad& load, const event::Events& events,
                 std::vector<double>& seconds) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes{10});
  event::Response response;
  const auto began = Clock::now();
  const auto writer = stub.dispatchStream(&context, &response);
  for (int call = 0; call < load.calls_a_client; ++call)
    if (!writer->Write(events)) break;
  writer->WritesDone();
  const auto status = writer->Finish();
  seconds.push_back(seconds_since(began));
  check(status, response.accepted(), int64_t(events.events_size()) * load.calls_a_client);
}

}  // namespace

event::Events page_openings(int count) {
  event::Events events;
  auto& header = *events.mutable_header();
  header.set_sessionid("0b6e7c1c-4f0f-4b46-9f1e-53a4c1d1a0aa");
  header.set_userid("1048576");
  header.set_deviceid("5f1d9c2e7b3a4860");
  header.set_clientid("creator-app");
  header.set_os("ANDROID");
  header.set_applanguage("en");
  header.set_appversion("4.12.0");
  header.set_appversioncode("41200");
  const auto now = system_clock().now();
  for (int i = 0; i < count; ++i) {
    auto& e = *events.add_events();
    e.set_id(make_uuid7(now).text());
    e.set_timestamp(now.time_since_epoch().count() / 1000);
    e.set_currenturl("https://creators.example/leaderboard/youtube?month=2017-11&page=3");
    e.mutable_pageopenedevent()->set_pagename("leaderboard");
  }
  return events;
}

std::vector<double> run(const GrpcLoad& load) {
  return bench::concurrently(load.clients, [&](int client) {
    // A connection of its own, as another program has it: else all would share one.
    grpc::ChannelArguments arguments;
    arguments.SetInt("dalgona.client", client);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = event::EventService::NewStub(grpc::CreateCustomChannel(
        fmt::format("127.0.0.1:{}", load.port), grpc::InsecureChannelCredentials(), arguments));
    const auto events = page_openings(load.events_a_call);
    std::vector<double> seconds;
    (load.streaming ? send_stream : send_unary)(*stub, load, events, seconds);
    return seconds;
  });
}

struct PlainIngest::State : event::EventService::CallbackService {
  Runtime& runtime;
  amqp::Publisher& publisher;
  const DispatchPlan& plan;
  std::unique_ptr<grpc::Server> server;
  int bound_port = 0;

  State(Runtime& r, amqp::Publisher& p, const DispatchPlan& pl) : runtime(r), publisher(p), plan(pl) {}

  grpc::ServerUnaryReactor* dispatch(grpc::CallbackServerContext* context, const event::Events* events,
                                     event::Response* response) override {
    auto* reactor = context->DefaultReactor();
    std::vector<amqp::Message> single;
    try {
      for (const auto& many : messages_of(*events, plan, system_clock().now()))
        for_each_event(many.body, is_ndjson(many.properties.content_type), [&](std::string_view text) {
          auto& one = single.emplace_back();
          one.exchange = many.exchange;
          one.routing_key = many.routing_key;
          one.properties.content_type = "application/json";
          one.properties.type = many.properties.type;
          one.body = text;
        });
    } catch (const InvalidInput& e) {
      reactor->Finish({grpc::StatusCode::INVALID_ARGUMENT, e.what()});
      return reactor;
    }
    asio::co_spawn(
        runtime.executor(), publisher.publish(std::move(single)),
        [reactor, response, count = events->events_size()](const std::exception_ptr& failure) {
          response->set_accepted(failure ? 0 : count);
          reactor->Finish(failure ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "not confirmed") : grpc::Status::OK);
        });
    return reactor;
  }
};

PlainIngest::PlainIngest(Runtime& runtime, amqp::Publisher& publisher, const DispatchPlan& plan)
    : state_(std::make_unique<State>(runtime, publisher, plan)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &state_->bound_port);
  builder.RegisterService(state_.get());
  state_->server = builder.BuildAndStart();
  if (!state_->server || state_->bound_port == 0) throw Permanent("can't listen for gRPC on loopback");
}

PlainIngest::~PlainIngest() {
  state_->server->Shutdown();
}

uint16_t PlainIngest::port() const {
  return uint16_t(state_->bound_port);
}

}  // namespace dalgona::event_grpc
