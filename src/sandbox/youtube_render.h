// The JSON of the simulated resources. What does not change with time is rendered once, at start.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/population.h"

namespace dalgona::sandbox {

// A set of parts, as bits in the order of an endpoint's list.
using Parts = uint32_t;

// The parts of an endpoint: those anyone may ask for, and those that only an owner may.
struct PartList {
  std::vector<std::string_view> open, owner_only;
};
const PartList& video_parts();
const PartList& channel_parts();
const PartList& playlist_item_parts();
const PartList& search_parts();
const PartList& category_parts();

struct Category {
  int id;
  std::string_view title;
  bool assignable;
};
const std::vector<Category>& categories();

// Collects what a body says, and gives the 27 characters of an ETag. Not for security.
class Fingerprint {
 public:
  void add(uint64_t value);
  void add(std::string_view text) { add(stable_hash(text)); }
  std::string text() const;

 private:
  uint64_t a_ = 0x243f6a8885a308d3ull, b_ = 0x13198a2e03707344ull, c_ = 0xa4093822299f31d0ull;
};

// Appends resources to a list of items and what they say to the list's fingerprint. Thread-safe. The population must
// outlive it.
class Renderer {
 public:
  explicit Renderer(const Population& population);

  // As it is on that day, on which there must be a snapshot of it.
  void video(std::string& out, Fingerprint& list, const Video& video, Day day, Parts parts) const;
  void channel(std::string& out, Fingerprint& list, const Channel& channel, const ChannelStatistics& statistics,
               Parts parts) const;
  void playlist_item(std::string& out, Fingerprint& list, const Video& video, const Channel& channel, size_t position,
                     Parts parts) const;
  void found_video(std::string& out, Fingerprint& list, const Video& video, Day day, Parts parts) const;
  void found_channel(std::string& out, Fingerprint& list, const Channel& channel, Parts parts) const;
  static void category(std::string& out, Fingerprint& list, const Category& category, Parts parts);

  static std::string playlist_item_id(const Channel& channel, const Video& video);

 private:
  struct Fragments {
    std::vector<std::string> parts;  // "\"snippet\":{...}" by part; empty for what changes or is not there
    uint64_t hash = 0;
  };
  static Fragments video_fragments(const Video& video, const Channel& channel);
  static Fragments channel_fragments(const Channel& channel);

  const Population& population_;
  std::vector<Fragments> videos_, channels_;
  // Of videos with channels that were not their first.
  std::map<std::pair<const Video*, const Channel*>, Fragments> moved_;
};

// "PT1H2M3S".
std::string iso_duration(int seconds);
// "2017-09-13T00:00:00Z"; no fraction when there is none.
std::string api_time(Time t);

}  // namespace dalgona::sandbox
