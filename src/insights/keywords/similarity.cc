#include "insights/keywords/similarity.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace dalgona::insights {
namespace {

// Where each character stands in a pattern of up to 64: ASCII by table, the rest by a short scan.
class ShortPattern {
 public:
  explicit ShortPattern(std::u32string_view pattern) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      const char32_t c = pattern[i];
      if (c < 128) {
        ascii_[c] |= uint64_t{1} << i;
        continue;
      }
      size_t k = 0;
      while (k < others_ && other_[k] != c) ++k;
      if (k == others_) other_[others_] = c, bits_[others_++] = 0;
      bits_[k] |= uint64_t{1} << i;
    }
  }
  uint64_t of(char32_t c) const {
    if (c < 128) return ascii_[c];
    for (size_t k = 0; k < others_; ++k)
      if (other_[k] == c) return bits_[k];
    return 0;
  }

 private:
  uint64_t ascii_[128] = {};
  char32_t other_[64];
  uint64_t bits_[64];
  size_t others_ = 0;
};

size_t short_distance(std::u32string_view pattern, std::u32string_view text) {
  const ShortPattern where(pattern);
  const uint64_t last = uint64_t{1} << (pattern.size() - 1);
  uint64_t plus = ~uint64_t{0};
  uint64_t minus = 0;
  size_t distance = pattern.size();
  for (const char32_t c : text) {
    const uint64_t match = where.of(c) | minus;
    const uint64_t diagonal = (((match & plus) + plus) ^ plus) | match;
    uint64_t up = minus | ~(diagonal | plus);
    uint64_t down = plus & diagonal;
    distance += (up & last) != 0;
    distance -= (down & last) != 0;
    up = up << 1 | 1;
    down <<= 1;
    plus = down | ~(diagonal | up);
    minus = up & diagonal;
  }
  return distance;
}

// The same over blocks of 64, the horizontal differences carried from block to block.
size_t long_distance(std::u32string_view pattern, std::u32string_view text) {
  const size_t blocks = (pattern.size() + 63) / 64;
  std::unordered_map<char32_t, std::vector<uint64_t>> where;
  for (size_t i = 0; i < pattern.size(); ++i) {
    auto& bits = where[pattern[i]];
    bits.resize(blocks);
    bits[i / 64] |= uint64_t{1} << (i % 64);
  }
  const std::vector<uint64_t> nowhere(blocks);
  std::vector<uint64_t> plus(blocks, ~uint64_t{0}), minus(blocks, 0);
  const uint64_t last = uint64_t{1} << ((pattern.size() - 1) % 64);
  size_t distance = pattern.size();
  for (const char32_t c : text) {
    const auto found = where.find(c);
    const auto& bits = found == where.end() ? nowhere : found->second;
    uint64_t up_in = 1;
    uint64_t down_in = 0;
    for (size_t b = 0; b < blocks; ++b) {
      const uint64_t match = bits[b] | down_in;
      const uint64_t diagonal = (((match & plus[b]) + plus[b]) ^ plus[b]) | match | minus[b];
      uint64_t up = minus[b] | ~(diagonal | plus[b]);
      uint64_t down = plus[b] & diagonal;
      if (b + 1 == blocks) {
        distance += (up & last) != 0;
        distance -= (down & last) != 0;
      }
      const uint64_t up_out = up >> 63;
      const uint64_t down_out = down >> 63;
      up = up << 1 | up_in;
      down = down << 1 | down_in;
      plus[b] = down | ~((bits[b] | minus[b] | diagonal) | up);
      minus[b] = up & (bits[b] | minus[b] | diagonal);
      up_in = up_out;
      down_in = down_out;
    }
  }
  return distance;
}

}  // namespace

size_t levenshtein(std::u32string_view a, std::u32string_view b) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) a.remove_prefix(1), b.remove_prefix(1);
  while (!a.empty() && !b.empty() && a.back() == b.back()) a.remove_suffix(1), b.remove_suffix(1);
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return b.size();
  return a.size() <= 64 ? short_distance(a, b) : long_distance(a, b);
}

double jaro(std::u32string_view a, std::u32string_view b) {
  if (a.empty() && b.empty()) return 1;
  if (a.empty() || b.empty()) return 0;
  const size_t longer = std::max(a.size(), b.size());
  const size_t reach = longer / 2 > 0 ? longer / 2 - 1 : 0;
  std::vector<char> a_used(a.size()), b_used(b.size());
  size_t common = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t from = i > reach ? i - reach : 0;
    const size_t to = std::min(b.size(), i + reach + 1);
    for (size_t j = from; j < to; ++j) {
      if (b_used[j] || a[i] != b[j]) continue;
      a_used[i] = b_used[j] = 1;
      ++common;
      break;
    }
  }
  if (common == 0) return 0;
  size_t swapped = 0;
  for (size_t i = 0, j = 0; i < a.size(); ++i) {
    if (!a_used[i]) continue;
    while (!b_used[j]) ++j;
    swapped += a[i] != b[j];
    ++j;
  }
  const auto m = static_cast<double>(common);
  const size_t pairs = swapped / 2;
  const auto transpositions = static_cast<double>(pairs);
  return (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) + (m - transpositions) / m) / 3.0;
}

}  // namespace dalgona::insights
