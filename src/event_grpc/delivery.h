// What sink and forwarder both read off a delivery.
#pragma once
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/amqp/amqp.h"

namespace dalgona::event_grpc {

// How often the event was parked before; set when it is replayed.
inline constexpr const char* kParkedCountHeader = "x-dalgona-parked";

// Where an event came from before it went through a retry queue, or was parked and replayed: both give it back through
// the default exchange, to its own queue alone.
inline constexpr const char* kFirstExchangeHeader = "x-first-exchange";
inline constexpr const char* kFirstRoutingKeyHeader = "x-first-routing-key";

// Headers and the properties that tell where a message came from, as one JSON object.
std::string headers_json(const amqp::Properties& properties);
// 0 when there is none.
int64_t number_header(const amqp::Properties& properties, const char* name);
std::optional<std::string> text_header(const amqp::Properties& properties, const char* name);

bool is_ndjson(std::string_view content_type);

// The message's events: itself, or its lines that are not blank; an empty message is one, empty event. The bytes behind
// each are readable as far as those behind `body` are.
template <typename F>
void for_each_event(std::string_view body, bool lines, F f) {
  size_t events = 0;
  if (lines) {
    for (size_t at = 0; at < body.size();) {
      const auto end = std::min(body.find('\n', at), body.size());
      const auto line = body.substr(at, end - at);
      at = end + 1;
      if (line.find_first_not_of(" \t\r") == line.npos) continue;
      ++events;
      f(line);
    }
  }
  if (events == 0) f(body);
}

// A descriptor that one thread rings and another polls.
class EventFd {
 public:
  EventFd();
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  int get() const { return fd_; }
  void ring() const;
  void quiet() const;

 private:
  int fd_;
};

}  // namespace dalgona::event_grpc
