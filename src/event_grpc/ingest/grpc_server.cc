#include "event_grpc/ingest/grpc_server.h"

#include <eventservice.grpc.pb.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/resources.h"

namespace dalgona::event_grpc {

namespace {

using grpc::Status;
using grpc::StatusCode;

// Requests of one stream that wait for their confirms; the next is not read before.
constexpr int kStreamWindow = 32;

Status status_of(const std::exception_ptr& failure) {
  if (!failure) return Status::OK;
  try {
    std::rethrow_exception(failure);
  } catch (const InvalidInput& e) {
    return {StatusCode::INVALID_ARGUMENT, e.what()};
  } catch (const Retryable& e) {
    return {StatusCode::UNAVAILABLE, e.what()};
  } catch (const Cancelled&) {
    return {StatusCode::UNAVAILABLE, "stopping"};
  } catch (const std::exception& e) {
    log::error("msg=\"events not published\" error={}", log::quoted(e.what()));
    return {StatusCode::INTERNAL, "the events could not be published"};
  }
}

struct GrpcMeters {
  prometheus::Counter& events =
      metrics::counter("dalgona_event_grpc_ingested_total", "Events taken in and confirmed", {{"way", "grpc"}});
  prometheus::Counter& refused =
      metrics::counter("dalgona_event_grpc_pushed_back_total", "Requests answered 'come again'", {{"way", "grpc"}});
  prometheus::Histogram& seconds = metrics::histogram("dalgona_event_grpc_ingest_seconds",
                                                      "From a request to the broker's confirm", {{"way", "grpc"}});
};

}  // namespace

struct GrpcServer::State : event::EventService::CallbackService {
  Runtime& runtime;
  amqp::Publisher& publisher;
  Intake& intake;
  const DispatchPlan& plan;
  const ApiKeys& keys;
  GrpcOptions options;
  GrpcMeters meters;
  std::atomic<int> calls{0};
  std::atomic<bool> stopping{false};
  std::unique_ptr<grpc::Server> server;
  int bound_port = 0;

  State(Runtime& r, amqp::Publisher& p, Intake& i, const DispatchPlan& pl, const ApiKeys& k, GrpcOptions o)
      : runtime(r), publisher(p), intake(i), plan(pl), keys(k), options(std::move(o)) {}

  Status admit(const grpc::CallbackServerContext& context) const {
    if (keys.open()) return Status::OK;
    const auto& metadata = context.client_metadata();
    const auto view = [](const grpc::string_ref& s) { return std::string_view(s.data(), s.size()); };
    if (const auto at = metadata.find("authorization");
        at != metadata.end() && keys.allows_authorization(view(at->second)))
      return Status::OK;
    if (const auto at = metadata.find("x-api-key"); at != metadata.end() && keys.allows(view(at->second)))
      return Status::OK;
    return {StatusCode::UNAUTHENTICATED, "an API key is needed"};
  }

  // Calls `done` once, on a runtime thread, or at once when the request is wrong.
  void publish(const event::Events& events, std::function<void(const std::exception_ptr&)> done) {
    std::vector<amqp::Message> messages;
    try {
      messages = messages_of(events, plan, system_clock().now());
    } catch (const InvalidInput&) {
      done(std::current_exception());
      return;
    }
    const auto began = std::chrono::steady_clock::now();
    const auto count = events.events_size();
    auto share = std::make_shared<Intake::Share>(intake);
    share->set(bytes_of(messages), messages.size());
    asio::co_spawn(
        runtime.executor(), publisher.publish(std::move(messages)),
        [this, count, began, share = std::move(share), done = std::move(done)](const std::exception_ptr& failure) {
          // Before the answer: who is told that his are taken may send the next at once.
          share->set(0, 0);
          if (!failure) {
            meters.events.Increment(double(count));
            meters.seconds.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
          }
          done(failure);
        });
  }

  // Counts the call in, or says why not. Who is let in calls leave().
  Status enter(const grpc::CallbackServerContext& context) {
    if (auto status = admit(context); !status.ok()) return status;
    const bool crowded = ++calls > options.max_concurrent;
    if (!crowded && !intake.full()) return Status::OK;
    leave();
    meters.refused.Increment();
    return {StatusCode::RESOURCE_EXHAUSTED, crowded ? "too many calls, come again" : "the buffer is full, come again"};
  }
  void leave() { --calls; }

  grpc::ServerUnaryReactor* dispatch(grpc::CallbackServerContext* context, const event::Events* events,
                                     event::Response* response) override {
    auto* reactor = context->DefaultReactor();
    if (const auto status = enter(*context); !status.ok()) {
      reactor->Finish(status);
      return reactor;
    }
    publish(*events, [this, reactor, response, count = events->events_size()](const std::exception_ptr& failure) {
      if (!failure) {
        response->set_status("SUCCESS");
        response->set_accepted(count);
      }
      leave();
      reactor->Finish(status_of(failure));
    });
    return reactor;
  }

  grpc::ServerReadReactor<event::Events>* dispatchStream(grpc::CallbackServerContext* context,
                                                         event::Response* response) override;
};

namespace {

// Reads while its window is open and the buffer has room, so that the sender is held back by the connection itself;
// finishes when everything read is settled. Deletes itself when gRPC is done with it.
class StreamCall : public grpc::ServerReadReactor<event::Events> {
 public:
  using Publish = std::function<void(const event::Events&, std::function<void(const std::exception_ptr&)>)>;
  // `left` is called when the call is over; not for one that was refused.
  StreamCall(Publish publish, std::function<void()> left, Intake& intake, event::Response* response)
      : publish_(std::move(publish)), left_(std::move(left)), intake_(intake), response_(response) {}

  void begin() { StartRead(&events_); }
  void refuse(const Status& status) {
    left_ = nullptr;
    finished_ = true;
    Finish(status);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      std::unique_lock lock(mutex_);
      ended_ = true;
      finish_if_settled(lock);
      return;
    }
    {
      const std::scoped_lock lock(mutex_);
      // One more than the request, so that what settles meanwhile neither finishes nor reads into events_ under our
      // hands.
      pending_ += 2;
    }
    const auto count = events_.events_size();
    publish_(events_, [this, count](const std::exception_ptr& failure) { settled(failure, count); });
    {
      const std::scoped_lock lock(mutex_);
      reading_ = false;
    }
    settled({}, 0);
  }
  void OnDone() override {
    if (left_) left_();
    delete this;
  }

 private:
  void settled(const std::exception_ptr& failure, int count) {
    std::unique_lock lock(mutex_);
    if (failure && !failure_) failure_ = failure;
    if (!failure) accepted_ += count;
    --pending_;
    if (failure_ && !reading_) ended_ = true;
    if (finish_if_settled(lock)) return;
    // The next read, unless the window is closed; what closes it opens it again here.
    if (ended_ || reading_ || waiting_ || finished_ || pending_ >= kStreamWindow) return;
    if (intake_.full()) {
      // Pending itself, so that the call is there when room comes.
      waiting_ = true;
      ++pending_;
      lock.unlock();
      intake_.when_room([this] {
        {
          const std::scoped_lock again(mutex_);
          waiting_ = false;
        }
        settled({}, 0);
      });
      return;
    }
    reading_ = true;
    lock.unlock();
    events_.Clear();
    StartRead(&events_);
  }

  bool finish_if_settled(std::unique_lock<std::mutex>& lock) {
    if (!ended_ || pending_ > 0 || finished_) return false;
    finished_ = true;
    response_->set_status(failure_ ? "FAILED" : "SUCCESS");
    response_->set_accepted(accepted_);
    const auto status = status_of(failure_);
    lock.unlock();
    Finish(status);
    return true;
  }

  Publish publish_;
  std::function<void()> left_;
  Intake& intake_;
  event::Response* response_;
  event::Events events_;
  std::mutex mutex_;
  int pending_ = 0;  // requests that wait for their confirms, and whoever else needs the call
  int64_t accepted_ = 0;
  bool ended_ = false, reading_ = true, waiting_ = false, finished_ = false;
  std::exception_ptr failure_;
};

std::string credentials_file(const std::string& path, const char* key) {
  if (path.empty()) throw InvalidInput(std::string("event_grpc.tls_certificate and tls_key: ") + key + " is missing");
  return read_file(path);
}

}  // namespace

grpc::ServerReadReactor<event::Events>* GrpcServer::State::dispatchStream(grpc::CallbackServerContext* context,
                                                                          event::Response* response) {
  auto* call =
      new StreamCall([this](const event::Events& events,
                            std::function<void(const std::exception_ptr&)> done) { publish(events, std::move(done)); },
                     [this] { leave(); }, intake, response);
  if (const auto status = enter(*context); !status.ok())
    call->refuse(status);
  else
    call->begin();
  return call;
}

GrpcServer::GrpcServer(Runtime& runtime, amqp::Publisher& publisher, Intake& intake, const DispatchPlan& plan,
                       const ApiKeys& keys, GrpcOptions options)
    : state_(std::make_unique<State>(runtime, publisher, intake, plan, keys, std::move(options))) {
  auto& o = state_->options;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (!o.tls_certificate.empty() || !o.tls_key.empty()) {
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back(
        {credentials_file(o.tls_key, "tls_key"), credentials_file(o.tls_certificate, "tls_certificate")});
    credentials = grpc::SslServerCredentials(tls);
  }
  builder.AddListeningPort(fmt::format("{}:{}", o.address, o.port), credentials, &state_->bound_port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // One connection can not take all calls' places and more; who is gone without a word, or never ends his handshake, is
  // noticed.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, o.max_concurrent);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.SetMaxReceiveMessageSize(int(o.max_message));
  grpc::ResourceQuota quota("dalgona");
  quota.Resize(256u << 20);
  builder.SetResourceQuota(quota);
  builder.RegisterService(state_.get());
  state_->server = builder.BuildAndStart();
  if (!state_->server || state_->bound_port == 0)
    throw Permanent(fmt::format("can't listen for gRPC on {}:{}", o.address, o.port));
}

GrpcServer::~GrpcServer() {
  stop(std::chrono::milliseconds(0));
}

uint16_t GrpcServer::port() const {
  return uint16_t(state_->bound_port);
}

void GrpcServer::serve(bool serving) {
  if (auto* health = state_->server->GetHealthCheckService()) health->SetServingStatus(serving);
}

void GrpcServer::stop(std::chrono::milliseconds grace) {
  if (state_->stopping.exchange(true)) return;
  state_->server->Shutdown(std::chrono::system_clock::now() + grace);
}

}  // namespace dalgona::event_grpc
