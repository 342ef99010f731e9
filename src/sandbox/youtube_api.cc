#include "sandbox/youtube_api.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"
#include "sandbox/fields.h"

namespace dalgona::sandbox {
namespace {

constexpr size_t kMaxIds = 50;
constexpr size_t kMaxSearchResults = 500;  // the platform goes no further, however many pages are asked for

const std::set<std::string, std::less<>>& standard_parameters() {
  static const std::set<std::string, std::less<>> all = {"key",       "alt",    "fields",   "prettyPrint",
                                                         "quotaUser", "userIp", "callback", "$.xgafv"};
  return all;
}

// What the resources of an endpoint consist of, in the grammar of `fields` itself.
const std::map<std::string, FieldMask, std::less<>>& schemas() {
  static const std::map<std::string, FieldMask, std::less<>> all = [] {
    const std::string sizes =
        "thumbnails(default(url,width,height),medium(url,width,height),high(url,width,height),"
        "standard(url,width,height),maxres(url,width,height))";
    const std::string head =
        "kind,etag,eventId,visitorId,nextPageToken,prevPageToken,pageInfo(totalResults,resultsPerPage),"
        "tokenPagination,";
    std::map<std::string, FieldMask, std::less<>> m;
    m["videos"] = FieldMask::parse(
        head + "items(kind,etag,id,snippet(publishedAt,channelId,title,description," + sizes +
        ",channelTitle,tags,categoryId,liveBroadcastContent,defaultLanguage,localized(title,description),"
        "defaultAudioLanguage),contentDetails(duration,dimension,definition,caption,licensedContent,contentRating(*),"
        "projection,regionRestriction(allowed,blocked),hasCustomThumbnail),status(uploadStatus,failureReason,"
        "rejectionReason,privacyStatus,publishAt,license,embeddable,publicStatsViewable,madeForKids,"
        "selfDeclaredMadeForKids,containsSyntheticMedia),statistics(viewCount,likeCount,dislikeCount,favoriteCount,"
        "commentCount),player(embedHtml,embedHeight,embedWidth),topicDetails(topicIds,relevantTopicIds,"
        "topicCategories),recordingDetails(recordingDate,location(*),locationDescription),"
        "liveStreamingDetails(actualStartTime,actualEndTime,scheduledStartTime,scheduledEndTime,concurrentViewers,"
        "activeLiveChatId),localizations(*(title,description)),fileDetails(*),processingDetails(*),suggestions(*),"
        "paidProductPlacementDetails(hasPaidProductPlacement))");
    m["channels"] = FieldMask::parse(
        head + "items(kind,etag,id,snippet(title,description,customUrl,publishedAt," + sizes +
        ",defaultLanguage,localized(title,description),country),contentDetails(relatedPlaylists(likes,favorites,"
        "uploads,watchHistory,watchLater)),statistics(viewCount,commentCount,subscriberCount,hiddenSubscriberCount,"
        "videoCount),topicDetails(topicIds,topicCategories),status(privacyStatus,isLinked,longUploadsStatus,"
        "madeForKids,selfDeclaredMadeForKids),brandingSettings(channel(title,description,keywords,"
        "trackingAnalyticsAccountId,unsubscribedTrailer,defaultLanguage,country),watch(*),image(*),hints(*)),"
        "auditDetails(*),contentOwnerDetails(contentOwner,timeLinked),localizations(*(title,description)))");
    m["playlistItems"] = FieldMask::parse(
        head + "items(kind,etag,id,snippet(publishedAt,channelId,title,description," + sizes +
        ",channelTitle,videoOwnerChannelTitle,videoOwnerChannelId,playlistId,position,resourceId(kind,videoId)),"
        "contentDetails(videoId,startAt,endAt,note,videoPublishedAt),status(privacyStatus))");
    m["search"] = FieldMask::parse(
        head +
        "regionCode,items(kind,etag,id(kind,videoId,channelId,playlistId),snippet(publishedAt,channelId,title,"
        "description," +
        sizes + ",channelTitle,liveBroadcastContent,publishTime))");
    m["videoCategories"] = FieldMask::parse(head + "items(kind,etag,id,snippet(channelId,title,assignable))");
    return m;
  }();
  return all;
}

// Page tokens look as the platform's do: a base64url of protocol-buffer fields, here the offset, the direction and a
// check sum of the query, so that a token of another query is refused.
std::string page_token(uint64_t offset, bool backwards, uint32_t check) {
  std::string bytes;
  const auto varint = [&](uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes += char(0x80 | (value & 0x7f));
    bytes += char(value);
  };
  bytes += '\x08';
  varint(offset);
  bytes += '\x10';
  varint(backwards ? 1 : 0);
  bytes += '\x1d';
  for (int shift = 0; shift < 32; shift += 8) bytes += char(check >> shift & 0xff);
  return base64url(bytes);
}

void pretty(std::string& out, const boost::json::value& value, int depth) {
  const auto indent = [&](int n) { out += '\n' + std::string(size_t(n) * 2, ' '); };
  if (value.is_object() && !value.as_object().empty()) {
    out += '{';
    for (bool first = true; const auto& [key, inner] : value.as_object()) {
      if (!std::exchange(first, false)) out += ',';
      indent(depth + 1);
      append_json(out, key);
      out += ": ";
      pretty(out, inner, depth + 1);
    }
    indent(depth);
    out += '}';
  } else if (value.is_array() && !value.as_array().empty()) {
    out += '[';
    for (bool first = true; const auto& inner : value.as_array()) {
      if (!std::exchange(first, false)) out += ',';
      indent(depth + 1);
      pretty(out, inner, depth + 1);
    }
    indent(depth);
    out += ']';
  } else if (value.is_string()) {
    append_json(out, value.as_string());
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

// The parameters of one call, checked as they are asked for.
class YoutubeApi::Call {
 public:
  Call(std::string_view endpoint, const http::Query& query, Time now) : endpoint_(endpoint), query_(query), now_(now) {}

  Time now() const { return now_; }
  Day day() const { return day_of(now_); }
  std::optional<std::string> text(std::string_view name) const {
    auto value = query_.get(name);
    if (value && value->empty()) value.reset();
    return value;
  }

  // Every parameter must be one of these or a standard one.
  void allow(std::initializer_list<std::string_view> names) const {
    for (const auto& [name, value] : query_) {
      if (name == "access_token" || name == "oauth_token")
        throw ApiError(401, "authError", "global", "Invalid Credentials")
            .at("Authorization", "header")
            .canonical("UNAUTHENTICATED");
      if (standard_parameters().contains(name) || std::find(names.begin(), names.end(), name) != names.end()) continue;
      throw ApiError(400, "badRequest", "global",
                     "Invalid JSON payload received. Unknown name \"" + name +
                         "\": Cannot bind query parameter. Field '" + name + "' could not be found in request message.")
          .canonical("INVALID_ARGUMENT");
    }
  }

  Parts parts(const PartList& list) const {
    Parts parts = 0;
    bool any = false;
    for (const std::string& name : values("part")) {
      any = true;
      const auto open = std::find(list.open.begin(), list.open.end(), name);
      if (open != list.open.end()) {
        parts |= 1u << (open - list.open.begin());
      } else if (std::find(list.owner_only.begin(), list.owner_only.end(), name) != list.owner_only.end()) {
        throw ApiError(403, "forbidden", "youtube.common",
                       "The request cannot access the part '" + name + "', which is visible to its owner only.")
            .at("part");
      } else {
        throw ApiError(400, "unknownPart", "youtube.part", "'" + name + "'").at("part");
      }
    }
    if (!any)
      throw ApiError(400, "missingRequiredParameter", "youtube.parameter", "Required parameter: part").at("part");
    return parts;
  }

  // Exactly one of the filters must be there; gives its name.
  std::string filter(std::initializer_list<std::string_view> names) const {
    std::string found, all, expected;
    for (const std::string_view name : names) {
      expected += (expected.empty() ? "" : ", ") + std::string(name);
      if (!text(name)) continue;
      all += (all.empty() ? "" : ", ") + std::string(name);
      found = name;
    }
    if (found.empty())
      throw ApiError(400, "missingRequiredParameter", "youtube.parameter",
                     "No filter selected. Expected one of: " + expected)
          .at("parameters.", "other");
    if (found != all)
      throw ApiError(400, "incompatibleParameters", "youtube.parameter",
                     "Incompatible parameters specified in the request: " + all)
          .at("parameters.", "other");
    return found;
  }

  // Distinct, in order.
  std::vector<std::string> ids(std::string_view name) const {
    std::vector<std::string> ids;
    std::set<std::string> seen;
    size_t given = 0;
    for (std::string& id : values(name)) {
      ++given;
      if (seen.insert(id).second) ids.push_back(std::move(id));
    }
    if (given > kMaxIds)
      throw ApiError(400, "invalidFilters", "youtube.parameter", "The request specifies an invalid filter parameter.")
          .at("parameters.", "other");
    return ids;
  }

  size_t max_results(size_t least, size_t otherwise) const {
    const auto given = text("maxResults");
    if (!given) return otherwise;
    size_t value = 0;
    const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), value);
    if (error != std::errc() || end != given->data() + given->size() || value < least || value > 50)
      throw invalid_parameter(
          "maxResults", fmt::format("Invalid value '{}'. Values must be within the range: [{}, 50]", *given, least));
    return value;
  }

  void check_region() const {
    const auto region = text("regionCode");
    if (!region) return;
    const bool good = region->size() == 2 && std::all_of(region->begin(), region->end(), [](char c) {
                        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
                      });
    if (!good)
      throw ApiError(400, "invalidRegionCode", "youtube.parameter",
                     "The <code>regionCode</code> parameter specifies an invalid region code.")
          .at("regionCode");
  }

  std::optional<Time> time(std::string_view name) const {
    const auto given = text(name);
    if (!given) return {};
    try {
      if (given->size() < 20) throw InvalidInput("no time zone");
      return parse_time(*given);
    } catch (const InvalidInput&) {
      throw invalid_parameter(std::string(name), "Invalid value for: Invalid format: \"" + *given + "\"");
    }
  }

  void refuse_owner_filters(std::initializer_list<std::string_view> names) const {
    for (const std::string_view name : names)
      if (text(name))
        throw ApiError(
            401, "authorizationRequired", "youtube.common",
            "The request uses the <code>" + std::string(name) + "</code> parameter but is not properly authorized.")
            .at("Authorization", "header");
  }

  // Where the page begins that `pageToken` asks for.
  size_t offset() const {
    const auto token = text("pageToken");
    if (!token) return 0;
    // Tokens are few and short: the one that we would have given for some offset is the only good one.
    for (const bool backwards : {false, true}) {
      const size_t found = decode(*token, backwards);
      if (found != SIZE_MAX) return found;
    }
    throw ApiError(400, "invalidPageToken", "youtube.parameter", "The request specifies an invalid page token.")
        .at("pageToken");
  }

  struct Page {
    size_t total, offset, size;
    size_t end() const { return std::min(total, offset + size); }
  };

  // The list around `items`. `omit_empty`: as channels.list does, no "items" at all when there is none.
  ApiReply list(std::string_view kind, const std::string& items, Fingerprint fingerprint, std::optional<Page> page,
                std::string_view region = {}, bool omit_empty = false) const {
    std::string rest;
    if (page) {
      const size_t end = page->end();
      if (end < page->total && page->size > 0)
        rest += fmt::format(",\"nextPageToken\":\"{}\"", page_token(end, false, check()));
      if (page->offset > 0 && page->size > 0)
        rest += fmt::format(",\"prevPageToken\":\"{}\"",
                            page_token(page->offset - std::min(page->offset, page->size), true, check()));
    }
    if (!region.empty()) rest += fmt::format(",\"regionCode\":\"{}\"", region);
    if (page) rest += fmt::format(R"(,"pageInfo":{{"totalResults":{},"resultsPerPage":{}}})", page->total, page->size);
    fingerprint.add(rest);
    fingerprint.add(text("fields").value_or(""));
    ApiReply reply;
    reply.etag = fingerprint.text();
    reply.body.reserve(items.size() + rest.size() + 128);
    reply.body = fmt::format(R"({{"kind":"youtube#{}","etag":"{}")", kind, reply.etag);
    reply.body += rest;
    if (!items.empty() || !omit_empty) reply.body += ",\"items\":[" + items + "]";
    reply.body += '}';
    shape(reply);
    return reply;
  }

 private:
  // Comma-separated, and perhaps repeated.
  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> all;
    for (const auto& [key, value] : query_) {
      if (key != name) continue;
      for (const std::string_view piece : split(value, ','))
        if (!trim(piece).empty()) all.emplace_back(trim(piece));
    }
    return all;
  }

  // Of everything that makes the result list, and not of what cuts it into pages.
  uint32_t check() const {
    std::string all(endpoint_);
    std::set<std::string> sorted;
    for (const auto& [name, value] : query_)
      if (name != "pageToken" && name != "maxResults" && !standard_parameters().contains(name) && name != "part")
        sorted.insert(name + "=" + value);
    for (const std::string& one : sorted) all += "&" + one;
    return uint32_t(stable_hash(all));
  }

  size_t decode(std::string_view token, bool backwards) const {
    if (token.size() > 32) return SIZE_MAX;
    // base64url -> bytes
    std::string bytes;
    uint32_t bits = 0;
    int count = 0;
    for (const char c : token) {
      const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                        : c >= 'a' && c <= 'z' ? c - 'a' + 26
                        : c >= '0' && c <= '9' ? c - '0' + 52
                        : c == '-'             ? 62
                        : c == '_'             ? 63
                                               : -1;
      if (digit < 0) return SIZE_MAX;
      bits = (bits << 6) | uint32_t(digit);
      if ((count += 6) >= 8) bytes += char(bits >> (count -= 8) & 0xff);
    }
    if (bytes.empty() || bytes[0] != '\x08') return SIZE_MAX;
    uint64_t offset = 0;
    for (size_t i = 1, shift = 0; i < bytes.size() && shift < 35; ++i, shift += 7) {
      offset |= uint64_t(bytes[i] & 0x7f) << shift;
      if (!(bytes[i] & 0x80)) break;
    }
    return page_token(offset, backwards, check()) == token ? size_t(offset) : SIZE_MAX;
  }

  void shape(ApiReply& reply) const {
    const auto fields = text("fields");
    const std::string print = text("prettyPrint").value_or("false");
    const bool pretty_print = print == "true" || print == "1";
    if (!fields && !pretty_print) return;
    boost::json::value value = boost::json::parse(reply.body);
    if (fields) {
      try {
        const FieldMask mask = FieldMask::parse(*fields);
        const std::string unknown = mask.unknown_in(schemas().find(endpoint_)->second);
        if (!unknown.empty()) throw InvalidInput("Invalid field selection " + unknown);
        value = mask.apply(value);
      } catch (const InvalidInput& e) {
        throw invalid_parameter("fields", e.what());
      }
    }
    reply.body.clear();
    if (pretty_print) {
      pretty(reply.body, value, 0);
      reply.body += '\n';
    } else {
      reply.body = boost::json::serialize(value);
    }
  }

  std::string endpoint_;
  const http::Query& query_;
  Time now_;
};

YoutubeApi::YoutubeApi(const Population& population, std::string region)
    : population_(population), region_(std::move(region)), renderer_(population) {
  for (const Video& video : population.videos()) {
    std::string text = video.title + "\n" + population.channel_of(video).title + "\n" + video.description;
    for (const std::string& tag : video.tags) text += "\n" + tag;
    video_text_.push_back(to_lower_ascii(text));
  }
  for (const Channel& channel : population.channels())
    channel_text_.push_back(to_lower_ascii(channel.title + "\n" + channel.handle + "\n" + channel.description));
}

const std::vector<std::string>& YoutubeApi::endpoints() {
  static const std::vector<std::string> all = {"videos", "channels", "playlistItems", "search", "videoCategories"};
  return all;
}

ApiReply YoutubeApi::call(std::string_view endpoint, const http::Query& query, Time now) const {
  Call call(endpoint, query, now);
  if (const auto alt = call.text("alt"); alt && *alt != "json")
    throw invalid_parameter("alt", "Invalid value '" + *alt + "'. Allowed values are: [json]");
  if (endpoint == "videos") return videos(call);
  if (endpoint == "channels") return channels(call);
  if (endpoint == "playlistItems") return playlist_items(call);
  if (endpoint == "search") return search(call);
  if (endpoint == "videoCategories") return video_categories(call);
  throw ApiError(404, "notFound", "global", "Not Found");
}

ApiReply YoutubeApi::videos(Call& call) const {
  call.allow({"part", "id", "chart", "myRating", "hl", "maxHeight", "maxWidth", "maxResults", "pageToken", "regionCode",
              "videoCategoryId", "locale", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(video_parts());
  call.refuse_owner_filters({"myRating", "onBehalfOfContentOwner"});
  const std::string filter = call.filter({"id", "chart", "myRating"});
  std::string items;
  Fingerprint fingerprint;
  if (filter == "id") {
    size_t found = 0;
    for (const std::string& id : call.ids("id")) {
      const Video* video = population_.video(id);
      const Snapshot* snapshot = video ? video->as_of(call.day()) : nullptr;
      if (!snapshot) continue;
      renderer_.video(items, fingerprint, *video, *snapshot, parts);
      ++found;
    }
    return call.list("videoListResponse", items, fingerprint, Call::Page{found, 0, found});
  }
  call.check_region();
  const auto category = call.text("videoCategoryId");
  const bool all = !category || *category == "0";
  const bool known = all || std::any_of(categories().begin(), categories().end(),
                                        [&](const Category& c) { return std::to_string(c.id) == *category; });
  if (call.text("chart") != "mostPopular" || !known)
    throw ApiError(400, "videoChartNotFound", "youtube.video",
                   "The requested video chart is not supported or is not available.")
        .at(known ? "chart" : "videoCategoryId");
  std::vector<const Video*> chart;
  for (const uint32_t index : population_.chart(call.day())) {
    const Video& video = population_.videos()[index];
    if (all || std::to_string(video.category) == *category) chart.push_back(&video);
  }
  const Call::Page page{chart.size(), std::min(call.offset(), chart.size()), call.max_results(1, 5)};
  for (size_t i = page.offset; i < page.end(); ++i)
    renderer_.video(items, fingerprint, *chart[i], *chart[i]->as_of(call.day()), parts);
  return call.list("videoListResponse", items, fingerprint, page);
}

ApiReply YoutubeApi::channels(Call& call) const {
  call.allow({"part", "id", "forHandle", "forUsername", "mine", "managedByMe", "categoryId", "hl", "maxResults",
              "pageToken", "mySubscribers", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(channel_parts());
  call.refuse_owner_filters({"mine", "managedByMe", "mySubscribers", "onBehalfOfContentOwner"});
  const std::string filter = call.filter({"id", "forHandle", "forUsername"});
  std::vector<std::pair<const Channel*, const ChannelStatistics*>> found;
  const auto take = [&](const Channel* channel) {
    const ChannelStatistics* statistics = channel ? channel->as_of(call.day()) : nullptr;
    if (statistics) found.emplace_back(channel, statistics);
  };
  if (filter == "id")
    for (const std::string& id : call.ids("id")) take(population_.channel(id));
  else
    take(population_.by_handle(*call.text(filter)));
  const Call::Page page{found.size(), std::min(call.offset(), found.size()), call.max_results(0, 5)};
  std::string items;
  Fingerprint fingerprint;
  for (size_t i = page.offset; i < page.end(); ++i)
    renderer_.channel(items, fingerprint, *found[i].first, *found[i].second, parts);
  return call.list("channelListResponse", items, fingerprint, page, {}, true);
}

std::vector<const Video*> YoutubeApi::uploads(const Channel& channel, Day day) const {
  std::vector<const Video*> known;
  for (const uint32_t index : channel.videos)
    if (population_.videos()[index].first_day() <= day) known.push_back(&population_.videos()[index]);
  std::sort(known.begin(), known.end(), [](const Video* a, const Video* b) {
    return std::tie(b->published_at, a->id) < std::tie(a->published_at, b->id);
  });
  return known;
}

ApiReply YoutubeApi::playlist_items(Call& call) const {
  call.allow({"part", "id", "playlistId", "maxResults", "pageToken", "videoId", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(playlist_item_parts());
  call.refuse_owner_filters({"onBehalfOfContentOwner"});
  const std::string filter = call.filter({"id", "playlistId"});
  struct Item {
    const Video* video;
    size_t position;
  };
  std::vector<Item> found;
  if (filter == "id") {
    const std::vector<std::string> wanted = call.ids("id");
    for (const Channel& channel : population_.channels()) {
      if (!channel.as_of(call.day())) continue;
      const auto videos = uploads(channel, call.day());
      for (size_t i = 0; i < videos.size(); ++i)
        if (std::find(wanted.begin(), wanted.end(), Renderer::playlist_item_id(channel, *videos[i])) != wanted.end())
          found.push_back({videos[i], i});
    }
  } else {
    const Channel* channel = population_.by_playlist(*call.text("playlistId"));
    if (!channel || !channel->as_of(call.day()))
      throw ApiError(404, "playlistNotFound", "youtube.playlistItem",
                     "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.")
          .at("playlistId");
    const auto videos = uploads(*channel, call.day());
    const auto only = call.text("videoId");
    for (size_t i = 0; i < videos.size(); ++i)
      if (!only || videos[i]->id == *only) found.push_back({videos[i], i});
  }
  const Call::Page page{found.size(), std::min(call.offset(), found.size()), call.max_results(0, 5)};
  std::string items;
  Fingerprint fingerprint;
  for (size_t i = page.offset; i < page.end(); ++i)
    renderer_.playlist_item(items, fingerprint, *found[i].video, found[i].position, parts);
  return call.list("playlistItemListResponse", items, fingerprint, page);
}

ApiReply YoutubeApi::video_categories(Call& call) const {
  call.allow({"part", "id", "regionCode", "hl"});
  const Parts parts = call.parts(category_parts());
  const std::string filter = call.filter({"id", "regionCode"});
  call.check_region();
  std::string items;
  Fingerprint fingerprint;
  const std::vector<std::string> wanted = call.ids("id");
  for (const Category& category : categories())
    if (filter == "regionCode" || std::find(wanted.begin(), wanted.end(), std::to_string(category.id)) != wanted.end())
      Renderer::category(items, fingerprint, category, parts);
  return call.list("videoCategoryListResponse", items, fingerprint, {});
}

namespace {

// The words of `q`: all must be there; "a|b" is either, "-a" is not a.
class Wanted {
 public:
  explicit Wanted(std::string_view q) {
    const std::string lower = to_lower_ascii(q);
    for (const std::string_view word : split(lower, ' ')) {
      if (trim(word).empty()) continue;
      if (word.size() > 1 && word.front() == '-') {
        unwanted_.emplace_back(word.substr(1));
        continue;
      }
      std::vector<std::string> either;
      for (const std::string_view one : split(word, '|'))
        if (!one.empty()) either.emplace_back(one);
      if (!either.empty()) words_.push_back(std::move(either));
    }
  }
  bool in(std::string_view text) const {
    for (const auto& either : words_)
      if (std::none_of(either.begin(), either.end(), [&](const auto& w) { return text.find(w) != text.npos; }))
        return false;
    return std::none_of(unwanted_.begin(), unwanted_.end(), [&](const auto& w) { return text.find(w) != text.npos; });
  }
  int score(std::string_view title) const {
    int score = 0;
    for (const auto& either : words_)
      score += std::any_of(either.begin(), either.end(), [&](const auto& w) { return title.find(w) != title.npos; });
    return score;
  }

 private:
  std::vector<std::vector<std::string>> words_;
  std::vector<std::string> unwanted_;
};

struct Hit {
  const Video* video = nullptr;
  const Channel* channel = nullptr;
  int score = 0;
  int64_t views = 0, videos = 0;
  double rating = 0;
  Time published_at{};
  std::string_view title, id;
};

std::function<bool(const Hit&, const Hit&)> order_by(const std::string& order) {
  const auto less = [](auto key) {
    return [key](const Hit& a, const Hit& b) {
      const auto x = key(a), y = key(b);
      return x != y ? x < y : a.id < b.id;
    };
  };
  if (order == "date") return less([](const Hit& h) { return -h.published_at.time_since_epoch().count(); });
  if (order == "viewCount") return less([](const Hit& h) { return -h.views; });
  if (order == "videoCount") return less([](const Hit& h) { return -h.videos; });
  if (order == "rating") return less([](const Hit& h) { return -h.rating; });
  if (order == "title") return less([](const Hit& h) { return h.title; });
  if (order == "relevance") return less([](const Hit& h) { return std::pair(-h.score, -h.views); });
  throw invalid_parameter(
      "order",
      "Invalid value '" + order + "'. Allowed values are: [date, rating, relevance, title, videoCount, viewCount]");
}

bool has_duration(const Video& video, std::string_view kind) {
  if (kind == "short") return video.duration_seconds < 240;
  if (kind == "medium") return video.duration_seconds >= 240 && video.duration_seconds <= 1200;
  if (kind == "long") return video.duration_seconds > 1200;
  if (kind == "any") return true;
  throw invalid_parameter("videoDuration", "Invalid value. Allowed values are: [any, short, medium, long]");
}

}  // namespace

ApiReply YoutubeApi::search(Call& call) const {
  call.allow({"part", "q", "type", "order", "channelId", "publishedAfter", "publishedBefore", "maxResults", "pageToken",
              "regionCode", "videoCategoryId", "videoDuration", "safeSearch", "relevanceLanguage", "forMine",
              "forContentOwner", "forDeveloper", "onBehalfOfContentOwner"});
  const Parts parts = call.parts(search_parts());
  call.refuse_owner_filters({"forMine", "forContentOwner", "forDeveloper", "onBehalfOfContentOwner"});
  call.check_region();
  std::set<std::string, std::less<>> types;
  const std::string type = call.text("type").value_or("video,channel,playlist");
  for (const std::string_view one : split(type, ',')) {
    if (one != "video" && one != "channel" && one != "playlist")
      throw invalid_parameter("type", "Invalid value '" + type + "'. Allowed values are: [channel, playlist, video]");
    types.emplace(one);
  }
  const auto category = call.text("videoCategoryId"), duration = call.text("videoDuration");
  if ((category || duration) && type != "video")
    throw ApiError(400, "invalidSearchFilter", "youtube.search",
                   "The request contains an invalid combination of search filters and/or restrictions. Note that you "
                   "must set the <code>type</code> parameter to <code>video</code> if you set a value for a parameter "
                   "that restricts videos.")
        .at("parameters.", "other");
  const auto order = order_by(call.text("order").value_or("relevance"));
  const Wanted wanted(call.text("q").value_or(""));
  const auto channel_id = call.text("channelId");
  const auto after = call.time("publishedAfter"), before = call.time("publishedBefore");
  const auto published_within = [&](Time t) { return (!after || t >= *after) && (!before || t < *before); };
  const size_t size = call.max_results(0, 5);

  std::vector<Hit> hits;
  for (size_t i = 0; types.contains("video") && i < population_.videos().size(); ++i) {
    const Video& video = population_.videos()[i];
    const Snapshot* now = video.as_of(call.day());
    if (!now || !published_within(video.published_at) || !wanted.in(video_text_[i])) continue;
    if (channel_id && population_.channel_of(video).id != *channel_id) continue;
    if (category && std::to_string(video.category) != *category) continue;
    if (duration && !has_duration(video, *duration)) continue;
    hits.push_back({.video = &video,
                    .score = wanted.score(to_lower_ascii(video.title)),
                    .views = now->views,
                    .rating = now->views > 0 ? double(now->likes) / double(now->views) : 0,
                    .published_at = video.published_at,
                    .title = video.title,
                    .id = video.id});
  }
  for (size_t i = 0; types.contains("channel") && i < population_.channels().size(); ++i) {
    const Channel& channel = population_.channels()[i];
    const ChannelStatistics* now = channel.as_of(call.day());
    if (!now || !published_within(channel.published_at) || !wanted.in(channel_text_[i])) continue;
    if (channel_id && channel.id != *channel_id) continue;
    hits.push_back({.channel = &channel,
                    .score = wanted.score(to_lower_ascii(channel.title)),
                    .views = now->views,
                    .videos = now->videos,
                    .published_at = channel.published_at,
                    .title = channel.title,
                    .id = channel.id});
  }
  std::sort(hits.begin(), hits.end(), order);
  // The platform tells how many there are but gives the first few hundred only.
  const size_t total = hits.size();
  const size_t reachable = std::min(total, kMaxSearchResults);
  const Call::Page page{reachable, std::min(call.offset(), reachable), size};
  std::string items;
  Fingerprint fingerprint;
  for (size_t i = page.offset; i < page.end(); ++i) {
    if (hits[i].video)
      renderer_.found_video(items, fingerprint, *hits[i].video, parts);
    else
      renderer_.found_channel(items, fingerprint, *hits[i].channel, parts);
  }
  return call.list("searchListResponse", items, fingerprint, page, call.text("regionCode").value_or(region_));
}

}  // namespace dalgona::sandbox
