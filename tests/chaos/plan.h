// What is published: a sequence of messages that follows from the seed alone, so that a publisher that was killed goes
// on where it was, and whoever counts knows what must have come out.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/amqp/amqp.h"
#include "base/clock.h"

namespace dalgona::chaos {

// A stream that takes part, and where its events end.
struct Stream {
  std::string_view name, exchange, routing_key, table;
  // The column that holds the event's number, from 0 on without holes.
  std::string_view number;
};
const std::array<Stream, 3>& streams();

// A window is published as a whole, in a shuffled order, and confirmed as a whole.
struct Window {
  std::vector<amqp::Message> messages;
};

struct Totals {
  std::array<uint64_t, 3> events{};  // good ones, by stream
  uint64_t malformed = 0;            // different ones
  uint64_t copies = 0;               // events sent a second time on purpose
};

class Plan {
 public:
  // `events` good ones over all streams, or a few more, as windows are whole; observed a second apart from `begin` on.
  // Not long ago, or tables with a time to live drop them.
  Plan(uint64_t seed, uint64_t events, Time begin);
  uint64_t windows() const { return windows_; }
  // The window of that index, always the same.
  Window window(uint64_t index) const;
  // Of all windows.
  Totals totals() const;

  static constexpr uint64_t kGoodInWindow = 1000;

 private:
  struct Draft;
  Draft draft(uint64_t index) const;
  uint64_t seed_, windows_;
  Time begin_;
};

}  // namespace dalgona::chaos
