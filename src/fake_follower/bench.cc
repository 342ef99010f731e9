#include "base/bench.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <unordered_set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "fake_follower/cli.h"
#include "fake_follower/features.h"
#include "fake_follower/name_files.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

namespace unicode = insights::unicode;
using Random = std::mt19937;  // its numbers are the same everywhere

size_t below(Random& random, size_t bound) {
  return random() % bound;
}

std::vector<std::string> shipped_names() {
  std::vector<std::string> names = read_names(resource("config/names/given.txt"));
  for (auto& name : read_names(resource("config/names/family.txt"))) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// A slip of the fingers: one letter changed, dropped, doubled or swapped with the next.
std::string mistyped(std::string word, Random& random) {
  const size_t at = below(random, word.size());
  switch (below(random, 4)) {
    case 0:
      word[at] = static_cast<char>('a' + below(random, 26));
      break;
    case 1:
      if (word.size() > 2) word.erase(at, 1);
      break;
    case 2:
      word.insert(at, 1, word[at]);
      break;
    default:
      if (at + 1 < word.size()) std::swap(word[at], word[at + 1]);
  }
  return word;
}

// The names that ship and, up to `count`, mistyped ones of them.
std::vector<std::string> list_of(size_t count) {
  std::vector<std::string> names = shipped_names();
  Random random(11);
  std::shuffle(names.begin(), names.end(), random);
  const size_t real = names.size();
  std::unordered_set<std::string> seen(names.begin(), names.end());
  while (names.size() < count) {
    std::string name = mistyped(names[below(random, real)], random);
    if (below(random, 2)) name = mistyped(name, random);
    if (name.size() >= 3 && seen.insert(name).second) names.push_back(std::move(name));
  }
  names.resize(count);
  return names;
}

// What is looked up: a third names of the list, a third mistyped ones, a third no names at all.
std::vector<std::u32string> words_to_find(const std::vector<std::string>& names, size_t count) {
  Random random(12);
  std::vector<std::u32string> words;
  for (size_t i = 0; i < count; ++i) {
    std::string word = names[below(random, names.size())];
    if (i % 3 == 1) word = mistyped(mistyped(word, random), random);
    if (i % 3 == 2) {
      word.clear();
      for (size_t n = 3 + below(random, 10); n > 0; --n) word.push_back(static_cast<char>('a' + below(random, 26)));
    }
    words.push_back(unicode::from_utf8(word));
  }
  return words;
}

bench::Result run_fuzz_search(const bench::Options& options) {
  constexpr size_t kNames = 50'000, kWords = 6'000, kScanned = 60;
  const auto names = list_of(kNames);
  const NameIndex index(names);
  const auto words = words_to_find(names, kWords);
  const auto timed = [&](size_t count, size_t first, size_t step, const auto& find) {
    std::vector<double> took;
    for (size_t i = first; i < count; i += step) took.push_back(bench::seconds([&] { find(words[i]); }) * 1e6);
    return took;
  };
  const auto fast = [&](const std::u32string& word) { index.best(word); };
  const auto scan = [&](const std::u32string& word) { index.best_by_scan(word); };
  for (size_t i = 0; i < kScanned; ++i) {
    const auto a = index.best(words[i]), b = index.best_by_scan(words[i]);
    if (a.entry != b.entry || a.score != b.score) throw Permanent("the search does not answer as the scan does");
  }
  timed(kWords, 0, 1, fast);
  const auto measured = bench::alternate(
      options.runs, [&] { return bench::median(timed(kWords, 0, 1, fast)); },
      [&] { return bench::median(timed(kScanned, 0, 1, scan)); });
  bench::Result result{.value = measured.ours,
                       .unit = "us a search (median)",
                       .peer = "plain linear scan of the list, bit-parallel ratios",
                       .peer_value = measured.peers,
                       .lower_is_better = true,
                       .runs = options.runs};
  result.details = {{"names", fmt::format("{}", index.size())}};
  constexpr std::array kKinds = {"names of the list", "names mistyped twice", "random letters"};
  for (size_t kind = 0; kind < kKinds.size(); ++kind) {
    auto took = timed(kWords, kind, kKinds.size(), fast);
    std::sort(took.begin(), took.end());
    result.details.emplace_back(
        kKinds[kind], fmt::format("median {:.2f} us, 99 % {:.1f} us, mean {:.2f} us", took[took.size() / 2],
                                  took[took.size() * 99 / 100],
                                  std::accumulate(took.begin(), took.end(), 0.0) / static_cast<double>(took.size())));
  }
  return result;
}

struct Follower {
  std::string handle, name;
};

// Made-up followers: names by rank as people bear them (Zipf), some mistyped, some in fancy letters, in Indic or
// foreign scripts, handles made of the name or of anything.
class Crowd {
 public:
  Crowd() : names_(shipped_names()) {
    Random shuffle(21);
    std::shuffle(names_.begin(), names_.end(), shuffle);
  }

  Follower next() {
    Follower follower;
    std::string first = pick(), last = pick();
    const size_t kind = below(random_, 100);
    if (kind < 15) first = mistyped(first, random_);
    follower.name = capital(first);
    if (below(random_, 10) < 7) follower.name += " " + capital(last);
    if (kind >= 90 && kind < 93) follower.name = fancy(follower.name);
    constexpr std::array kIndic = {"राहुल शर्मा", "प्रिया", "সৌরভ দাস", "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", "મહેશ પટેલ",
                                   "கார்த்திக்",   "వెంకటేష్", "ಮಂಜುನಾಥ್",  "ശ്രീജിത്ത്",    "محمد علی"};
    if (kind >= 93 && kind < 98) follower.name = kIndic[below(random_, kIndic.size())];
    if (kind == 98) follower.name = "王小明";
    if (kind == 99) follower.name = "😀🎉";
    const size_t form = below(random_, 8);
    follower.handle = form < 5 ? first : pick();
    if (form == 1 || form == 2) follower.handle += (form == 1 ? "_" : ".") + last;
    if (form == 3) follower.handle += last;
    if (form >= 4) follower.handle += std::to_string(below(random_, form == 7 ? 99'999'999 : 999));
    return follower;
  }

 private:
  const std::string& pick() {
    const double rank = std::exp(std::log(static_cast<double>(names_.size())) * (random_() / 4294967296.0));
    return names_[std::min(names_.size() - 1, static_cast<size_t>(rank) - 1)];
  }
  static std::string capital(std::string word) {
    word[0] = static_cast<char>(word[0] - 'a' + 'A');
    return word;
  }
  static std::string fancy(std::string_view plain) {
    std::u32string out;
    for (const char c : plain)
      out.push_back(c >= 'a' && c <= 'z'   ? U'\U0001D41A' + static_cast<char32_t>(c - 'a')
                    : c >= 'A' && c <= 'Z' ? U'\U0001D400' + static_cast<char32_t>(c - 'A')
                                           : static_cast<char32_t>(c));
    return unicode::to_utf8(out);
  }

  std::vector<std::string> names_;
  Random random_{22};
};

bench::Result run_followers(const bench::Options& options) {
  constexpr size_t kNames = 35'000, kFollowers = 200'000, kScanned = 40;
  const auto names = list_of(kNames);
  const auto index = std::make_shared<const NameIndex>(names);
  Crowd crowd;
  std::vector<Follower> followers;
  for (size_t i = 0; i < kFollowers; ++i) followers.push_back(crowd.next());
  const auto rate = [&](FeatureExtractor& extractor, size_t count) {
    const double took = bench::seconds([&] {
      for (size_t i = 0; i < count; ++i) extractor.extract(followers[i].handle, followers[i].name);
    });
    return static_cast<double>(count) / took;
  };
  const auto fresh = [&](FeatureOptions feature_options, size_t count) {
    FeatureExtractor extractor(index, feature_options);
    return rate(extractor, count);
  };
  const auto measured = bench::alternate(
      options.runs, [&] { return fresh({}, kFollowers); },
      [&] { return fresh({.search = NameSearch::kScan, .remember = 0}, kScanned); });
  bench::Result result{.value = measured.ours,
                       .unit = "followers/s a core",
                       .peer = "the same features with a plain linear scan of the list for every word",
                       .peer_value = measured.peers,
                       .runs = options.runs};
  result.details = {
      {"names in the list", fmt::format("{}", index->size())},
      {"followers", fmt::format("{} made up, each run begins with an empty memory of words", kFollowers)},
      {"without the memory of words", fmt::format("{:.0f} followers/s", fresh({.remember = 0}, kFollowers / 4))}};
  return result;
}

}  // namespace

void register_benches(bench::Registry& registry) {
  registry.add("followers", "All features of a follower against 35,000 names, one core", run_followers);
  registry.add("fuzz-search", "The most similar of 50,000 names, exactly", run_fuzz_search);
}

}  // namespace dalgona::fake_follower
