// RabbitMQ over librabbitmq: one connection a thread. The only room that includes amqp.h.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/async.h"

namespace dalgona::amqp {

// AMQP field table values that we use.
using Value = std::variant<bool, int64_t, std::string>;
using Table = std::map<std::string, Value>;

struct Exchange {
  std::string name;
  std::string kind;  // direct, topic, fanout, headers
};
struct Queue {
  std::string name;
  Table arguments;  // x-queue-type and the like; durable always
};
struct Binding {
  std::string queue, exchange, routing_key;
};
struct Topology {
  std::vector<Exchange> exchanges;
  std::vector<Queue> queues;
  std::vector<Binding> bindings;
};

struct Properties {
  std::string message_id, type, content_type, content_encoding, app_id;
  int64_t timestamp = 0;  // seconds
  Table headers;
};

struct Message {
  std::string exchange, routing_key;
  std::string body;
  Properties properties;
};

// A blocking connection with one channel, used by one thread. Reconnecting is the caller's: after a throw, make a new
// one. Every call has a time limit. Throws Retryable when the broker is away or the connection breaks, Permanent for
// refused access or precondition failures.
class Connection {
 public:
  struct Options {
    std::string url;   // amqp://user:password@host:port/vhost, amqps://
    std::string name;  // shown in the broker's management as connection_name
    std::chrono::seconds heartbeat{10};
    std::chrono::milliseconds timeout{10'000};
  };
  explicit Connection(const Options& options);
  // Drops the connection as it is: what was sent last, acknowledgements above all, may be lost. close() is for those.
  ~Connection();
  // Ends it in order: true when the broker has taken all that was sent before. False when it did not say so within the
  // limit, or the connection is broken. Deliveries that come meanwhile are passed over, and the broker gives them to
  // others. Nothing but close() may be called afterwards.
  bool close(std::chrono::milliseconds limit = std::chrono::milliseconds{2000}) noexcept;
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  // Idempotent for equal declarations.
  void declare(const Topology& topology);
  struct QueueCounts {
    uint64_t messages = 0;  // ready
    uint64_t consumers = 0;
  };
  QueueCounts counts(const std::string& queue);
  void purge(const std::string& queue);
  void remove_queue(const std::string& queue);

  // --- consuming ---
  static constexpr size_t kPadding = 64;  // what a SIMD parser may read past the end
  // `prefetch`: deliveries without acknowledgement at most; 0: as the broker likes. The broker gets to know of more
  // than some thousands step by step, as deliveries come; it sees several consumers then.
  void consume(const std::string& queue, uint16_t prefetch);
  // The same with another prefetch: what consumes is cancelled and made anew. What was delivered stays delivered, its
  // tags stay valid, and it no longer counts. Only while few deliveries can be on their way (docs/traps.md).
  void consume_again(const std::string& queue, uint16_t prefetch);
  struct Delivery {
    uint64_t tag = 0;  // of this connection only; never a deduplication key
    bool redelivered = false;
    std::string exchange, routing_key;
    Properties properties;
    std::string_view body;  // lives as long as `storage`; kPadding readable bytes follow it
    std::shared_ptr<const void> storage;
  };
  // Waits until the deadline; nothing when none came.
  std::optional<Delivery> receive(std::chrono::steady_clock::time_point deadline);
  // Not waiting: true when a delivery is already here, so that receive() would not block.
  bool has_buffered() const;
  // Waits without taking deliveries in, so that the broker's own window fills up; heartbeats go on. Ends early when the
  // wake descriptor is readable.
  void idle(std::chrono::steady_clock::time_point deadline);
  // While this descriptor is readable (an eventfd of the caller's), receive() and wait_confirms() return at once
  // instead of waiting: how other threads call the connection's thread back to work. -1: none.
  void wake_on(int descriptor);
  void ack(uint64_t tag, bool multiple);
  void nack(uint64_t tag, bool multiple, bool requeue);
  // One message from the queue, or nothing; for tools.
  std::optional<Delivery> get(const std::string& queue);

  // --- publishing; persistent and mandatory always ---
  void enable_confirms();
  // Sends without waiting; gives the sequence number. Message bodies up to 128 MiB.
  uint64_t publish(const Message& message);
  struct Confirms {
    uint64_t up_to = 0;                                    // all sequence numbers up to here are settled
    std::vector<std::pair<uint64_t, std::string>> failed;  // nacked or returned as unroutable, with the reason
  };
  // Reads what confirms there are, waiting at most until the deadline for something new.
  Confirms wait_confirms(std::chrono::steady_clock::time_point deadline);
  uint64_t unconfirmed() const;
  // The broker has asked publishers to stop (memory or disk alarm); what is sent meanwhile stays unconfirmed.
  bool blocked() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Header of a message that was sent once already without a confirm: the number of earlier sendings. Whoever reads it
// knows that the event may be in the queue twice.
inline constexpr const char* kResentHeader = "x-dalgona-resent";

// A publisher for coroutines: a thread of its own, confirm windows, reconnect with backoff. Thread-safe. Used by every
// role.
class Publisher {
 public:
  struct Options {
    std::string url;
    std::string name;
    size_t window = 1024;  // unconfirmed messages at most
    // Bytes waiting; callers above it wait for theirs to be taken up (back-pressure), never dropped. See buffered().
    uint64_t max_buffered = 64ull << 20;
    std::chrono::milliseconds timeout{30'000};  // from publish() to confirm, reconnects included
    Topology topology = {};                     // declared on each connect
    // Messages of many events, application/x-ndjson, are compressed (base/amqp/body_coding.h), by publish()'s caller.
    bool compress = true;
  };
  explicit Publisher(Options options);
  ~Publisher();  // waits for what is in flight up to the timeout
  // Returns when the broker has confirmed all of them. Unroutable: Permanent naming exchange and key. Not confirmed in
  // time: Retryable; the messages may or may not be in the queue, and a retry with the same event ids is recognised
  // downstream.
  Task<void> publish(std::vector<Message> messages);
  void publish_blocking(std::vector<Message> messages);
  bool connected() const;
  // Bytes handed over and not confirmed yet. A server that must not wait answers "busy" above `max_buffered`.
  uint64_t buffered() const;
  uint64_t max_buffered() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace dalgona::amqp
