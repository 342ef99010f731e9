#include "fake_follower/features.h"

#include <algorithm>
#include <functional>

#include "fake_follower/fold.h"
#include "fake_follower/fuzz.h"
#include "fake_follower/transliterate.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

namespace unicode = insights::unicode;

constexpr size_t kMostWords = 4;

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::u32string widen(std::string_view ascii) {
  return {ascii.begin(), ascii.end()};
}

std::u32string decode(std::string_view bytes) {
  // Four bytes make a character at most.
  std::u32string text = unicode::from_utf8(bytes.substr(0, kLongestName * 4));
  if (text.size() > kLongestName) text.resize(kLongestName);
  return text;
}

bool has_separator(std::u32string_view handle) {
  return std::any_of(handle.begin(), handle.end(), [](char32_t c) { return c == '_' || c == '-' || c == '.'; });
}

// Both without spaces, so that the token ratios are the plain ratio but for rounding.
double likeness(std::u32string_view handle, std::u32string_view name, double at_least) {
  const size_t length = handle.size() + name.size();
  const size_t distance = length - 2 * common_subsequence(handle, name);
  const double sort = ratio_of(distance, length);
  const double set = handle.empty() || name.empty() ? 0 : set_ratio_of(distance, length);
  if ((2 * 100.0 + sort + set) / 4 < at_least) return 0;
  return (2 * partial_ratio(handle, name) + sort + set) / 4;
}

}  // namespace

std::string clean(std::string_view latin) {
  std::string out;
  for (const char c : latin) {
    if (c == '_' || c == '-' || c == '.' || c == ' ' || (c >= '\t' && c <= '\r'))
      out.push_back(' ');
    else if ((c | 32) >= 'a' && (c | 32) <= 'z')
      out.push_back(static_cast<char>(c | 32));
  }
  const size_t first = out.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(' ') - first + 1);
}

double handle_similarity(std::string_view cleaned_handle, std::string_view cleaned_name) {
  std::u32string handle = widen(cleaned_handle);
  std::erase(handle, U' ');
  auto words = words_of(cleaned_name);
  double best = 0;
  if (words.size() > kMostWords) {
    for (const auto word : words) best = std::max(best, likeness(handle, widen(word), best));
    return best;
  }
  std::sort(words.begin(), words.end());
  do {
    std::u32string name;
    for (const auto word : words) name.append(word.begin(), word.end());
    best = std::max(best, likeness(handle, name, best));
  } while (best < 100 && std::next_permutation(words.begin(), words.end()));
  return best;
}

double rule_score(const Features& f, RuleOrder order) {
  const bool unlike = f.similarity > 0 && f.similarity <= 40;
  if (f.foreign_script) return 1;
  if (order == RuleOrder::kSimilarityEarly && unlike) return 0.33;
  if (f.handle_digits > 4) return 1;
  if (f.separator_rule == 1) return 1;
  if (order == RuleOrder::kSimilarityLast && unlike) return 0.33;
  return 0;
}

FeatureExtractor::FeatureExtractor(std::shared_ptr<const NameIndex> names, FeatureOptions options)
    : names_(std::move(names)), options_(options), remembered_(options.remember) {}

double FeatureExtractor::word_score(std::string_view word) {
  const auto look_up = [&] {
    const std::u32string wide = widen(word);
    return (options_.search == NameSearch::kScan ? names_->best_by_scan(wide) : names_->best(wide)).score;
  };
  if (remembered_.empty()) return look_up();
  Remembered& place = remembered_[std::hash<std::string_view>{}(word) % remembered_.size()];
  if (place.word != word || word.empty()) {
    place.score = look_up();
    place.word = word;
  }
  return place.score;
}

Features FeatureExtractor::extract(std::string_view handle_bytes, std::string_view name_bytes) {
  Features f;
  const std::u32string handle = decode(handle_bytes);
  const std::u32string name = fold(decode(name_bytes));
  f.folded = unicode::to_utf8(name);
  f.foreign_script = has_foreign_script(name);
  f.cleaned_handle = clean(to_latin(fold(handle)));
  f.cleaned_name = clean(to_latin(name));
  f.handle_digits = static_cast<int>(
      std::count_if(handle.begin(), handle.end(), [](char32_t c) { return unicode::is(c, unicode::kDigit); }));
  f.similarity = handle_similarity(f.cleaned_handle, f.cleaned_name);
  const auto words = words_of(f.cleaned_name);
  if (has_separator(handle)) f.separator_rule = words.size() > 1 ? 0 : f.similarity > 80 ? 0 : 1;
  if (words.empty()) {
    f.name_score = 1;
  } else {
    f.name_score = word_score(words.front());
    // The original's "last name" is the second word: "dr ganesh pillai mbbs" is looked up as dr and ganesh.
    if (words.size() > 1) f.name_score = std::max(f.name_score, word_score(words[1]));
  }
  f.score = rule_score(f, options_.order);
  return f;
}

}  // namespace dalgona::fake_follower
