#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace dalgona::event_grpc {

// When a connection's deliveries, whose events are durable in batches, are acknowledged. A quorum queue that gets a
// large batch's acknowledgements at once looks for as many new messages in one step and sends nothing meanwhile
// (docs/traps.md). So they go out in steps as deliveries come in, twice as many, so that none is left over; and so many
// that the broker has leave to send kReadyToSend messages. When next to nothing has come for kPause, the queue has no
// more, and all the others go out, as one: a channel has some thirty acknowledgements under way to a quorum queue,
// keeps the others for later, and forgets them when it ends. Not thread-safe.
class AckPacer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // In steps, so that the channel passes on the first ones while the queue looks for more.
  static constexpr uint64_t kMessagesAnAck = 1000;
  static constexpr uint64_t kMessagesAStep = kMessagesAnAck / 2;  // deliveries that let one go out
  static constexpr uint64_t kReadyToSend = 6000;                  // messages; 60 to 100 ms of a queue's work
  static constexpr std::chrono::milliseconds kPause{200};

  // The tag up to which to acknowledge now, to be asked for until it is 0, that is, nothing. `committed`: the tag up to
  // which all is durable; `received`: the last tag; `all`: without waiting.
  uint64_t next(Time now, uint64_t committed, uint64_t received, uint64_t prefetch, bool all = false) {
    if (committed <= acknowledged_) {
      since_ = now;
      paid_ = received;
      return 0;
    }
    const bool lacks_leave = received - acknowledged_ + kReadyToSend > prefetch;
    const bool has_come = received - paid_ >= kMessagesAStep;
    const bool is_step = (lacks_leave || has_come) && !all;
    if (!is_step && !all && now < since_ + kPause) return 0;
    since_ = now;
    paid_ = received;
    return acknowledged_ = is_step ? std::min(acknowledged_ + kMessagesAnAck, committed) : committed;
  }
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  uint64_t acknowledged_ = 0;
  // The last tag, and the time, when something went out or there was nothing to acknowledge.
  uint64_t paid_ = 0;
  Time since_{};
};

}  // namespace dalgona::event_grpc
