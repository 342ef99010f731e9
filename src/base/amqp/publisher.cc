#include <cerrno>
#include <deque>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/amqp/body_coding.h"
#include "base/errors.h"
#include "base/log.h"

namespace dalgona::amqp {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kManyEvents = "application/x-ndjson";

// The messages of one publish() call. Touched by the publisher's thread only, once handed over.
struct Batch {
  size_t remaining = 0;
  uint64_t bytes = 0;
  Clock::time_point deadline;
  std::exception_ptr failure;
  bool done = false;
  std::function<void(std::exception_ptr)> finished;
};

struct Item {
  Message message;
  std::shared_ptr<Batch> batch;
  int64_t sent = 0;  // how often
};

uint64_t size_of(const Message& m) {
  return m.body.size() + m.exchange.size() + m.routing_key.size() + 256;
}

}  // namespace

struct Publisher::State {
  Options options;
  int wake = -1;
  std::mutex mutex;
  std::deque<std::pair<std::vector<Message>, std::shared_ptr<Batch>>> handed_over;  // under mutex
  bool stopping = false;                                                            // under mutex
  std::atomic<bool> is_connected{false};
  std::atomic<uint64_t> bytes{0};

  // The thread's own.
  std::deque<Item> waiting;  // to be sent, in order
  uint64_t waiting_bytes = 0;
  std::map<uint64_t, Item> in_flight;  // by sequence number of the connection
  uint64_t last_sequence = 0;
  Clock::time_point next_expiry{};
  std::optional<Connection> connection;
  int attempts = 0;
  Clock::time_point next_attempt{};
  std::thread thread;

  explicit State(Options o) : options(std::move(o)) {
    wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) throw Retryable(fmt::format("eventfd: {}", std::strerror(errno)));
    thread = std::thread([this] { run(); });
  }
  ~State() {
    if (thread.joinable()) thread.join();
    if (wake >= 0) ::close(wake);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void ring() const {
    const uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(wake, &one, sizeof one);
  }
  void quiet() const {
    uint64_t count;
    [[maybe_unused]] const auto got = ::read(wake, &count, sizeof count);
  }

  void hand_over(std::vector<Message> messages, std::function<void(std::exception_ptr)> finished) {
    if (messages.empty()) {
      finished({});
      return;
    }
    if (options.compress)
      for (auto& m : messages)
        if (m.properties.content_type == kManyEvents) compress(m);
    auto batch = std::make_shared<Batch>();
    batch->remaining = messages.size();
    batch->deadline = Clock::now() + options.timeout;
    for (const auto& m : messages) batch->bytes += size_of(m);
    batch->finished = std::move(finished);
    bytes += batch->bytes;
    {
      const std::scoped_lock lock(mutex);
      if (!stopping) {
        handed_over.emplace_back(std::move(messages), batch);
        batch = nullptr;
      }
    }
    if (batch) settle(batch, std::make_exception_ptr(Cancelled()));
    ring();
  }

  void settle(const std::shared_ptr<Batch>& batch, const std::exception_ptr& failure) {
    if (batch->done) return;
    batch->done = true;
    bytes -= batch->bytes;
    batch->finished(failure);
    batch->finished = nullptr;
  }

  // Moves new batches into `waiting`, as many as the bound in bytes allows; true when it is time to end.
  bool take() {
    const std::scoped_lock lock(mutex);
    while (!handed_over.empty() && (waiting.empty() || waiting_bytes < options.max_buffered)) {
      auto& [messages, batch] = handed_over.front();
      for (auto& m : messages) push_back({std::move(m), batch, 0});
      handed_over.pop_front();
    }
    return stopping && handed_over.empty() && waiting.empty() && in_flight.empty();
  }

  void push_back(Item item) {
    waiting_bytes += size_of(item.message);
    waiting.push_back(std::move(item));
  }
  Item pop_front() {
    Item item = std::move(waiting.front());
    waiting.pop_front();
    waiting_bytes -= size_of(item.message);
    return item;
  }

  // Looked at ten times a second: looking at every step would cost more than sending.
  void expire() {
    const auto now = Clock::now();
    if (now < next_expiry) return;
    next_expiry = now + std::chrono::milliseconds(100);
    const auto late = [&](const std::shared_ptr<Batch>& batch) {
      if (!batch->done && now >= batch->deadline)
        settle(batch, std::make_exception_ptr(Retryable(is_connected ? "RabbitMQ: not confirmed in time"
                                                                     : "RabbitMQ: not reachable in time")));
      return batch->done;
    };
    for (const auto& [sequence, item] : in_flight) late(item.batch);
    std::erase_if(waiting, [&](const Item& item) { return late(item.batch); });
    waiting_bytes = 0;
    for (const auto& item : waiting) waiting_bytes += size_of(item.message);
    {
      const std::scoped_lock lock(mutex);
      std::erase_if(handed_over, [&](const auto& entry) { return late(entry.second); });
    }
    // What is unconfirmed for so long will not be confirmed on this connection.
    if (!in_flight.empty() && in_flight.begin()->second.batch->done && is_connected && !connection->blocked())
      throw Retryable("RabbitMQ: confirms stay away");
  }

  Clock::time_point next_look() const {
    const bool busy = !in_flight.empty() || !waiting.empty();
    return Clock::now() + (busy ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1000));
  }

  void run() {
    for (;;) {
      quiet();
      if (take()) return;
      try {
        expire();
        if (!connection) {
          connect_or_wait();
          continue;
        }
        step();
      } catch (const Permanent& e) {
        broken(e.what(), std::current_exception());
      } catch (const std::exception& e) {
        broken(e.what(), {});
      }
    }
  }

  void connect_or_wait() {
    const auto now = Clock::now();
    if (now < next_attempt) {
      pollfd fd{wake, POLLIN, 0};
      const auto until = std::min(next_attempt, next_look());
      ::poll(&fd, 1, int(std::chrono::ceil<std::chrono::milliseconds>(until - now).count()));
      return;
    }
    connection.emplace(Connection::Options{.url = options.url, .name = options.name});
    connection->declare(options.topology);
    connection->enable_confirms();
    connection->wake_on(wake);
    if (attempts > 0) log::info("msg=\"connected to RabbitMQ again\" connection={}", log::quoted(options.name));
    attempts = 0;
    is_connected = true;
  }

  void step() {
    while (!waiting.empty() && in_flight.size() < options.window && !connection->blocked()) {
      Item item = pop_front();
      if (item.batch->done) continue;
      if (item.sent > 0) item.message.properties.headers[kResentHeader] = item.sent;
      ++item.sent;
      // In the map before the sending, so that a connection that breaks under it does not lose the item.
      const uint64_t expected = last_sequence + 1;
      auto& kept = in_flight.emplace(expected, std::move(item)).first->second;
      last_sequence = connection->publish(kept.message);
    }
    const auto confirms = connection->wait_confirms(next_look());
    for (const auto& [sequence, reason] : confirms.failed) {
      const auto at = in_flight.find(sequence);
      if (at == in_flight.end()) continue;
      const bool refused = reason.starts_with("refused");
      const auto failure =
          refused ? std::make_exception_ptr(Retryable(reason)) : std::make_exception_ptr(Permanent(reason));
      if (!at->second.batch->failure) at->second.batch->failure = failure;
    }
    for (auto at = in_flight.begin(); at != in_flight.end() && at->first <= confirms.up_to; at = in_flight.erase(at)) {
      auto& batch = at->second.batch;
      if (--batch->remaining == 0) settle(batch, batch->failure);
    }
  }

  // A missing exchange is the fault of the messages to it; refused credentials or a refused topology is the same for
  // all.
  void refuse(const std::string& why, const std::exception_ptr& failure) {
    const auto names = [&](const Item& item) {
      return !item.message.exchange.empty() && why.find("exchange '" + item.message.exchange + "'") != why.npos;
    };
    const bool of_some = std::any_of(waiting.begin(), waiting.end(), names);
    for (auto& item : waiting)
      if (!of_some || names(item)) settle(item.batch, failure);
  }

  // Everything unconfirmed goes back to the head of the line, in its order.
  void broken(const std::string& why, const std::exception_ptr& permanent) {
    is_connected = false;
    connection.reset();
    last_sequence = 0;
    for (auto at = in_flight.rbegin(); at != in_flight.rend(); ++at) {
      if (at->second.batch->done) continue;
      waiting_bytes += size_of(at->second.message);
      waiting.push_front(std::move(at->second));
    }
    in_flight.clear();
    if (permanent) refuse(why, permanent);
    if (attempts == 0 || permanent)
      log::warn("msg=\"RabbitMQ connection lost\" connection={} error={}", log::quoted(options.name), log::quoted(why));
    next_attempt = Clock::now() + std::chrono::milliseconds(20) +
                   backoff(attempts++, std::chrono::milliseconds(100), std::chrono::seconds(3));
  }
};

Publisher::Publisher(Options options) : state_(std::make_shared<State>(std::move(options))) {}

Publisher::~Publisher() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->ring();
  state_->thread.join();
}

Task<void> Publisher::publish(std::vector<Message> messages) {
  // Everything that owns something has a name here: g++ 12 destroys temporaries of a co_await expression twice.
  State* state = state_.get();
  auto initiate = [state](auto handler, std::vector<Message>* all) {
    auto executor = asio::get_associated_executor(handler);
    // The runtime must not end while somebody waits here.
    auto guard = asio::make_work_guard(executor);
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    state->hand_over(std::move(*all), [shared, executor, guard](const std::exception_ptr& failure) {
      asio::post(executor, [shared, failure] { std::move (*shared)(failure); });
    });
  };
  auto confirmed = asio::async_initiate<decltype(asio::use_awaitable), void(std::exception_ptr)>(
      initiate, asio::use_awaitable, &messages);
  co_await std::move(confirmed);
}

void Publisher::publish_blocking(std::vector<Message> messages) {
  std::promise<void> done;
  state_->hand_over(std::move(messages), [&done](const std::exception_ptr& failure) {
    if (failure)
      done.set_exception(failure);
    else
      done.set_value();
  });
  done.get_future().get();
}

bool Publisher::connected() const {
  return state_->is_connected;
}
uint64_t Publisher::buffered() const {
  return state_->bytes;
}
uint64_t Publisher::max_buffered() const {
  return state_->options.max_buffered;
}

}  // namespace dalgona::amqp
