#include "chaos/plan.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/ids.h"

namespace dalgona::chaos {
namespace {

// Of the 1,000 good events of a window.
constexpr std::array<uint64_t, 3> kShare{600, 300, 100};
// Profiles and posts that the events are spread over.
constexpr uint64_t kEntities = 499;

std::mt19937_64 generator(uint64_t seed, uint64_t index) {
  std::seed_seq sequence{uint32_t(seed), uint32_t(seed >> 32), uint32_t(index), uint32_t(index >> 32)};
  return std::mt19937_64(sequence);
}

// Distribution classes of the standard library differ from one library to the next.
uint64_t below(std::mt19937_64& random, uint64_t bound) {
  return random() % bound;
}

Uuid event_id(uint64_t seed, size_t stream, uint64_t number) {
  std::mt19937_64 random = generator(seed ^ (0x9e3779b97f4a7c15ull * (stream + 1)), number);
  Uuid id;
  for (size_t half : {0u, 8u}) {
    const uint64_t bits = random();
    for (size_t i = 0; i < 8; ++i) id.bytes[half + i] = uint8_t(bits >> (8 * i));
  }
  id.bytes[6] = uint8_t((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = uint8_t((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

// No two observations of one profile share a moment, so a rollup has one right answer.
std::string event(uint64_t seed, size_t stream, uint64_t number, Time begin) {
  const std::string id = event_id(seed, stream, number).text(), at = to_sql(begin + std::chrono::seconds(number));
  const uint64_t entity = number % kEntities;
  switch (stream) {
    case 0:
      return fmt::format(
          R"({{"event_id":"{}","source":"chaos","platform":"YOUTUBE","profile_id":"UC{}","handle":"@c{}","event_timestamp":"{}",)"
          R"("metrics":{{"followers":{},"views":{}}},"dimensions":{{"title":"channel {}"}}}})",
          id, entity, entity, at, number, number * 7, entity);
    case 1:
      return fmt::format(
          R"({{"event_id":"{}","source":"chaos","platform":"YOUTUBE","profile_id":"UC{}","handle":"","shortcode":"v{}","event_timestamp":"{}",)"
          R"("metrics":{{"views":{},"likes":{}}},"dimensions":{{"title":"video \"{}\""}}}})",
          id, entity % 50, entity, at, number, number / 3, entity);
    default:
      return fmt::format(
          R"({{"event_id":"{}","scl_id":{},"platform":"YOUTUBE","flow":"refresh_yt_profiles","params":{{"n":{}}},"status":"COMPLETE",)"
          R"("priority":1,"event_timestamp":"{}"}})",
          id, number, number, at);
  }
}

std::string malformed(uint64_t number) {
  switch (number % 4) {
    case 0:
      return fmt::format("this is no JSON {}", number);
    case 1:
      return fmt::format(R"({{"event_id":"broken-{}","platform":"YOUTUBE"}})", number);
    case 2:
      return fmt::format(
          R"({{"event_id":"00000000-0000-4000-8000-{:012}","source":"chaos","platform":"YOUTUBE","profile_id":7,"event_timestamp":"never"}})",
          number);
    default:
      return fmt::format(R"({{"event_id":"00000000-0000-4000-8000-{:012}","source":"cha)", number);
  }
}

// NDJSON has one line an event, so one that is cut in the middle is a message of its own.
constexpr const char* kNdjson = "application/x-ndjson";

}  // namespace

const std::array<Stream, 3>& streams() {
  static const std::array<Stream, 3> all{
      Stream{"profile_log_events", "beat.dx", "profile_log_events", "events.profile_log", "followers"},
      Stream{"post_log_events", "beat.dx", "post_log_events", "events.post_log", "views"},
      Stream{"scrape_request_log_events", "beat.dx", "scrape_request_log_events", "events.scrape_request_log",
             "scl_id"}};
  return all;
}

struct Plan::Draft {
  Window window;
  uint64_t malformed = 0, copies = 0;
};

Plan::Plan(uint64_t seed, uint64_t events, Time begin)
    : seed_(seed), windows_((events + kGoodInWindow - 1) / kGoodInWindow), begin_(begin) {}

Plan::Draft Plan::draft(uint64_t index) const {
  std::mt19937_64 random = generator(seed_, index);
  Draft draft;
  std::vector<size_t> events_in;  // by message
  for (size_t s = 0; s < streams().size(); ++s) {
    const auto& stream = streams()[s];
    const uint64_t end = (index + 1) * kShare[s];
    for (uint64_t number = index * kShare[s]; number < end;) {
      // Now one, now many in a message.
      const uint64_t count = std::min<uint64_t>(end - number, below(random, 3) == 0 ? 1 : 1 + below(random, 100));
      amqp::Message message{.exchange = std::string(stream.exchange),
                            .routing_key = std::string(stream.routing_key),
                            .body = {},
                            .properties = {}};
      message.properties.content_type = count == 1 ? "application/json" : kNdjson;
      for (uint64_t i = 0; i < count; ++i)
        message.body += event(seed_, s, number + i, begin_) + (count == 1 ? "" : "\n");
      if (count > 1 && below(random, 20) == 0) {  // one bad neighbour among good ones
        message.body += malformed(index * 1000 + draft.malformed++) + "\n";
      }
      number += count;
      draft.window.messages.push_back(std::move(message));
      events_in.push_back(count);
    }
  }
  if (below(random, 4) == 0) {
    amqp::Message message{.exchange = std::string(streams()[0].exchange),
                          .routing_key = std::string(streams()[0].routing_key),
                          .body = malformed(index * 1000 + draft.malformed++),
                          .properties = {}};
    message.properties.content_type = "application/json";
    draft.window.messages.push_back(std::move(message));
    events_in.push_back(0);
  }
  // Upstreams send things twice without knowing, and in any order.
  for (size_t i = draft.window.messages.size(); i-- > 0;)
    if (below(random, 12) == 0) {
      draft.window.messages.push_back(draft.window.messages[i]);
      draft.copies += events_in[i];
    }
  for (size_t i = draft.window.messages.size(); i > 1; --i)
    std::swap(draft.window.messages[i - 1], draft.window.messages[below(random, i)]);
  return draft;
}

Window Plan::window(uint64_t index) const {
  return draft(index).window;
}

Totals Plan::totals() const {
  Totals totals;
  for (uint64_t index = 0; index < windows_; ++index) {
    const Draft one = draft(index);
    totals.malformed += one.malformed;
    totals.copies += one.copies;
  }
  for (size_t s = 0; s < streams().size(); ++s) totals.events[s] = windows_ * kShare[s];
  return totals;
}

}  // namespace dalgona::chaos
