#include "beat/events.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/resources.h"
#include "beat/event_id.h"
#include "events/catalogue.h"
#include "events/topology.h"

namespace dalgona::beat {
namespace {

namespace json = boost::json;

constexpr const char* kPlatform = "YOUTUBE";

template <typename T>
void put(json::object& into, const char* key, const std::optional<T>& value) {
  if (value) into[key] = *value;
}

void put(json::object& into, const char* key, const std::optional<Time>& value) {
  if (value) into[key] = to_sql(*value);
}

std::string id_of(int64_t task, std::string_view kind, std::string_view entity, Time at) {
  return event_uuid(at, fmt::format("{}/{}/{}/{}", task, kind, entity, at.time_since_epoch().count())).text();
}

}  // namespace

std::string profile_event(int64_t task, const std::string& source, const Observed<youtube::Profile>& observed) {
  const youtube::Profile& profile = observed.what;
  json::object metrics, dimensions;
  put(metrics, "followers", profile.followers);
  put(metrics, "views", profile.views);
  put(metrics, "uploads", profile.uploads);
  put(dimensions, "title", profile.title);
  put(dimensions, "country", profile.country);
  put(dimensions, "thumbnail_url", profile.thumbnail_url);
  put(dimensions, "published_at", profile.published_at);
  json::object event{{"event_id", id_of(task, "profile", profile.channel_id, observed.at)},
                     {"source", source},
                     {"platform", kPlatform},
                     {"profile_id", profile.channel_id},
                     {"event_timestamp", to_sql(observed.at)}};
  event["handle"] = profile.custom_url ? json::value(*profile.custom_url) : json::value(nullptr);
  event["metrics"] = std::move(metrics);
  event["dimensions"] = std::move(dimensions);
  return json::serialize(event);
}

std::string post_event(int64_t task, const std::string& source, const Observed<youtube::Post>& observed) {
  const youtube::Post& post = observed.what;
  json::object metrics, dimensions;
  put(metrics, "views", post.views);
  put(metrics, "likes", post.likes);
  put(metrics, "comments", post.comments);
  put(dimensions, "title", post.title);
  put(dimensions, "channel_title", post.channel_title);
  put(dimensions, "category_id", post.category_id);
  put(dimensions, "thumbnail_url", post.thumbnail_url);
  put(dimensions, "duration_seconds", post.duration_seconds);
  put(dimensions, "language", post.language);
  json::object event{{"event_id", id_of(task, "post", post.video_id, observed.at)},
                     {"source", source},
                     {"platform", kPlatform},
                     {"profile_id", post.channel_id.value_or("")},
                     {"handle", nullptr},
                     {"shortcode", post.video_id},
                     {"event_timestamp", to_sql(observed.at)}};
  if (post.published_at) event["publish_time"] = to_sql(*post.published_at);
  event["metrics"] = std::move(metrics);
  event["dimensions"] = std::move(dimensions);
  return json::serialize(event);
}

std::vector<amqp::Message> pack(const std::string& routing_key, const std::vector<std::string>& lines,
                                size_t per_message, bool resent) {
  std::vector<amqp::Message> messages;
  for (size_t from = 0; from < lines.size(); from += per_message) {
    amqp::Message message;
    message.exchange = kExchange;
    message.routing_key = routing_key;
    const size_t end = std::min(lines.size(), from + per_message);
    for (size_t i = from; i < end; ++i) {
      if (i > from) message.body += '\n';
      message.body += lines[i];
    }
    message.properties.content_type = end - from == 1 ? "application/json" : "application/x-ndjson";
    message.properties.type = routing_key;
    message.properties.app_id = "beat";
    if (resent) message.properties.headers[amqp::kResentHeader] = int64_t{1};
    messages.push_back(std::move(message));
  }
  return messages;
}

amqp::Topology topology() {
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  std::vector<events::Stream> ours;
  for (const events::Stream& stream : catalogue.streams())
    if (stream.exchange == kExchange) ours.push_back(stream);
  return events::topology(ours);
}

}  // namespace dalgona::beat
