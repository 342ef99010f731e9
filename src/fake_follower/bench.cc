#include "base/bench.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
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
#include "fake_follower/configured_files.h"
#include "fake_follower/features.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

namespace unicode = insights::unicode;
using Twister = std::mt19937;  // its numbers are the same everywhere

size_t below(Twister& random, size_t bound) {
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
std::string mistyped(std::string word, Twister& random) {
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
  Twister random(11);
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
  Twister random(12);
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

struct NamedHandle {
  std::string handle, name;
};

// Made-up followers: names by rank as people bear them (Zipf), some mistyped, some in fancy letters, in Indic or
// foreign scripts, handles made of the name or of anything.
class Crowd {
 public:
  Crowd() : names_(shipped_names()) {
    Twister shuffle(21);
    std::shuffle(names_.begin(), names_.end(), shuffle);
  }

  NamedHandle next() {
    NamedHandle follower;
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
  Twister random_{22};
};

bench::Result run_followers(const bench::Options& options) {
  constexpr size_t kNames = 35'000, kFollowers = 200'000, kScanned = 40;
  const auto names = list_of(kNames);
  const auto index = std::make_shared<const NameIndex>(names);
  Crowd crowd;
  std::vector<NamedHandle> followers;
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

// A file that is gone when this is.
class TemporaryFile {
 public:
  TemporaryFile()
      : path_(std::filesystem::temp_directory_path() / fmt::format("dalgona-followers-{}.ndjson", ::getpid())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Run {
  double seconds = 0, cpu_seconds = 0, mebibytes = 0;  // the largest resident memory
};

// `dalgona fake-follower score` as a user runs it, its answers to /dev/null.
Run score_file(const std::filesystem::path& file) {
  const std::string program = self_path();
  Run run;
  run.seconds = bench::seconds([&] {
    const pid_t child = ::fork();
    if (child < 0) throw Retryable("fork failed");
    if (child == 0) {
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(nowhere, STDOUT_FILENO);
      ::dup2(nowhere, STDERR_FILENO);
      ::execl(program.c_str(), program.c_str(), "fake-follower", "score", "--input", "ndjson", "--output", "ndjson",
              "--threads", "2", file.c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    if (::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
      throw Permanent("fake-follower score failed on the bench's file");
    const auto of = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    run.cpu_seconds = of(usage.ru_utime) + of(usage.ru_stime);
    run.mebibytes = static_cast<double>(usage.ru_maxrss) / 1024;
  });
  return run;
}

// NDJSON of made-up followers: handle and name, and, with counts, all that the learned score looks at.
void write_crowd(const std::filesystem::path& file, size_t followers, bool counts) {
  std::ofstream out(file, std::ios::binary);
  Crowd crowd;
  Twister random(23);
  const auto any = [&](size_t bound) { return below(random, bound); };
  for (size_t i = 0; i < followers; ++i) {
    const NamedHandle follower = crowd.next();
    out << fmt::format("{{\"follower_handle\":\"{}\",\"follower_full_name\":\"{}\"", follower.handle, follower.name);
    if (counts)
      out << fmt::format(
          ",\"followers\":{},\"followings\":{},\"posts\":{},\"bio_length\":{},\"has_picture\":{},\"is_private\":{}",
          any(2000), any(5000), any(200), any(150), any(10) > 0, any(2) > 0);
    out << "}\n";
  }
  if (!out.flush()) throw Retryable("the bench's file could not be written: is the disk full?");
}

bench::Result run_follower_file(const bench::Options& options) {
  constexpr size_t kFollowers = 2'000'000;
  constexpr double kLimit = 15;
  const TemporaryFile file;
  options.say(fmt::format("writing {} followers to {}", kFollowers, file.path().string()));
  write_crowd(file.path(), kFollowers, false);
  const auto megabytes = [&] { return static_cast<double>(std::filesystem::file_size(file.path())) / 1e6; };
  const double size = megabytes();
  std::vector<double> seconds, cpu_seconds;
  double mebibytes = 0;
  const int runs = std::min(options.runs, 3);
  for (int i = 0; i < runs; ++i) {
    const Run run = score_file(file.path());
    seconds.push_back(run.seconds);
    cpu_seconds.push_back(run.cpu_seconds);
    mebibytes = std::max(mebibytes, run.mebibytes);
  }
  const double median = bench::median(seconds);
  options.say("the same with the counts of each account");
  write_crowd(file.path(), kFollowers, true);
  const Run with_counts = score_file(file.path());
  return {.value = median,
          .unit = "s",
          .peer = "15 s, what it may take (a limit, not measured)",
          .peer_value = kLimit,
          .lower_is_better = true,
          .runs = runs,
          .details = {{"followers", fmt::format("{}, {:.0f} MB of NDJSON, two threads", kFollowers, size)},
                      {"from end to end", fmt::format("{:.2f} s, {:.0f} followers/s", median, kFollowers / median)},
                      {"processor time", fmt::format("{:.2f} s", bench::median(cpu_seconds))},
                      {"largest resident memory", fmt::format("{:.0f} MiB", mebibytes)},
                      {"with counts, so with a learned score",
                       fmt::format("{:.2f} s, {:.2f} s of processor time, {:.0f} MB of NDJSON, {:.0f} MiB, one run",
                                   with_counts.seconds, with_counts.cpu_seconds, megabytes(), with_counts.mebibytes)}}};
}

}  // namespace

void register_benches(bench::Registry& registry) {
  registry.add("followers", "All features of a follower against 35,000 names, one core", run_followers);
  registry.add("follower-file", "Two million followers through fake-follower score, two threads", run_follower_file);
  registry.add("fuzz-search", "The most similar of 50,000 names, exactly", run_fuzz_search);
}

}  // namespace dalgona::fake_follower
