// The body of a webhook to messages for the broker, as the stream's file says. Pure.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amqp/amqp.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

using HeaderOf = std::function<std::optional<std::string>(const std::string& name)>;

// One stream's way in.
struct WebhookTarget {
  const events::Stream* stream = nullptr;
  const events::Ingest* ingest = nullptr;
};

// `body` is one JSON object, or an array of them; each goes to the first of `targets` that takes it. The message's id
// is made from the stream, the sender's own id of the delivery and the bytes, so that a delivery that is sent again is
// the same event. Throws InvalidInput: no JSON, no object, or nobody takes it.
std::vector<amqp::Message> webhook_messages(const std::vector<WebhookTarget>& targets, std::string_view body,
                                            const HeaderOf& header);

// One word of a topic exchange: letters, digits, '-' and '_'; others become '_'; at most 200 bytes; "UNKNOWN" for none.
std::string routing_word(std::string_view text);

}  // namespace dalgona::event_grpc
