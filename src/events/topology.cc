#include "events/topology.h"

#include <set>

namespace dalgona::events {

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
