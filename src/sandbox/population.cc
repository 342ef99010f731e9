#include "sandbox/population.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::sandbox {
namespace {

constexpr size_t kHandleLength = 24;

// "Logan Paul Vlogs" -> "loganpaulvlogs"; what is not ASCII is left out.
std::string slug(std::string_view title) {
  std::string out;
  for (const char c : to_lower_ascii(title))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  return out.substr(0, kHandleLength);
}

template <typename T>
const T* last_at_or_before(const std::vector<T>& series, Day day) {
  const auto after =
      std::upper_bound(series.begin(), series.end(), day, [](Day d, const T& value) { return d < value.day; });
  return after == series.begin() ? nullptr : &*std::prev(after);
}

}  // namespace

Day day_of(Time t) {
  return Day(std::chrono::floor<std::chrono::days>(t).time_since_epoch().count());
}

Time midnight(Day day) {
  return Time(std::chrono::days{day});
}

const Snapshot* Video::as_of(Day day) const {
  return last_at_or_before(snapshots, day);
}

const ChannelStatistics* Channel::as_of(Day day) const {
  return last_at_or_before(statistics, day);
}

uint32_t Video::channel_on(Day day) const {
  const std::pair<Day, uint32_t>* last = nullptr;
  for (const auto& move : moves)
    if (move.first <= day) last = &move;
  return last ? last->second : channel;
}

Population::Population(std::vector<Channel> channels, std::vector<Video> videos,
                       std::map<Day, std::vector<uint32_t>> charts,
                       std::unordered_map<uint32_t, std::map<Day, int64_t>> subscribers)
    : channels_(std::move(channels)), videos_(std::move(videos)), charts_(std::move(charts)) {
  bool first = true;
  for (uint32_t i = 0; i < videos_.size(); ++i) {
    Video& video = videos_[i];
    if (video.snapshots.empty()) throw InvalidInput("video '" + video.id + "' has no snapshot");
    std::sort(video.snapshots.begin(), video.snapshots.end(),
              [](const Snapshot& a, const Snapshot& b) { return a.day < b.day; });
    if (video.published_at == Time{}) video.published_at = midnight(video.first_day());
    if (video.duration_seconds == 0) video.duration_seconds = 31 + int(stable_hash(video.id) % 1170);
    video_index_.emplace(video.id, i);
    first_day_ = first ? video.first_day() : std::min(first_day_, video.first_day());
    last_day_ = first ? video.snapshots.back().day : std::max(last_day_, video.snapshots.back().day);
    first = false;
    std::sort(video.moves.begin(), video.moves.end());
    std::set<uint32_t> owners{video.channel};
    for (const auto& [day, channel] : video.moves) owners.insert(channel);
    for (const uint32_t owner : owners) channels_.at(owner).videos.push_back(i);
  }
  for (uint32_t i = 0; i < channels_.size(); ++i) channel_index_.emplace(channels_[i].id, i);
  derive_channels(subscribers);
  derive_handles();
}

void Population::derive_channels(const std::unordered_map<uint32_t, std::map<Day, int64_t>>& subscribers) {
  for (uint32_t i = 0; i < channels_.size(); ++i) {
    Channel& channel = channels_[i];
    std::stable_sort(channel.videos.begin(), channel.videos.end(),
                     [this](uint32_t a, uint32_t b) { return videos_[a].first_day() < videos_[b].first_day(); });
    std::map<Day, ChannelStatistics> changes;
    for (const uint32_t v : channel.videos) {
      Snapshot before;  // what it counts for here
      bool here = false;
      for (const Snapshot& snapshot : videos_[v].snapshots) {
        const bool stays = videos_[v].channel_on(snapshot.day) == i;
        if (!here && !stays) continue;
        const Snapshot now = stays ? snapshot : Snapshot{};
        ChannelStatistics& change = changes[snapshot.day];
        change.views += now.views - before.views;
        change.subscribers += now.likes - before.likes;
        change.videos += int64_t(stays) - int64_t(here);
        before = now;
        here = stays;
      }
    }
    const auto own = subscribers.find(i);
    ChannelStatistics sum;
    for (const auto& [day, change] : changes) {
      sum.day = day;
      sum.views += change.views;
      sum.subscribers += change.subscribers;
      sum.videos += change.videos;
      channel.statistics.push_back(sum);
      if (own != subscribers.end()) {
        const auto after = own->second.upper_bound(day);
        channel.statistics.back().subscribers = after == own->second.begin() ? 0 : std::prev(after)->second;
      }
    }
    if (channel.videos.empty()) continue;
    const Video& oldest = videos_[channel.videos.front()];
    if (channel.published_at == Time{}) channel.published_at = oldest.published_at;
    if (channel.thumbnail.empty()) channel.thumbnail = oldest.thumbnail;
  }
}

void Population::derive_handles() {
  for (uint32_t i = 0; i < channels_.size(); ++i)
    if (!channels_[i].handle.empty()) handle_index_.emplace(to_lower_ascii(channels_[i].handle), i);
  for (uint32_t i = 0; i < channels_.size(); ++i) {
    Channel& channel = channels_[i];
    if (!channel.handle.empty()) continue;
    std::string handle = "@" + slug(channel.title);
    // A platform's handle has at least three characters, and no two channels share one.
    if (handle.size() < 4 || !handle_index_.emplace(handle, i).second) {
      handle =
          to_lower_ascii(fmt::format("{}{}{}", handle, handle.size() > 1 ? "-" : "user-", channel.id.substr(2, 8)));
      handle_index_.emplace(handle, i);
    }
    channel.handle = handle;
  }
}

const Video* Population::video(std::string_view id) const {
  const auto found = video_index_.find(id);
  return found == video_index_.end() ? nullptr : &videos_[found->second];
}

const Channel* Population::channel(std::string_view id) const {
  const auto found = channel_index_.find(id);
  return found == channel_index_.end() ? nullptr : &channels_[found->second];
}

const Channel* Population::by_handle(std::string_view handle) const {
  const std::string name = (handle.starts_with('@') ? "" : "@") + to_lower_ascii(handle);
  const auto found = handle_index_.find(name);
  return found == handle_index_.end() ? nullptr : &channels_[found->second];
}

const Channel* Population::by_playlist(std::string_view uploads_playlist) const {
  if (!uploads_playlist.starts_with("UU")) return nullptr;
  return channel("UC" + std::string(uploads_playlist.substr(2)));
}

const std::vector<uint32_t>& Population::chart(Day day) const {
  static const std::vector<uint32_t> none;
  const auto found = charts_.find(day);
  return found == charts_.end() ? none : found->second;
}

std::vector<Day> Population::days() const {
  std::vector<Day> days;
  for (const auto& [day, chart] : charts_) days.push_back(day);
  return days;
}

std::string channel_id(std::string_view title) {
  const std::string text = "channel:" + std::string(title);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return "UC" + base64url(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size())).substr(0, 22);
}

std::string base64url(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kDigits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) out += kDigits[(bits << (6 - count)) & 63];
  return out;
}

uint64_t stable_hash(std::string_view text, uint64_t seed) {
  // FNV-1a, finished as splitmix64 does.
  uint64_t hash = 14695981039346656037ull ^ (seed * 0x9e3779b97f4a7c15ull);
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
  return hash ^ (hash >> 31);
}

}  // namespace dalgona::sandbox
