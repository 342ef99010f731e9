#include "event_grpc/ingest/webhook.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/errors.h"
#include "base/text.h"
#include "event_grpc/ingest/message_json.h"
#include "event_grpc/parser.h"

namespace dalgona::event_grpc {

namespace {

namespace dom = simdjson::dom;

// Of one body. Each becomes a message, which costs far more than the four bytes that an event can have in the array.
constexpr size_t kMostEvents = 10'000;

const WebhookTarget* taker(const std::vector<WebhookTarget>& targets, const dom::object& event) {
  for (const auto& t : targets) {
    const auto has = [&](const std::string& name) { return !event.at_key(name).error(); };
    if (!t.ingest->has.empty() && !has(t.ingest->has)) continue;
    if (!t.ingest->lacks.empty() && has(t.ingest->lacks)) continue;
    return &t;
  }
  return nullptr;
}

amqp::Message message_of(const WebhookTarget& target, const dom::object& event, std::string_view text,
                         const HeaderOf& header) {
  const auto& ingest = *target.ingest;
  amqp::Message m;
  m.exchange = target.stream->exchange;
  m.routing_key = target.stream->routing_key;
  if (!ingest.key_from.empty()) {
    std::string_view word;
    if (event.at_key(ingest.key_from).get_string().get(word)) word = {};
    m.routing_key = routing_word(word);
  }
  const auto delivery = ingest.id_header.empty() ? std::nullopt : header(ingest.id_header);
  m.properties.message_id = uuid_of_bytes(fmt::format("{}\n{}\n{}", ingest.path, delivery.value_or(""), text)).text();
  m.properties.content_type = "application/json";
  m.properties.type = m.routing_key;
  if (ingest.envelope.empty()) {
    m.body = text;
    return m;
  }
  m.body = "{";
  for (const auto& [member, name] : ingest.headers) {
    const auto value = header(name);
    if (!value) continue;
    append_json(m.body, std::string_view(member));
    m.body += ':';
    append_json(m.body, std::string_view(to_utf8_lossy(*value)));
    m.body += ',';
  }
  append_json(m.body, std::string_view(ingest.envelope));
  m.body += ':';
  m.body += text;
  m.body += '}';
  return m;
}

}  // namespace

std::string routing_word(std::string_view text) {
  std::string word;
  for (const char c : text.substr(0, 200)) word += std::isalnum(static_cast<unsigned char>(c)) || c == '-' ? c : '_';
  return word.empty() ? "UNKNOWN" : word;
}

std::vector<amqp::Message> webhook_messages(const std::vector<WebhookTarget>& targets, std::string_view body,
                                            const HeaderOf& header) {
  // The parser checks the whole text, unlike the on-demand one, so what is published is JSON for certain.
  thread_local dom::parser parser;
  dom::element root;
  if (const auto error = parser.parse(body.data(), body.size()).get(root))
    throw InvalidInput(std::string("the body is no JSON: ") + simdjson::error_message(error));
  std::vector<amqp::Message> messages;
  const auto one = [&](const dom::object& event, std::string_view text) {
    const auto* target = taker(targets, event);
    if (!target) throw InvalidInput("no stream takes an event of this form");
    messages.push_back(message_of(*target, event, text, header));
  };
  dom::object object;
  dom::array array;
  if (!root.get_object().get(object)) {
    one(object, trim(body));
  } else if (!root.get_array().get(array)) {
    if (array.size() > kMostEvents)
      throw InvalidInput(fmt::format("the array has more than {} events; send fewer at once", kMostEvents));
    for (const dom::element element : array) {
      if (element.get_object().get(object)) throw InvalidInput("an element of the array is no object");
      one(object, simdjson::minify(element));
    }
  } else {
    throw InvalidInput("the body must be a JSON object, or an array of them");
  }
  return messages;
}

}  // namespace dalgona::event_grpc
