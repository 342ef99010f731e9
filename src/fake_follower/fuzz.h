// String similarities as rapidfuzz defines them, 0 to 100, over code points. Bit-parallel: the longest common
// subsequence of 64 characters at a time (Hyyro 2004).
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::fake_follower {

// Where each character stands in a pattern of at most 64; asked once for each character of the other string.
class Pattern {
 public:
  static constexpr size_t kLongest = 64;
  explicit Pattern(std::u32string_view pattern);
  uint64_t of(char32_t c) const {
    if (c < ascii_.size()) return ascii_[c];
    for (size_t k = 0; k < others_; ++k)
      if (other_[k] == c) return bits_[k];
    return 0;
  }

 private:
  std::array<uint64_t, 128> ascii_{};
  std::array<char32_t, kLongest> other_;
  std::array<uint64_t, kLongest> bits_;
  size_t others_ = 0;
};

// Length of the longest common subsequence. O(|a| * |b| / 64).
size_t common_subsequence(std::u32string_view a, std::u32string_view b);

// 100 * (1 - (insertions + deletions) / (|a| + |b|)); 100 for two empty strings.
double ratio(std::u32string_view a, std::u32string_view b);
// The best ratio of the shorter string with any part of the longer one that is as long, or shorter at its two ends.
double partial_ratio(std::u32string_view a, std::u32string_view b);
// The ratio of the words in sorted order.
double token_sort_ratio(std::u32string_view a, std::u32string_view b);
// The best ratio of what the word sets share and what each has beside it; 0 when either has no word.
double token_set_ratio(std::u32string_view a, std::u32string_view b);

// The two forms in which the reference rounds; `distance` in insertions and deletions, `length` of both together.
inline double ratio_of(size_t distance, size_t length) {
  return length == 0 ? 100.0 : (1.0 - static_cast<double>(distance) / static_cast<double>(length)) * 100.0;
}
inline double set_ratio_of(size_t distance, size_t length) {
  return length == 0 ? 100.0 : 100.0 - 100.0 * static_cast<double>(distance) / static_cast<double>(length);
}

}  // namespace dalgona::fake_follower
