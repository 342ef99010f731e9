#include "event_grpc/fault_path.h"

#include <vector>

#include <simdjson.h>

#include "base/text.h"

namespace dalgona::event_grpc {

namespace {

constexpr size_t kDeepest = 64;
constexpr size_t kLongestPath = 200;

// The first byte that belongs to no character, or the size.
size_t first_bad_byte(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return text.size();
  // A good beginning ends within three bytes before the fault at the latest: halve down to it.
  size_t good = 0, bad = text.size();
  while (bad - good > 1) {
    const size_t middle = good + (bad - good) / 2;
    size_t cut = middle;  // not in the middle of a character
    while (cut > good && (uint8_t(text[cut]) & 0xc0) == 0x80 && middle - cut < 3) --cut;
    if (cut == good) cut = middle;
    if (simdjson::validate_utf8(text.data() + good, cut - good))
      good = cut;
    else
      bad = cut;
  }
  return good;
}

}  // namespace

std::string fault_path(std::string_view text) {
  struct Level {
    bool object;
    bool name_next;  // what comes is a member's name
    std::string_view name;
  };
  std::vector<Level> levels;
  const size_t end = first_bad_byte(text);
  for (size_t at = 0; at < end; ++at) {
    const char c = text[at];
    if (c == '{' || c == '[') {
      if (levels.size() == kDeepest) break;
      levels.push_back({c == '{', c == '{', {}});
    } else if (levels.empty()) {
      if (c != ' ' && c != '\t' && c != '\r') return "";
    } else if (c == '}' || c == ']') {
      levels.pop_back();
    } else if (c == ',') {
      levels.back().name_next = levels.back().object;
      levels.back().name = {};
    } else if (c == '"') {
      const size_t begin = ++at;
      while (at < end && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
      if (levels.back().name_next) levels.back().name = text.substr(begin, std::min(at, end) - begin);
      levels.back().name_next = false;
    }
  }
  std::string path;
  for (const auto& level : levels) {
    if (level.name.empty()) continue;
    if (!path.empty()) path += '.';
    path += level.name;
    if (path.size() > kLongestPath) break;
  }
  path = to_utf8_lossy(path);
  if (path.size() > kLongestPath) {
    size_t cut = kLongestPath;
    while (cut > 0 && (uint8_t(path[cut]) & 0xc0) == 0x80) --cut;
    path.resize(cut);
  }
  return path;
}

}  // namespace dalgona::event_grpc
