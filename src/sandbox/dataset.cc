#include "sandbox/dataset.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "sandbox/csv.h"

namespace dalgona::sandbox {
namespace {

// What a column may be called; the first is the name in messages.
struct Column {
  std::vector<std::string> names;
  bool required;
};
enum Field {
  kVideo,
  kTitle,
  kCategory,
  kViews,
  kLikes,
  kComments,
  kDate,
  kChannel,
  kTags,
  kThumbnail,
  kText,
  kPublished
};
const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {{"video_id"}, true},
      {{"title"}, true},
      {{"category_id"}, true},
      {{"views"}, true},
      {{"likes"}, true},
      {{"comment_total", "comment_count"}, true},
      {{"date", "trending_date"}, true},
      {{"channel_title"}, false},
      {{"tags"}, false},
      {{"thumbnail_link"}, false},
      {{"description"}, false},
      {{"publish_time"}, false},
  };
  return all;
}

int64_t parse_count(std::string_view text, std::string_view column) {
  const std::string_view digits = trim(text);
  int64_t value = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0)
    throw InvalidInput(std::string(column) + " '" + std::string(text.substr(0, 40)) + "' is not a count");
  return value;
}

// "a|b", each perhaps in quotes; "[none]" stands for none.
std::vector<std::string> parse_tags(std::string_view text) {
  std::vector<std::string> tags;
  if (trim(text).empty() || text == "[none]") return tags;
  for (std::string_view tag : split(text, '|')) {
    tag = trim(tag);
    if (tag.size() >= 2 && tag.starts_with('"') && tag.ends_with('"')) tag = tag.substr(1, tag.size() - 2);
    if (!tag.empty()) tags.emplace_back(tag);
  }
  return tags;
}

class Reader {
 public:
  Reader(std::string_view text, int year) : csv_(text), year_(year) {}

  std::pair<Population, LoadReport> read() {
    read_header();
    CsvRecord record;
    while (csv_.next(record)) {
      ++report_.rows;
      try {
        if (record.unterminated) throw InvalidInput("a quote is not closed");
        // Good rows swallowed by a stray quote end where the next quote opens, and so with text behind a closing quote.
        if (record.loose && record.spans_lines) throw InvalidInput("a quote is not closed on its line");
        if (record.cells.size() != width_)
          throw InvalidInput(std::to_string(record.cells.size()) + " fields instead of " + std::to_string(width_));
        add(record.cells);
      } catch (const InvalidInput& e) {
        ++report_.damaged;
        if (report_.damages.size() < LoadReport::kMaxDamages) report_.damages.push_back({record.line, e.what()});
        if (record.spans_lines && !record.unterminated) csv_.retry_after_first_line();
      }
    }
    if (videos_.empty()) throw InvalidInput("the dataset has no usable row" + first_damage());
    return {build(), std::move(report_)};
  }

 private:
  void read_header() {
    CsvRecord header;
    if (!csv_.next(header)) throw InvalidInput("the dataset is empty");
    width_ = header.cells.size();
    std::string missing;
    for (const Column& column : columns()) {
      int at = -1;
      for (const std::string& name : column.names)
        for (size_t i = 0; i < header.cells.size() && at < 0; ++i)
          if (trim(header.cells[i]) == name) {
            at = int(i);
            if (name == "trending_date") year_first_ = true;
          }
      if (at < 0 && column.required) missing += (missing.empty() ? "" : ", ") + column.names.front();
      at_.push_back(at);
    }
    if (!missing.empty()) throw InvalidInput("the dataset's header lacks " + missing);
  }

  std::string cell(const std::vector<std::string>& cells, Field field) const {
    return at_[field] < 0 ? std::string() : to_utf8_lossy(cells[size_t(at_[field])]);
  }

  void add(const std::vector<std::string>& cells) {
    const std::string id = cell(cells, kVideo);
    if (id.empty() || id.size() > 64 || std::any_of(id.begin(), id.end(), [](char c) {
          return c == ',' || static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f;
        }))
      throw InvalidInput("video_id '" + id.substr(0, 40) + "' is no id");
    Snapshot snapshot;
    snapshot.day = parse_day(trim(cell(cells, kDate)), year_, year_first_);
    snapshot.views = parse_count(cell(cells, kViews), "views");
    snapshot.likes = parse_count(cell(cells, kLikes), "likes");
    snapshot.comments = parse_count(cell(cells, kComments), "comment_total");
    const std::string category_text = cell(cells, kCategory);
    int category = 0;  // 0: none that the platform knows
    std::from_chars(category_text.data(), category_text.data() + category_text.size(), category);

    const auto [known, is_new] = index_.emplace(id, uint32_t(videos_.size()));
    if (is_new) {
      videos_.emplace_back();
      videos_.back().id = id;
    }
    Video& video = videos_[known->second];
    const uint32_t owner = channel(at_[kChannel] < 0 ? "category " + category_text : cell(cells, kChannel));
    const Place now{++sequence_, snapshot, owner};
    const auto [place, first_of_day] = places_[known->second].emplace(snapshot.day, now);
    if (!first_of_day) {
      ++report_.doubled;
      place->second = now;
    }
    // What a video is called is what its latest day says.
    if (snapshot.day < places_[known->second].rbegin()->first) return;
    video.title = cell(cells, kTitle);
    video.category = category;
    video.tags = parse_tags(cell(cells, kTags));
    video.description = cell(cells, kText);
    video.thumbnail = cell(cells, kThumbnail);
    if (video.thumbnail.empty()) video.thumbnail = "https://i.ytimg.com/vi/" + id + "/default.jpg";
    try {
      if (at_[kPublished] >= 0) video.published_at = parse_time(trim(cell(cells, kPublished)));
    } catch (const InvalidInput&) {
      video.published_at = {};  // derived, as without the column
    }
  }

  uint32_t channel(const std::string& title) {
    const auto [known, is_new] = channel_index_.emplace(title, uint32_t(channels_.size()));
    if (is_new) {
      channels_.emplace_back();
      channels_.back().id = channel_id(title);
      channels_.back().title = title;
    }
    return known->second;
  }

  Population build() {
    std::map<Day, std::map<size_t, uint32_t>> order;
    for (const auto& [index, days] : places_) {
      videos_[index].channel = days.begin()->second.channel;
      uint32_t owner = videos_[index].channel;
      for (const auto& [day, place] : days) {
        if (place.channel != owner) videos_[index].moves.emplace_back(day, place.channel);
        owner = place.channel;
        videos_[index].snapshots.push_back(place.snapshot);
        order[day].emplace(place.sequence, index);
        ++report_.snapshots;
      }
      // A publication after the first snapshot is a mistake of the file.
      if (videos_[index].published_at > midnight(days.begin()->first) + std::chrono::days{1})
        videos_[index].published_at = {};
    }
    std::map<Day, std::vector<uint32_t>> charts;
    for (const auto& [day, rows] : order)
      for (const auto& [sequence, index] : rows) charts[day].push_back(index);
    return Population(std::move(channels_), std::move(videos_), std::move(charts));
  }

  std::string first_damage() const {
    if (report_.damages.empty()) return {};
    return " (line " + std::to_string(report_.damages.front().line) + ": " + report_.damages.front().reason + ")";
  }

  struct Place {
    size_t sequence;
    Snapshot snapshot;
    uint32_t channel;
  };
  CsvReader csv_;
  int year_;
  bool year_first_ = false;
  size_t width_ = 0, sequence_ = 0;
  std::vector<int> at_;
  LoadReport report_;
  std::vector<Channel> channels_;
  std::vector<Video> videos_;
  std::unordered_map<std::string, uint32_t> index_, channel_index_;
  std::map<uint32_t, std::map<Day, Place>> places_;
};

}  // namespace

Day parse_day(std::string_view text, int year, bool year_first) {
  const auto fail = [&]() -> InvalidInput {
    return InvalidInput("date '" + std::string(text.substr(0, 40)) + "' is not " + (year_first ? "yy.dd.mm" : "dd.mm") +
                        " of a real day");
  };
  const bool iso = text.find('-') != text.npos;
  std::vector<int> parts;
  for (const std::string_view part : split(text, iso ? '-' : '.')) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || part.size() > 4 || value < 0) throw fail();
    parts.push_back(value);
  }
  int y = year, m = 0, d = 0;
  if (iso && parts.size() == 3) {
    y = parts[0], m = parts[1], d = parts[2];
  } else if (!iso && year_first && parts.size() == 3) {
    y = parts[0] < 100 ? 2000 + parts[0] : parts[0], d = parts[1], m = parts[2];
  } else if (!iso && !year_first && (parts.size() == 2 || parts.size() == 3)) {
    d = parts[0], m = parts[1];
    if (parts.size() == 3) y = parts[2] < 100 ? 2000 + parts[2] : parts[2];
  } else {
    throw fail();
  }
  const std::chrono::year_month_day date{std::chrono::year{y}, std::chrono::month{unsigned(m)},
                                         std::chrono::day{unsigned(d)}};
  if (!date.ok() || y < 1970 || y > 9999) throw fail();
  return Day(std::chrono::sys_days(date).time_since_epoch().count());
}

std::pair<Population, LoadReport> read_dataset(std::string_view text, int year) {
  return Reader(text, year).read();
}

std::pair<Population, LoadReport> read_dataset_file(const std::filesystem::path& path, int year) {
  const std::string text = read_file(path);
  try {
    return read_dataset(text, year);
  } catch (const InvalidInput& e) {
    throw InvalidInput(path.string() + ": " + e.what());
  }
}

}  // namespace dalgona::sandbox
