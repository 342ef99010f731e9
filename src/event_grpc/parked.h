// Events that could not be taken in, in events.parked: looked at, sent again, or given up, by a person.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/amqp/amqp.h"
#include "events/catalogue.h"
#include "warehouse/client.h"

namespace dalgona::event_grpc {

struct ParkedRow {
  std::string id, stream, parked_at, reason, field, exchange, routing_key, headers, body;
  int64_t count = 0;
  uint64_t version = 0;
};

// Which parked events; empty members ask for nothing. Ids may be given by their first characters, eight or more.
struct ParkedFilter {
  std::vector<std::string> ids;
  std::string stream, field;
  size_t limit = 50;
};

class Parked {
 public:
  explicit Parked(warehouse::Client& client) : client_(client) {}

  // The newest first. Without `with_body` bodies and headers stay empty. Throws InvalidInput for an id that is none.
  std::vector<ParkedRow> list(const ParkedFilter& filter, bool with_body) const;
  struct Count {
    std::string stream, field;
    uint64_t events = 0;
  };
  // By stream and field, the most first.
  std::vector<Count> counts() const;
  // Publishes these events to their queues again and marks them; what is wrong still is parked again, with its count
  // raised. A crash between the two leaves the event parked, and sending it twice is harmless.
  void replay(const events::Catalogue& catalogue, amqp::Publisher& publisher, const std::vector<ParkedRow>& rows);
  // Marks them as given up; the bodies are removed.
  void drop(const std::vector<ParkedRow>& rows);

 private:
  void mark(const std::vector<ParkedRow>& rows, const char* state, bool keep_body);
  warehouse::Client& client_;
};

// The message that gives a parked event back to its stream's queue.
amqp::Message replay_message(const events::Stream& stream, const ParkedRow& row);

}  // namespace dalgona::event_grpc
