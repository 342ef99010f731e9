#include "sandbox/youtube_render.h"

#include <fmt/format.h>

#include "base/html.h"
#include "base/text.h"
#include "sandbox/youtube_error.h"

namespace dalgona::sandbox {
namespace {

// The order of the lists below is the order of the bits, and of the parts in a resource.
enum VideoPart : uint32_t { kSnippet, kContentDetails, kStatus, kStatistics, kPlayer, kTopics, kRecording, kPlacement };
enum ChannelPart : uint32_t {
  kChannelSnippet,
  kChannelContent,
  kChannelStatistics,
  kChannelTopics,
  kChannelStatus,
  kBranding
};

bool has(Parts parts, uint32_t part) {
  return (parts >> part & 1u) != 0;
}

uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// Opens an object with what all resources begin with.
void begin(std::string& out, std::string_view kind, const Fingerprint& fingerprint, std::string_view id) {
  if (!out.empty()) out += ',';
  fmt::format_to(std::back_inserter(out), R"({{"kind":"youtube#{}","etag":"{}")", kind, fingerprint.text());
  if (id.empty()) return;
  out += ",\"id\":";
  append_json(out, id);
}

void append_field(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json(out, text);
}

// "https://host/vi/ID/default.jpg" -> ".../mqdefault.jpg"; pictures of another form have one size under all names.
std::string sized(const std::string& url, std::string_view prefix) {
  constexpr std::string_view kName = "/default.jpg";
  if (!url.ends_with(kName)) return url;
  return url.substr(0, url.size() - kName.size() + 1) + std::string(prefix) + "default.jpg";
}

void append_thumbnails(std::string& out, const std::string& url, bool large) {
  out += ",\"thumbnails\":{";
  const auto one = [&](std::string_view name, std::string_view prefix, int width, int height) {
    if (out.back() != '{') out += ',';
    out += fmt::format("\"{}\":{{\"url\":", name);
    append_json(out, sized(url, prefix));
    out += fmt::format(",\"width\":{},\"height\":{}}}", width, height);
  };
  one("default", "", 120, 90);
  one("medium", "mq", 320, 180);
  one("high", "hq", 480, 360);
  if (large) {
    one("standard", "sd", 640, 480);
    one("maxres", "maxres", 1280, 720);
  }
  out += '}';
}

void append_square_thumbnails(std::string& out, const std::string& url) {
  out += ",\"thumbnails\":{";
  for (const auto& [name, size] : {std::pair{"default", 88}, {"medium", 240}, {"high", 800}}) {
    if (out.back() != '{') out += ',';
    out += fmt::format("\"{}\":{{\"url\":", name);
    append_json(out, url);
    out += fmt::format(",\"width\":{},\"height\":{}}}", size, size);
  }
  out += '}';
}

void append_localized(std::string& out, std::string_view title, std::string_view description) {
  out += ",\"localized\":{\"title\":";
  append_json(out, title);
  append_field(out, "description", description);
  out += '}';
}

std::string topics_of(int category) {
  const char* topic = nullptr;
  switch (category) {
    case 1:
      topic = "Film";
      break;
    case 2:
      topic = "Vehicle";
      break;
    case 10:
      topic = "Music";
      break;
    case 15:
      topic = "Pet";
      break;
    case 17:
      topic = "Sport";
      break;
    case 19:
      topic = "Tourism";
      break;
    case 20:
      topic = "Video_game_culture";
      break;
    case 23:
      topic = "Humour";
      break;
    case 24:
      topic = "Entertainment";
      break;
    case 25:
      topic = "Politics";
      break;
    case 27:
      topic = "Knowledge";
      break;
    case 28:
      topic = "Technology";
      break;
    default:
      topic = "Lifestyle_(sociology)";
  }
  return std::string("\"topicDetails\":{\"topicCategories\":[\"https://en.wikipedia.org/wiki/") + topic + "\"]}";
}

}  // namespace

const PartList& video_parts() {
  static const PartList list{
      {"snippet", "contentDetails", "status", "statistics", "player", "topicDetails", "recordingDetails",
       "paidProductPlacementDetails", "liveStreamingDetails", "localizations", "id"},
      {"fileDetails", "processingDetails", "suggestions"}};
  return list;
}

const PartList& channel_parts() {
  static const PartList list{{"snippet", "contentDetails", "statistics", "topicDetails", "status", "brandingSettings",
                              "contentOwnerDetails", "localizations", "id"},
                             {"auditDetails"}};
  return list;
}

const PartList& playlist_item_parts() {
  static const PartList list{{"snippet", "contentDetails", "status", "id"}, {}};
  return list;
}

const PartList& search_parts() {
  static const PartList list{{"snippet", "id"}, {}};
  return list;
}

const PartList& category_parts() {
  static const PartList list{{"snippet", "id"}, {}};
  return list;
}

const std::vector<Category>& categories() {
  static const std::vector<Category> all = {
      {1, "Film & Animation", true},
      {2, "Autos & Vehicles", true},
      {10, "Music", true},
      {15, "Pets & Animals", true},
      {17, "Sports", true},
      {18, "Short Movies", false},
      {19, "Travel & Events", true},
      {20, "Gaming", true},
      {21, "Videoblogging", false},
      {22, "People & Blogs", true},
      {23, "Comedy", true},
      {24, "Entertainment", true},
      {25, "News & Politics", true},
      {26, "Howto & Style", true},
      {27, "Education", true},
      {28, "Science & Technology", true},
      {29, "Nonprofits & Activism", true},
      {30, "Movies", false},
      {31, "Anime/Animation", false},
      {32, "Action/Adventure", false},
      {33, "Classics", false},
      {34, "Comedy", false},
      {35, "Documentary", false},
      {36, "Drama", false},
      {37, "Family", false},
      {38, "Foreign", false},
      {39, "Horror", false},
      {40, "Sci-Fi/Fantasy", false},
      {41, "Thriller", false},
      {42, "Shorts", false},
      {43, "Shows", false},
      {44, "Trailers", false},
  };
  return all;
}

void Fingerprint::add(uint64_t value) {
  a_ = mix(a_ ^ value) + 0x9e3779b97f4a7c15ull;
  b_ = mix(b_ + value * 0xff51afd7ed558ccdull) ^ a_;
  c_ = mix(c_ ^ (value + b_));
}

std::string Fingerprint::text() const {
  std::array<char, 20> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint64_t word = i < 8 ? a_ : i < 16 ? b_ : c_;
    bytes[i] = char(word >> (8 * (i % 8)) & 0xff);
  }
  return base64url(std::string_view(bytes.data(), bytes.size()));
}

Renderer::Renderer(const Population& population) : population_(population) {
  for (const Video& video : population.videos()) {
    videos_.push_back(video_fragments(video, population.channels()[video.channel]));
    for (const auto& [day, owner] : video.moves) {
      const Channel& channel = population.channels()[owner];
      moved_.try_emplace({&video, &channel}, video_fragments(video, channel));
    }
  }
  for (const Channel& channel : population.channels()) channels_.push_back(channel_fragments(channel));
}

Renderer::Fragments Renderer::video_fragments(const Video& v, const Channel& channel) {
  Fragments f;
  f.parts.resize(video_parts().open.size());
  std::string& s = f.parts[kSnippet];
  s = "\"snippet\":{\"publishedAt\":";
  append_json(s, api_time(v.published_at));
  append_field(s, "channelId", channel.id);
  append_field(s, "title", v.title);
  append_field(s, "description", v.description);
  append_thumbnails(s, v.thumbnail, true);
  append_field(s, "channelTitle", channel.title);
  if (!v.tags.empty()) {
    s += ",\"tags\":[";
    for (const std::string& tag : v.tags) {
      if (s.back() != '[') s += ',';
      append_json(s, tag);
    }
    s += ']';
  }
  append_field(s, "categoryId", std::to_string(v.category));
  append_field(s, "liveBroadcastContent", "none");
  if (!v.language.empty()) append_field(s, "defaultLanguage", v.language);
  append_localized(s, v.title, v.description);
  if (!v.language.empty()) append_field(s, "defaultAudioLanguage", v.language);
  s += '}';
  f.parts[kContentDetails] =
      "\"contentDetails\":{\"duration\":\"" + iso_duration(v.duration_seconds) +
      "\",\"dimension\":\"2d\",\"definition\":\"hd\",\"caption\":\"false\",\"licensedContent\":true,"
      "\"contentRating\":{},\"projection\":\"rectangular\"}";
  f.parts[kStatus] =
      "\"status\":{\"uploadStatus\":\"processed\",\"privacyStatus\":\"public\",\"license\":\"youtube\","
      "\"embeddable\":true,\"publicStatsViewable\":true,\"madeForKids\":false}";
  f.parts[kPlayer] = "\"player\":{\"embedHtml\":";
  append_json(f.parts[kPlayer], "<iframe width=\"480\" height=\"270\" src=\"//www.youtube.com/embed/" + v.id +
                                    "\" frameborder=\"0\" allow=\"accelerometer; autoplay; encrypted-media; gyroscope; "
                                    "picture-in-picture\" allowfullscreen></iframe>");
  f.parts[kPlayer] += '}';
  f.parts[kTopics] = topics_of(v.category);
  f.parts[kRecording] = "\"recordingDetails\":{}";
  f.parts[kPlacement] = "\"paidProductPlacementDetails\":{\"hasPaidProductPlacement\":false}";
  for (const std::string& part : f.parts) f.hash = stable_hash(part, f.hash);
  return f;
}

Renderer::Fragments Renderer::channel_fragments(const Channel& c) {
  Fragments f;
  f.parts.resize(channel_parts().open.size());
  std::string& s = f.parts[kChannelSnippet];
  s = "\"snippet\":{\"title\":";
  append_json(s, c.title);
  append_field(s, "description", c.description);
  append_field(s, "customUrl", c.handle);
  append_field(s, "publishedAt", api_time(c.published_at));
  append_square_thumbnails(s, c.thumbnail);
  append_localized(s, c.title, c.description);
  if (!c.country.empty()) append_field(s, "country", c.country);
  s += '}';
  f.parts[kChannelContent] =
      R"("contentDetails":{"relatedPlaylists":{"likes":"","uploads":")" + c.uploads_playlist() + "\"}}";
  f.parts[kChannelTopics] = "\"topicDetails\":{\"topicIds\":[],\"topicCategories\":[]}";
  f.parts[kChannelStatus] =
      "\"status\":{\"privacyStatus\":\"public\",\"isLinked\":true,\"longUploadsStatus\":\"longUploadsUnspecified\","
      "\"madeForKids\":false}";
  std::string& b = f.parts[kBranding];
  b = "\"brandingSettings\":{\"channel\":{\"title\":";
  append_json(b, c.title);
  append_field(b, "description", c.description);
  if (!c.country.empty()) append_field(b, "country", c.country);
  b += "}}";
  for (const std::string& part : f.parts) f.hash = stable_hash(part, f.hash);
  return f;
}

void Renderer::video(std::string& out, Fingerprint& list, const Video& video, Day day, Parts parts) const {
  const Snapshot& now = *video.as_of(day);
  const auto moved = moved_.find({&video, &population_.channel_of(video, day)});
  const Fragments& fragments =
      moved == moved_.end() ? videos_[size_t(&video - population_.videos().data())] : moved->second;
  Fingerprint own;
  own.add(fragments.hash);
  own.add(parts);
  if (has(parts, kStatistics)) {
    own.add(uint64_t(now.views));
    own.add(uint64_t(now.likes));
    own.add(uint64_t(now.comments));
  }
  list.add(own.text());
  begin(out, "video", own, video.id);
  for (uint32_t part = 0; part < fragments.parts.size(); ++part) {
    if (!has(parts, part)) continue;
    if (part == kStatistics) {
      fmt::format_to(std::back_inserter(out),
                     R"(,"statistics":{{"viewCount":"{}","likeCount":"{}","favoriteCount":"0","commentCount":"{}"}})",
                     now.views, now.likes, now.comments);
    } else if (!fragments.parts[part].empty()) {
      out += ',';
      out += fragments.parts[part];
    }
  }
  out += '}';
}

void Renderer::channel(std::string& out, Fingerprint& list, const Channel& channel, const ChannelStatistics& now,
                       Parts parts) const {
  const Fragments& fragments = channels_[size_t(&channel - population_.channels().data())];
  Fingerprint own;
  own.add(fragments.hash);
  own.add(parts);
  if (has(parts, kChannelStatistics)) {
    own.add(uint64_t(now.views));
    own.add(uint64_t(now.subscribers));
    own.add(uint64_t(now.videos));
  }
  list.add(own.text());
  begin(out, "channel", own, channel.id);
  for (uint32_t part = 0; part < fragments.parts.size(); ++part) {
    if (!has(parts, part)) continue;
    if (part == kChannelStatistics) {
      fmt::format_to(
          std::back_inserter(out),
          R"(,"statistics":{{"viewCount":"{}","subscriberCount":"{}","hiddenSubscriberCount":false,"videoCount":"{}"}})",
          now.views, now.subscribers, now.videos);
    } else if (!fragments.parts[part].empty()) {
      out += ',';
      out += fragments.parts[part];
    }
  }
  out += '}';
}

std::string Renderer::playlist_item_id(const Channel& channel, const Video& video) {
  return base64url(channel.uploads_playlist() + "." + fmt::format("{:016X}", stable_hash(video.id)));
}

void Renderer::playlist_item(std::string& out, Fingerprint& list, const Video& video, const Channel& channel,
                             size_t position, Parts parts) const {
  Fingerprint own;
  own.add(video.id);
  own.add(channel.id);
  own.add(position);
  own.add(parts);
  list.add(own.text());
  begin(out, "playlistItem", own, playlist_item_id(channel, video));
  if (has(parts, 0)) {
    out += ",\"snippet\":{\"publishedAt\":";
    append_json(out, api_time(video.published_at));
    append_field(out, "channelId", channel.id);
    append_field(out, "title", video.title);
    append_field(out, "description", video.description);
    append_thumbnails(out, video.thumbnail, true);
    append_field(out, "channelTitle", channel.title);
    append_field(out, "playlistId", channel.uploads_playlist());
    fmt::format_to(std::back_inserter(out), ",\"position\":{},\"resourceId\":{{\"kind\":\"youtube#video\"", position);
    append_field(out, "videoId", video.id);
    out += '}';
    append_field(out, "videoOwnerChannelTitle", channel.title);
    append_field(out, "videoOwnerChannelId", channel.id);
    out += '}';
  }
  if (has(parts, 1)) {
    out += ",\"contentDetails\":{\"videoId\":";
    append_json(out, video.id);
    append_field(out, "videoPublishedAt", api_time(video.published_at));
    out += '}';
  }
  if (has(parts, 2)) out += R"(,"status":{"privacyStatus":"public"})";
  out += '}';
}

void Renderer::found_video(std::string& out, Fingerprint& list, const Video& video, Day day, Parts parts) const {
  const Channel& channel = population_.channel_of(video, day);
  Fingerprint own;
  own.add(video.id);
  own.add(channel.id);
  own.add(parts);
  list.add(own.text());
  begin(out, "searchResult", own, {});
  out += R"(,"id":{"kind":"youtube#video")";
  append_field(out, "videoId", video.id);
  out += '}';
  if (has(parts, 0)) {
    const std::string published = api_time(video.published_at);
    out += ",\"snippet\":{\"publishedAt\":";
    append_json(out, published);
    append_field(out, "channelId", channel.id);
    append_field(out, "title", html_escaped(video.title));
    append_field(out, "description", html_escaped(video.description.substr(0, video.description.find('\n'))));
    append_thumbnails(out, video.thumbnail, false);
    append_field(out, "channelTitle", html_escaped(channel.title));
    append_field(out, "liveBroadcastContent", "none");
    append_field(out, "publishTime", published);
    out += '}';
  }
  out += '}';
}

void Renderer::found_channel(std::string& out, Fingerprint& list, const Channel& channel, Parts parts) const {
  Fingerprint own;
  own.add(channel.id);
  own.add(parts);
  list.add(own.text());
  begin(out, "searchResult", own, {});
  out += R"(,"id":{"kind":"youtube#channel")";
  append_field(out, "channelId", channel.id);
  out += '}';
  if (has(parts, 0)) {
    const std::string published = api_time(channel.published_at);
    out += ",\"snippet\":{\"publishedAt\":";
    append_json(out, published);
    append_field(out, "channelId", channel.id);
    append_field(out, "title", html_escaped(channel.title));
    append_field(out, "description", html_escaped(channel.description));
    append_square_thumbnails(out, channel.thumbnail);
    append_field(out, "channelTitle", html_escaped(channel.title));
    append_field(out, "liveBroadcastContent", "none");
    append_field(out, "publishTime", published);
    out += '}';
  }
  out += '}';
}

void Renderer::category(std::string& out, Fingerprint& list, const Category& category, Parts parts) {
  Fingerprint own;
  own.add(uint64_t(category.id));
  own.add(parts);
  list.add(own.text());
  begin(out, "videoCategory", own, std::to_string(category.id));
  if (has(parts, 0)) {
    static const std::string owner = channel_id("video categories");
    out += ",\"snippet\":{\"title\":";
    append_json(out, category.title);
    out += category.assignable ? ",\"assignable\":true" : ",\"assignable\":false";
    append_field(out, "channelId", owner);
    out += '}';
  }
  out += '}';
}

std::string iso_duration(int seconds) {
  std::string out = "PT";
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "H";
  if (seconds % 3600 >= 60) out += std::to_string(seconds % 3600 / 60) + "M";
  if (seconds % 60 > 0 || seconds == 0) out += std::to_string(seconds % 60) + "S";
  return out;
}

std::string api_time(Time t) {
  std::string text = to_iso(t);
  constexpr std::string_view kNoFraction = ".000000Z";
  if (text.ends_with(kNoFraction)) text = text.substr(0, text.size() - kNoFraction.size()) + "Z";
  return text;
}

}  // namespace dalgona::sandbox
