#include "insights/keywords/entities.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace dalgona::insights {
namespace {

struct Entity {
  std::string_view name;
  std::array<char32_t, 2> text;
};
constexpr Entity kEntities[] = {
#include "insights/keywords/html_entities.inc"
};
constexpr size_t kLongestName = 32;

const Entity* find(std::string_view name) {
  const auto* found = std::lower_bound(std::begin(kEntities), std::end(kEntities), name,
                                       [](const Entity& e, std::string_view n) { return e.name < n; });
  return found != std::end(kEntities) && found->name == name ? found : nullptr;
}

// What 0x80 to 0x9F stand for in numeric references: windows-1252.
constexpr char32_t kWindows1252[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                       0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                       0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                       0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

void append_number(uint32_t code, std::u32string& out) {
  if (code == 0 || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) {
    out.push_back(0xFFFD);
  } else if (code >= 0x80 && code <= 0x9F) {
    out.push_back(kWindows1252[code - 0x80]);
  } else {
    const bool invalid = (code >= 1 && code <= 8) || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
                         (code >= 0xFDD0 && code <= 0xFDEF) || (code & 0xFFFE) == 0xFFFE;
    if (!invalid) out.push_back(code);
  }
}

// Reads "#39;" or "#x27;" after the ampersand; the number of characters taken, 0 when it is none.
size_t read_number(std::u32string_view rest, std::u32string& out) {
  size_t at = 1;
  const bool hex = at < rest.size() && (rest[at] == 'x' || rest[at] == 'X');
  if (hex) ++at;
  const size_t digits = at;
  uint32_t code = 0;
  for (; at < rest.size(); ++at) {
    const char32_t c = rest[at];
    uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = c - '0';
    else if (hex && ((c | 32) >= 'a' && (c | 32) <= 'f'))
      digit = (c | 32) - 'a' + 10;
    else
      break;
    code = std::min<uint32_t>(code * (hex ? 16 : 10) + digit, 0x200000);
  }
  if (at == digits) return 0;
  if (at < rest.size() && rest[at] == ';') ++at;
  append_number(code, out);
  return at;
}

size_t read_name(std::u32string_view rest, std::u32string& out) {
  char name[kLongestName];
  size_t size = 0;
  while (size < rest.size() && size < kLongestName) {
    const char32_t c = rest[size];
    if (c >= 0x80 || c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' || c == '#') break;
    name[size++] = static_cast<char>(c);
    if (c == ';') break;
  }
  for (; size >= 2; --size) {  // the longest known name; old ones need no semicolon
    if (const Entity* entity = find({name, size})) {
      for (const char32_t c : entity->text)
        if (c != 0) out.push_back(c);
      return size;
    }
  }
  return 0;
}

}  // namespace

void append_unescaped(std::u32string_view text, std::u32string& out) {
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '&' && at + 1 < text.size()) {
      const std::u32string_view rest = text.substr(at + 1);
      const size_t taken = rest[0] == '#' ? read_number(rest, out) : read_name(rest, out);
      if (taken > 0) {
        at += 1 + taken;
        continue;
      }
    }
    out.push_back(text[at++]);
  }
}

}  // namespace dalgona::insights
