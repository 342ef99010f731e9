// From the bytes of a message to rows of a block, without an object in between. What does not fit is told with the
// field's name and leaves no trace in the block.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/catalogue.h"
#include "warehouse/native_block.h"

namespace dalgona::event_grpc {

struct Rejected {
  std::string field;   // "metrics.followers"; empty when the bytes are no JSON object at all
  std::string reason;  // begins with the field's name when there is one
  std::string body;    // the event's own bytes
};

// What the parser needs of a delivery. `body` is followed by kPadding readable bytes (amqp::Connection::kPadding).
struct MessageView {
  std::string_view body;
  std::string_view content_type, message_id, routing_key;
};

// One stream's parser; used by one thread.
class Parser {
 public:
  static constexpr size_t kPadding = 64;
  // Careful: events are read by the reader that takes everything and names what is wrong; else by read_plain_event()
  // first. The rows are the same; tests compare them.
  enum class Reading { kQuick, kCareful };
  explicit Parser(const events::Stream& stream, Reading reading = Reading::kQuick);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Columns in the order of the stream's fields.
  warehouse::Block new_block() const;
  // Appends the message's events (one JSON object, or one a line in NDJSON) to `block` and what is wrong to `rejected`.
  // A message without any event is rejected as a whole.
  void parse(const MessageView& message, warehouse::Block& block, std::vector<Rejected>& rejected);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

// A UUID (version 8) made from bytes: the same bytes give the same id.
Uuid uuid_of_bytes(std::string_view bytes);

}  // namespace dalgona::event_grpc
