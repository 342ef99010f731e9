#include "fake_follower/name_index.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include <emmintrin.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "fake_follower/fuzz.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

namespace unicode = insights::unicode;

bool only_letters(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// How many letters two words share at most: the sum over the alphabet of the smaller count.
inline uint32_t shared_letters(const uint8_t* a, const uint8_t* b) {
  const __m128i zero = _mm_setzero_si128();
  const auto half = [&](size_t at) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + at));
    const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + at));
    return _mm_sad_epu8(_mm_min_epu8(x, y), zero);
  };
  const __m128i sum = _mm_add_epi64(half(0), half(16));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(sum) + _mm_extract_epi16(sum, 4));
}

// Letters in the order in which their presence parts Indian names best (about half of the names have the first ones),
// so that neighbours in this order share letters and a block's counts say much.
constexpr std::string_view kPartingOrder = "irnhsuklmtedvpjgybodwczfqx";

uint32_t parting_key(std::string_view name) {
  uint32_t key = 0;
  for (const char c : name) key |= uint32_t{1} << (25 - kPartingOrder.find(c));
  return key;
}

// A score as an exact fraction: distance / length, the smaller the better.
struct Fraction {
  uint32_t distance = 1, length = 1;
};
bool better(const Fraction& a, const Fraction& b) {
  return uint64_t{a.distance} * b.length < uint64_t{b.distance} * a.length;
}

}  // namespace

double name_likeness(std::u32string_view word, std::u32string_view name) {
  return (2 * ratio(word, name) + token_sort_ratio(word, name) + token_set_ratio(word, name)) / 4;
}

NameIndex::NameIndex(const std::vector<std::string>& names) {
  names_.reserve(names.size());  // exact_ keeps views of them
  std::unordered_set<std::string_view> seen;
  for (const auto& name : names)
    if (!name.empty() && seen.insert(name).second) names_.push_back(name);
  decoded_.reserve(names_.size());
  for (uint32_t i = 0; i < names_.size(); ++i) {
    exact_.emplace(names_[i], i);
    decoded_.push_back(unicode::from_utf8(names_[i]));
    if (!only_letters(names_[i]) || names_[i].size() > Pattern::kLongest) {
      others_.push_back(i);
      continue;
    }
    if (buckets_.size() <= names_[i].size()) buckets_.resize(names_[i].size() + 1);
    buckets_[names_[i].size()].entries.push_back(i);
  }
  for (const Bucket& bucket : buckets_) forwards_.insert(forwards_.end(), bucket.entries.begin(), bucket.entries.end());
  backwards_ = forwards_;
  std::sort(forwards_.begin(), forwards_.end(), [this](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
  std::sort(backwards_.begin(), backwards_.end(), [this](uint32_t a, uint32_t b) {
    return std::lexicographical_compare(names_[a].rbegin(), names_[a].rend(), names_[b].rbegin(), names_[b].rend());
  });
  for (size_t length = 1; length < buckets_.size(); ++length) {
    Bucket& bucket = buckets_[length];
    std::sort(bucket.entries.begin(), bucket.entries.end(), [this](uint32_t a, uint32_t b) {
      const uint32_t x = parting_key(names_[a]), y = parting_key(names_[b]);
      return x != y ? x < y : names_[a] < names_[b];
    });
    for (size_t i = 0; i < bucket.entries.size(); ++i) {
      Counts counts{};
      for (const char c : names_[bucket.entries[i]]) {
        bucket.letters.push_back(c);
        ++counts[static_cast<size_t>(c - 'a')];
      }
      bucket.counts.push_back(counts);
      if (i % kBlock == 0) bucket.block_counts.push_back(counts);
      auto& most = bucket.block_counts.back();
      for (size_t k = 0; k < most.size(); ++k) most[k] = std::max(most[k], counts[k]);
    }
  }
}

NameIndex NameIndex::from_file(const std::filesystem::path& path) {
  return NameIndex(read_names(path));
}

std::vector<std::string> read_names(const std::filesystem::path& path) {
  std::vector<std::string> names;
  const std::string text = read_file(path);
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with("# ") || line == "#") continue;
    std::u32string lower;
    unicode::append_lower(unicode::from_utf8(line), lower);
    names.push_back(unicode::to_utf8(lower));
  }
  return names;
}

NameIndex::Best NameIndex::finish(std::u32string_view word, size_t entry) const {
  return {entry, name_likeness(word, decoded_[entry])};
}

// Names with spaces, accents or other scripts: few, looked at one by one.
NameIndex::Best NameIndex::best_of_others(std::u32string_view word, Best so_far) const {
  for (const uint32_t entry : others_) {
    const Best found = finish(word, entry);
    if (found.score > so_far.score || (found.score == so_far.score && found.entry < so_far.entry)) so_far = found;
  }
  return so_far;
}

uint32_t NameIndex::common(std::string_view name, const uint64_t* where, uint64_t all) {
  uint64_t state = ~uint64_t{0};
  for (const char c : name) {
    const uint64_t used = state & where[c - 'a'];
    state = (state + used) | (state - used);
  }
  return static_cast<uint32_t>(std::popcount(~state & all));
}

// Those that begin, and those that end, as the word does for longest.
std::vector<uint32_t> NameIndex::likely(std::u32string_view word) const {
  constexpr size_t kBeside = 6;  // on either side; more find no better one often enough to pay
  std::vector<uint32_t> found;
  const auto beside = [&](const std::vector<uint32_t>& sorted, auto before) {
    const auto at = static_cast<size_t>(std::partition_point(sorted.begin(), sorted.end(), before) - sorted.begin());
    const size_t first = at - std::min(at, kBeside), last = std::min(at + kBeside, sorted.size());
    found.insert(found.end(), sorted.begin() + static_cast<ptrdiff_t>(first),
                 sorted.begin() + static_cast<ptrdiff_t>(last));
  };
  const auto less = [](char a, char32_t b) { return static_cast<unsigned char>(a) < b; };
  beside(forwards_, [&](uint32_t entry) {
    const std::string& name = names_[entry];
    return std::lexicographical_compare(name.begin(), name.end(), word.begin(), word.end(), less);
  });
  beside(backwards_, [&](uint32_t entry) {
    const std::string& name = names_[entry];
    return std::lexicographical_compare(name.rbegin(), name.rend(), word.rbegin(), word.rend(), less);
  });
  return found;
}

NameIndex::Best NameIndex::best(std::u32string_view word) const {
  if (names_.empty()) return {};
  const size_t m = word.size();
  if (m == 0 || std::any_of(word.begin(), word.end(), [](char32_t c) { return unicode::is(c, unicode::kSpace); }))
    return best_by_scan(word);
  if (const auto found = exact_.find(unicode::to_utf8(word)); found != exact_.end()) return finish(word, found->second);

  uint64_t where[32] = {};
  Counts counts{};
  const bool is_long = m > Pattern::kLongest;  // longer than any name in a bucket: the name is the pattern then
  for (size_t i = 0; i < m; ++i) {
    if (word[i] < 'a' || word[i] > 'z') continue;
    if (!is_long) where[word[i] - 'a'] |= uint64_t{1} << i;
    uint8_t& count = counts[word[i] - 'a'];
    if (count < UINT8_MAX) ++count;  // more than any name has of a letter
  }
  const uint64_t all = m >= 64 ? ~uint64_t{0} : (uint64_t{1} << m) - 1;

  Fraction best{1, 1};
  uint32_t entry = UINT32_MAX;
  for (const uint32_t candidate : likely(word)) {
    const std::string& name = names_[candidate];
    const auto length = static_cast<uint32_t>(m + name.size());
    const auto together =
        is_long ? static_cast<uint32_t>(common_subsequence(word, decoded_[candidate])) : common(name, where, all);
    const Fraction found{length - 2 * together, length};
    if (better(found, best) || (!better(best, found) && candidate < entry)) {
      best = found;
      entry = candidate;
    }
  }
  const auto scan = [&](size_t n) {
    const Bucket& bucket = buckets_[n];
    const auto length = static_cast<uint32_t>(m + n);
    // The fewest common letters that still equal or beat the best: distance / length <= best.
    const auto needed = [&]() -> uint32_t {
      const uint64_t most_distance = uint64_t{best.distance} * length / best.length;
      return most_distance >= length ? 0 : static_cast<uint32_t>((length - most_distance + 1) / 2);
    };
    uint32_t least = needed();
    if (least > std::min(m, n)) return;
    for (size_t block = 0; block < bucket.block_counts.size(); ++block) {
      if (shared_letters(counts.data(), bucket.block_counts[block].data()) < least) continue;
      const size_t end = std::min(bucket.entries.size(), (block + 1) * kBlock);
      for (size_t i = block * kBlock; i < end; ++i) {
        if (shared_letters(counts.data(), bucket.counts[i].data()) < least) continue;
        const auto together = is_long ? static_cast<uint32_t>(common_subsequence(word, decoded_[bucket.entries[i]]))
                                      : common({bucket.letters.data() + i * n, n}, where, all);
        const Fraction found{length - 2 * together, length};
        if (better(found, best) || (!better(best, found) && bucket.entries[i] < entry)) {
          best = found;
          entry = bucket.entries[i];
          least = needed();
        }
      }
    }
  };
  // From the nearest lengths outwards: a good one found early passes over the rest.
  for (size_t step = 0; step < buckets_.size() + m; ++step) {
    if (m + step < buckets_.size()) scan(m + step);
    if (step > 0 && step < m && m - step < buckets_.size()) scan(m - step);
  }
  const Best found = entry == UINT32_MAX ? Best{} : finish(word, entry);
  return best_of_others(word, found);
}

NameIndex::Best NameIndex::best_by_scan(std::u32string_view word) const {
  Best best;
  for (size_t i = 0; i < names_.size(); ++i) {
    const double score = name_likeness(word, decoded_[i]);
    if (best.entry == SIZE_MAX || score > best.score) best = {i, score};
  }
  return best;
}

}  // namespace dalgona::fake_follower
