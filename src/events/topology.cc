#include "events/topology.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace dalgona::events {

std::string retry_queue(const Stream& s, int attempt) {
  return fmt::format("{}.retry.{}", s.queue, attempt);
}

std::chrono::milliseconds retry_wait(const Stream& s, int attempt) {
  // An hour at most: a longer wait is a matter for the parked events.
  return std::min<std::chrono::milliseconds>(s.retry_delay * (1 << std::min(attempt - 1, 20)), std::chrono::hours(1));
}

amqp::Topology topology(const std::vector<Stream>& streams) {
  amqp::Topology t;
  std::set<std::string> exchanges, queues;
  const amqp::Table quorum{{"x-queue-type", std::string("quorum")}};
  const auto add_exchange = [&](const std::string& name, const std::string& kind) {
    if (exchanges.insert(name).second) t.exchanges.push_back({name, kind});
  };
  const auto add_queue = [&](const std::string& name) {
    if (queues.insert(name).second) t.queues.push_back({name, quorum});
  };
  for (const auto& s : streams) {
    add_exchange(s.exchange, s.exchange_kind);
    add_queue(s.queue);
    t.bindings.push_back({s.queue, s.exchange, s.routing_key});
    if (s.target.kind != TargetKind::kHttp) continue;
    // What failed waits in a queue of its own stream and attempt until its time is over and goes back to the stream's
    // own queue, so that no sibling on the same key sees it again and no process holds it in memory.
    for (int attempt = 1; attempt < s.retry_attempts; ++attempt) {
      const auto name = retry_queue(s, attempt);
      if (!queues.insert(name).second) continue;
      t.queues.push_back({name,
                          {{"x-queue-type", std::string("quorum")},
                           {"x-message-ttl", int64_t(retry_wait(s, attempt).count())},
                           {"x-dead-letter-exchange", std::string()},
                           {"x-dead-letter-routing-key", s.queue},
                           {"x-dead-letter-strategy", std::string("at-least-once")},
                           {"x-overflow", std::string("reject-publish")}}});
    }
  }
  // An error exchange that another stream consumes is declared by that stream.
  for (const auto& s : streams) {
    if (s.error_exchange.empty() || exchanges.contains(s.error_exchange)) continue;
    add_exchange(s.error_exchange, "direct");
    const auto queue = s.error_exchange + "." + s.error_routing_key;
    add_queue(queue);
    t.bindings.push_back({queue, s.error_exchange, s.error_routing_key});
  }
  return t;
}

}  // namespace dalgona::events
