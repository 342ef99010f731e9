// RabbitMQ -> warehouse, one stream: receivers (a thread and a connection each) parse deliveries into batches,
// committers insert them, two at a time, and let them be acknowledged in their order.
//
//   delivery --parse--> batch (open) --seal--> committer: drop known, park bad, insert --durable--> acknowledge
//
// A batch is sealed when it is full, or when its time has come: at once when the stream was quiet, and the later the
// longer an insert takes, so that inserting takes a fifth of the time at most, but never later than batch.time. What
// is not acknowledged the broker delivers again after any crash; such deliveries, those that a publisher sent twice
// and those whose id was seen lately are looked up in the warehouse before they are inserted.
#pragma once
#include <memory>
#include <string>

#include "base/amqp/amqp.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

struct SinkOptions {
  std::string rabbitmq_url;
  uint64_t memory = 384ull << 20;       // bytes of batches in this process; shared by all streams
  std::chrono::milliseconds linger{5};  // how long a lone event waits for company
  amqp::Topology topology = {};         // declared on each connect
  // Told of what was parked before its delivery is acknowledged. Called by the stream's committers, two at a time; may
  // wait.
  std::function<void(const events::Stream&, const std::vector<ParkedEvent>&)> on_parked = {};
};

// Bytes of batches in memory over all streams. Thread-safe.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit) : limit_(limit) {}
  void add(int64_t bytes) { used_ += bytes; }
  uint64_t used() const { return uint64_t(std::max<int64_t>(0, used_)); }
  // Batches are sealed early and receivers wait from here on.
  bool tight() const { return used() > limit_; }

 private:
  const uint64_t limit_;
  std::atomic<int64_t> used_{0};
};

class StreamSink {
 public:
  StreamSink(const events::Stream& stream, Store& store, StopFlag& stop, MemoryBudget& budget, SinkOptions options);
  ~StreamSink();  // after stop: joins its threads
  void start();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::event_grpc
