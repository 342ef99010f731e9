#include "fake_follower/fuzz.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

using Text = std::u32string_view;

uint64_t low_bits(size_t n) {
  return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
}

// One step of the recurrence: the state's zero bits are the matched characters of the pattern.
uint64_t step(uint64_t state, uint64_t matches) {
  const uint64_t used = state & matches;
  return (state + used) | (state - used);
}

size_t matched(uint64_t state, size_t size) {
  return static_cast<size_t>(std::popcount(~state & low_bits(size)));
}

size_t long_common(Text pattern, Text text) {
  const size_t blocks = (pattern.size() + 63) / 64;
  std::unordered_map<char32_t, std::vector<uint64_t>> where;
  for (size_t i = 0; i < pattern.size(); ++i) {
    auto& bits = where[pattern[i]];
    bits.resize(blocks);
    bits[i / 64] |= uint64_t{1} << (i % 64);
  }
  std::vector<uint64_t> state(blocks, ~uint64_t{0});
  for (const char32_t c : text) {
    const auto found = where.find(c);
    if (found == where.end()) continue;
    uint64_t carry = 0;
    for (size_t b = 0; b < blocks; ++b) {
      const uint64_t used = state[b] & found->second[b];
      const uint64_t sum = state[b] + used;
      const uint64_t carried = sum + carry;
      const uint64_t next = static_cast<uint64_t>(sum < used) | static_cast<uint64_t>(carried < sum);
      state[b] = carried | (state[b] - used);
      carry = next;
    }
  }
  size_t total = 0;
  for (size_t b = 0; b < blocks; ++b) total += matched(state[b], pattern.size() - b * 64);
  return total;
}

std::vector<Text> words(Text text) {
  std::vector<Text> found;
  for (size_t at = 0; at < text.size();) {
    while (at < text.size() && insights::unicode::is(text[at], insights::unicode::kSpace)) ++at;
    size_t end = at;
    while (end < text.size() && !insights::unicode::is(text[end], insights::unicode::kSpace)) ++end;
    if (end > at) found.push_back(text.substr(at, end - at));
    at = end;
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::u32string join(const std::vector<Text>& parts) {
  std::u32string out;
  for (const Text part : parts) {
    if (!out.empty()) out.push_back(' ');
    out.append(part);
  }
  return out;
}

size_t distance(Text a, Text b) {
  return a.size() + b.size() - 2 * common_subsequence(a, b);
}

// The best ratio of `needle` (not longer than `text`, not empty) with the parts of `text`.
double best_part(Text needle, Text text) {
  const size_t m = needle.size();
  double best = 0;
  if (m > Pattern::kLongest) {
    const auto consider = [&](Text part) { best = std::max(best, ratio(needle, part)); };
    for (size_t size = 1; size < m; ++size) {
      consider(text.substr(0, size));
      consider(text.substr(text.size() - size));
    }
    for (size_t at = 0; at + m <= text.size() && best < 100; ++at) consider(text.substr(at, m));
    return best;
  }
  const Pattern where(needle);
  const auto consider = [&](size_t common, size_t size) {
    best = std::max(best, ratio_of(m + size - 2 * common, m + size));
  };
  // All beginnings in one run, all ends in one run backwards.
  uint64_t state = ~uint64_t{0};
  for (size_t size = 1; size < m; ++size) {
    state = step(state, where.of(text[size - 1]));
    consider(matched(state, m), size);
  }
  const std::u32string reversed(needle.rbegin(), needle.rend());
  const Pattern backwards(reversed);
  state = ~uint64_t{0};
  for (size_t size = 1; size < m; ++size) {
    state = step(state, backwards.of(text[text.size() - size]));
    consider(matched(state, m), size);
  }
  // Full windows: at most as many characters can match as the window has of the needle's at all.
  size_t known = 0;
  for (size_t i = 0; i < m; ++i) known += where.of(text[i]) != 0;
  for (size_t at = 0;; ++at) {
    if (ratio_of(2 * (m - known), 2 * m) > best) {
      state = ~uint64_t{0};
      for (size_t i = 0; i < m; ++i) state = step(state, where.of(text[at + i]));
      consider(matched(state, m), m);
      if (best >= 100) break;
    }
    if (at + m >= text.size()) break;
    known -= where.of(text[at]) != 0;
    known += where.of(text[at + m]) != 0;
  }
  return best;
}

}  // namespace

Pattern::Pattern(Text pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char32_t c = pattern[i];
    if (c < ascii_.size()) {
      ascii_[c] |= uint64_t{1} << i;
      continue;
    }
    size_t k = 0;
    while (k < others_ && other_[k] != c) ++k;
    if (k == others_) other_[others_] = c, bits_[others_++] = 0;
    bits_[k] |= uint64_t{1} << i;
  }
}

size_t common_subsequence(Text a, Text b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return 0;
  if (a.size() > Pattern::kLongest) return long_common(a, b);
  const Pattern where(a);
  uint64_t state = ~uint64_t{0};
  for (const char32_t c : b) state = step(state, where.of(c));
  return matched(state, a.size());
}

double ratio(Text a, Text b) {
  return ratio_of(distance(a, b), a.size() + b.size());
}

double partial_ratio(Text a, Text b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return b.empty() ? 100 : 0;
  double best = best_part(a, b);
  if (a.size() == b.size() && best < 100) best = std::max(best, best_part(b, a));
  return best;
}

double token_sort_ratio(Text a, Text b) {
  return ratio(join(words(a)), join(words(b)));
}

double token_set_ratio(Text a, Text b) {
  auto of_a = words(a), of_b = words(b);
  of_a.erase(std::unique(of_a.begin(), of_a.end()), of_a.end());
  of_b.erase(std::unique(of_b.begin(), of_b.end()), of_b.end());
  if (of_a.empty() || of_b.empty()) return 0;
  std::vector<Text> shared, only_a, only_b;
  std::set_intersection(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), std::back_inserter(shared));
  std::set_difference(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), std::back_inserter(only_a));
  std::set_difference(of_b.begin(), of_b.end(), of_a.begin(), of_a.end(), std::back_inserter(only_b));
  if (!shared.empty() && (only_a.empty() || only_b.empty())) return 100;
  const std::u32string rest_a = join(only_a), rest_b = join(only_b);
  const size_t both = join(shared).size();
  const size_t gap = both > 0 ? 1 : 0;
  const size_t whole_a = both + gap + rest_a.size();
  const size_t whole_b = both + gap + rest_b.size();
  double best = set_ratio_of(distance(rest_a, rest_b), whole_a + whole_b);
  if (both == 0) return best;
  best = std::max(best, set_ratio_of(gap + rest_a.size(), both + whole_a));
  return std::max(best, set_ratio_of(gap + rest_b.size(), both + whole_b));
}

}  // namespace dalgona::fake_follower
