#include "sandbox/youtube_call.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"
#include "sandbox/fields.h"

namespace dalgona::sandbox {
namespace {

constexpr size_t kMaxIds = 50;

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

std::optional<std::string> YoutubeApi::Call::text(std::string_view name) const {
  auto value = query_.get(name);
  if (value && value->empty()) value.reset();
  return value;
}

void YoutubeApi::Call::allow(std::initializer_list<std::string_view> names) const {
  for (const auto& [name, value] : query_) {
    if (name == "access_token" || name == "oauth_token")
      throw ApiError(401, "authError", "global", "Invalid Credentials")
          .at("Authorization", "header")
          .canonical("UNAUTHENTICATED");
    if (standard_parameters().contains(name) || std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw ApiError(
        400, "badRequest", "global",
        fmt::format("Invalid JSON payload received. Unknown name \"{0}\": Cannot bind query parameter. Field "
                    "'{0}' could not be found in request message.",
                    name))
        .canonical("INVALID_ARGUMENT");
  }
}

Parts YoutubeApi::Call::parts(const PartList& list) const {
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
  if (!any) throw ApiError(400, "missingRequiredParameter", "youtube.parameter", "Required parameter: part").at("part");
  return parts;
}

std::string YoutubeApi::Call::filter(std::initializer_list<std::string_view> names) const {
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

std::vector<std::string> YoutubeApi::Call::ids(std::string_view name) const {
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

size_t YoutubeApi::Call::max_results(size_t least, size_t otherwise) const {
  const auto given = text("maxResults");
  if (!given) return otherwise;
  size_t value = 0;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), value);
  if (error != std::errc() || end != given->data() + given->size() || value < least || value > 50)
    throw invalid_parameter(
        "maxResults", fmt::format("Invalid value '{}'. Values must be within the range: [{}, 50]", *given, least));
  return value;
}

void YoutubeApi::Call::check_region() const {
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

std::optional<Time> YoutubeApi::Call::time(std::string_view name) const {
  const auto given = text(name);
  if (!given) return {};
  try {
    if (given->size() < 20) throw InvalidInput("no time zone");
    return parse_time(*given);
  } catch (const InvalidInput&) {
    throw invalid_parameter(std::string(name), "Invalid value for: Invalid format: \"" + *given + "\"");
  }
}

void YoutubeApi::Call::refuse_owner_filters(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names)
    if (text(name))
      throw ApiError(
          401, "authorizationRequired", "youtube.common",
          "The request uses the <code>" + std::string(name) + "</code> parameter but is not properly authorized.")
          .at("Authorization", "header");
}

size_t YoutubeApi::Call::offset() const {
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

ApiReply YoutubeApi::Call::list(std::string_view kind, const std::string& items, Fingerprint fingerprint,
                                std::optional<Page> page, std::string_view region, bool omit_empty) const {
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

std::vector<std::string> YoutubeApi::Call::values(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [key, value] : query_) {
    if (key != name) continue;
    for (const std::string_view piece : split(value, ','))
      if (!trim(piece).empty()) all.emplace_back(trim(piece));
  }
  return all;
}

uint32_t YoutubeApi::Call::check() const {
  std::string all(endpoint_);
  std::set<std::string> sorted;
  for (const auto& [name, value] : query_)
    if (name != "pageToken" && name != "maxResults" && !standard_parameters().contains(name) && name != "part")
      sorted.insert(fmt::format("{}={}", name, value));
  for (const std::string& one : sorted) all += "&" + one;
  return uint32_t(stable_hash(all));
}

size_t YoutubeApi::Call::decode(std::string_view token, bool backwards) const {
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

void YoutubeApi::Call::shape(ApiReply& reply) const {
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

}  // namespace dalgona::sandbox
