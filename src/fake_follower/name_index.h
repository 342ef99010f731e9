// A list of names that is asked for the one most like a word, exactly as a scan of the whole list would answer, in
// microseconds. First come the names that stand beside the word in the alphabet, read from either end: one of them is
// nearly as good as the best. Then all names by length, sixteen to a block, with the count of each letter that any name
// of the block has at most: what cannot beat the best one so far is passed over by those counts.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dalgona::fake_follower {

// Immutable after construction, thread-safe.
class NameIndex {
 public:
  struct Best {
    size_t entry = SIZE_MAX;  // in the order of the list; SIZE_MAX: the list is empty
    double score = 0;         // (2 * ratio + token_sort_ratio + token_set_ratio) / 4, 0 to 100
  };

  // Names in lower case; empty ones and doubles are left out.
  explicit NameIndex(const std::vector<std::string>& names);
  // read_names, indexed.
  static NameIndex from_file(const std::filesystem::path& path);

  size_t size() const { return names_.size(); }
  std::string_view name(size_t entry) const { return names_[entry]; }

  // The highest score; of equal ones the first in the list.
  Best best(std::u32string_view word) const;
  // The same by looking at every name: what best() is tested and measured against.
  Best best_by_scan(std::u32string_view word) const;

 private:
  static constexpr size_t kBlock = 16;
  using Counts = std::array<uint8_t, 32>;  // of a to z, then zeros
  struct Bucket {                          // of one length
    std::vector<uint32_t> entries;
    std::string letters;               // entries * length
    std::vector<Counts> counts;        // of each entry
    std::vector<Counts> block_counts;  // of each block of 16: the largest
  };
  // Letters of one name against a word's bit patterns: how many they have in common, in order.
  static uint32_t common(std::string_view name, const uint64_t* where, uint64_t all);
  std::vector<uint32_t> likely(std::u32string_view word) const;
  Best finish(std::u32string_view word, size_t entry) const;
  Best best_of_others(std::u32string_view word, Best so_far) const;

  std::vector<std::string> names_;
  std::vector<std::u32string> decoded_;
  std::vector<Bucket> buckets_;  // by length, for names of a to z only, up to 64 letters
  std::vector<uint32_t> others_;
  std::vector<uint32_t> forwards_, backwards_;  // the names in buckets_, sorted by their letters from either end
  std::unordered_map<std::string_view, uint32_t> exact_;
};

// The names of a list: one a line; "# " starts a comment. Lower-cased, accents stay. Throws InvalidInput naming the
// path.
std::vector<std::string> read_names(const std::filesystem::path& path);

// (2 * ratio + token_sort_ratio + token_set_ratio) / 4.
double name_likeness(std::u32string_view word, std::u32string_view name);

}  // namespace dalgona::fake_follower
