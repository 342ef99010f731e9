#include "event_grpc/error_events.h"

#include <algorithm>

#include <boost/json.hpp>

#include "base/text.h"

namespace dalgona::event_grpc {

namespace {

// A broken event may be anything; the error event about it must be readable. The parked row keeps the bytes as they
// were.
constexpr size_t kLongestKept = 8 << 20;

std::string readable(std::string_view bytes) {
  auto text = to_utf8_lossy(bytes.substr(0, kLongestKept));
  for (size_t at = 0; (at = text.find('\0', at)) != text.npos; at += 3) text.replace(at, 1, "\xef\xbf\xbd");
  return text;
}

}  // namespace

amqp::Message error_event(const events::Stream& stream, const ParkedEvent& parked, Time now) {
  boost::json::object body{
      {"event_id", parked.id.text()},          {"queue", stream.queue},
      {"event_timestamp", to_sql(now)},        {"field", readable(std::string_view(parked.why.field).substr(0, 500))},
      {"error", readable(parked.why.reason)},  {"retry_count", int64_t(parked.count) - 1},
      {"exchange", readable(parked.exchange)}, {"routing_key", readable(parked.routing_key)},
      {"headers", readable(parked.headers)},   {"event", readable(parked.why.body)}};
  amqp::Message message;
  message.exchange = stream.error_exchange;
  message.routing_key = stream.error_routing_key;
  message.body = boost::json::serialize(body);
  message.properties.message_id = parked.id.text();
  message.properties.content_type = "application/json";
  return message;
}

}  // namespace dalgona::event_grpc
