// Who and what the simulated platform has: channels and videos with one snapshot of statistics a day. Built once, by
// the dataset reader or the generator, and never changed after.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace dalgona::sandbox {

// Days since 1970-01-01 UTC.
using Day = int32_t;
Day day_of(Time t);
Time midnight(Day day);

// What the platform says of a video from midnight UTC of `day` on, until the next snapshot.
struct Snapshot {
  Day day = 0;
  int64_t views = 0, likes = 0, comments = 0;
};

struct Video {
  std::string id, title, description;
  std::string thumbnail;  // URL of the 120x90 picture; the larger ones are derived from it
  std::vector<std::string> tags;
  int category = 0;
  uint32_t channel = 0;  // its first one's index
  Time published_at{};
  int duration_seconds = 0;
  std::string language;             // BCP 47, "" when unknown
  std::vector<Snapshot> snapshots;  // by day; at least one
  // Where it went later: the day and the channel that it belongs to from then on. By day.
  std::vector<std::pair<Day, uint32_t>> moves;

  Day first_day() const { return snapshots.front().day; }
  // Null before the first snapshot.
  const Snapshot* as_of(Day day) const;
  uint32_t channel_on(Day day) const;
};

struct ChannelStatistics {
  Day day = 0;
  int64_t views = 0, subscribers = 0, videos = 0;
};

struct Channel {
  std::string id, title, description, handle, country, thumbnail;  // handle with its '@'
  Time published_at{};
  std::vector<uint32_t> videos;  // that ever were its own, by first day, then by position in the population
  std::vector<ChannelStatistics> statistics;  // by day; one for each day on which something changed

  std::string uploads_playlist() const { return "UU" + id.substr(2); }
  // Null before the first video.
  const ChannelStatistics* as_of(Day day) const;
};

class Population {
 public:
  // Takes videos with snapshots in any order and channels without videos and statistics, and works out the rest: order,
  // indexes, each channel's videos and its statistics (sums over what was its own and known that day; followers the sum
  // of likes, unless `subscribers` holds a series for the channel). `charts`: for a day, videos in the order of the
  // chart. `published_at`, handles and thumbnails that are empty are derived. Throws InvalidInput for a video without
  // snapshots.
  Population(std::vector<Channel> channels, std::vector<Video> videos, std::map<Day, std::vector<uint32_t>> charts,
             std::unordered_map<uint32_t, std::map<Day, int64_t>> subscribers = {});
  Population(Population&&) = default;
  Population(const Population&) = delete;  // the indexes look into the vectors
  Population& operator=(const Population&) = delete;

  const std::vector<Channel>& channels() const { return channels_; }
  const std::vector<Video>& videos() const { return videos_; }
  const Channel& channel_of(const Video& video, Day day) const { return channels_[video.channel_on(day)]; }

  // Null when there is none; `day` is not looked at.
  const Video* video(std::string_view id) const;
  const Channel* channel(std::string_view id) const;
  const Channel* by_handle(std::string_view handle) const;  // with or without '@', without case
  const Channel* by_playlist(std::string_view uploads_playlist) const;
  // The chart of that very day; empty when there is none.
  const std::vector<uint32_t>& chart(Day day) const;
  // Days that have a chart, ascending.
  std::vector<Day> days() const;
  Day first_day() const { return first_day_; }
  Day last_day() const { return last_day_; }

 private:
  void derive_channels(const std::unordered_map<uint32_t, std::map<Day, int64_t>>& subscribers);
  void derive_handles();

  std::vector<Channel> channels_;
  std::vector<Video> videos_;
  std::map<Day, std::vector<uint32_t>> charts_;
  std::unordered_map<std::string_view, uint32_t> video_index_, channel_index_;
  std::unordered_map<std::string, uint32_t> handle_index_;
  Day first_day_ = 0, last_day_ = 0;
};

// "UC" and the first 22 characters of base64url(SHA-256("channel:" + title)).
std::string channel_id(std::string_view title);
// base64url without padding.
std::string base64url(std::string_view bytes);
// A stable number from a text, for what is derived: equal on every machine.
uint64_t stable_hash(std::string_view text, uint64_t seed = 0);

}  // namespace dalgona::sandbox
