#include <ctime>
#include <fstream>
#include <functional>
#include <random>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/resources.h"
#include "insights/cli.h"
#include "insights/keywords/keywords.h"
#include "insights/keywords/unicode.h"

namespace dalgona::insights {
namespace {

// The Python reference, measured on the vectors' texts on a machine of two cores. It can't be run here.
constexpr double kReferenceCharactersPerSecond = 56'000;

std::filesystem::path data_folder() {
  if (const char* given = std::getenv("DALGONA_DATA")) return given;
  return resource_root() / "../shared/data";
}

// The vectors' texts; texts of the same kind, made up, where they are missing.
std::vector<std::string> texts(const bench::Options& options) {
  std::vector<std::string> found;
  std::ifstream file(data_folder() / "yake/vectors.jsonl");
  for (std::string line; std::getline(file, line);)
    found.emplace_back(boost::json::parse(line).as_object().at("text").as_string());
  if (!found.empty()) return found;
  options.say("no vectors (set DALGONA_DATA): made-up texts instead");
  constexpr const char* kWords[] = {"India",    "cricket", "the",      "new",    "trailer", "of",   "song",
                                    "official", "in",      "Mumbai",   "comedy", "and",     "food", "travel",
                                    "2018",     "for",     "creators", "with",   "music",   "live"};
  std::mt19937 random(1);
  for (int i = 0; i < 600; ++i) {
    std::string text;
    for (int w = 0; w < 80; ++w)
      text += std::string(kWords[random() % std::size(kWords)]) + (w % 12 == 11 ? ". " : " ");
    found.push_back(text);
  }
  return found;
}

// Processor time of this thread.
double thread_seconds(const std::function<void()>& f) {
  const auto now = [] {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  const double before = now();
  f();
  return now() - before;
}

bench::Result run_yake(const bench::Options& options) {
  const auto all = texts(options);
  size_t characters = 0, bytes = 0;
  std::string joined;
  for (const auto& text : all) {
    characters += unicode::from_utf8(text).size();
    bytes += text.size();
    joined += text + "\n\n";
  }
  const auto stop_words = StopWords::of_language("en");
  const auto extractor = [&](TextMode mode) { return KeywordExtractor({.top = 10, .mode = mode}, stop_words); };
  const auto rate = [&](KeywordExtractor& with, int rounds) {
    const double took = bench::seconds([&] {
      for (int round = 0; round < rounds; ++round)
        for (const auto& text : all) with.extract(text);
    });
    return static_cast<double>(characters) * rounds / took;
  };
  KeywordExtractor reference = extractor(TextMode::kReference), product = extractor(TextMode::kProduct);
  rate(reference, 1), rate(product, 1);
  const auto measured = bench::alternate(
      options.runs, [&] { return rate(reference, 10); }, [&] { return rate(product, 10); });
  bench::Result result{.value = measured.ours,
                       .unit = "characters/s",
                       .peer = "YAKE 0.6.0 in Python (a figure measured before, not in this run)",
                       .peer_value = kReferenceCharactersPerSecond,
                       .runs = options.runs};
  const double texts_per_second = measured.ours * static_cast<double>(all.size()) / static_cast<double>(characters);
  result.details = {
      {"texts", fmt::format("{} of {:.0f} bytes on average", all.size(), double(bytes) / double(all.size()))},
      {"reference mode", fmt::format("{:.0f} texts/s, {:.2f} MB/s", texts_per_second,
                                     measured.ours * double(bytes) / double(characters) / 1e6)},
      {"product mode (the default)", fmt::format("{:.2f} M characters/s", measured.peers / 1e6)}};
  // Linear in the text: time for each character must not grow. Of the thread alone, or a long text, which others
  // interrupt, would look slower than a short one.
  while (joined.size() < 4'000'000) joined += joined;
  const std::u32string letters = unicode::from_utf8(joined);
  for (const size_t size : {size_t{10'000}, size_t{100'000}, size_t{1'000'000}}) {
    const std::string text = unicode::to_utf8(std::u32string_view(letters).substr(0, size));
    for (const bool of_product : {false, true}) {
      KeywordExtractor& with = of_product ? product : reference;
      std::vector<double> took;
      for (int i = 0; i < std::max(options.runs, 3); ++i) took.push_back(thread_seconds([&] { with.extract(text); }));
      const double median = bench::median(took);
      result.details.emplace_back(
          fmt::format("one text of {} characters, {}", size, of_product ? "product" : "reference"),
          fmt::format("{:.1f} ms, {:.0f} ns a character", median * 1e3, median * 1e9 / double(size)));
    }
  }
  return result;
}

}  // namespace

void register_benches(bench::Registry& registry) {
  registry.add("yake", "Keywords of the vectors' texts, one core, against the Python reference's figure", run_yake);
}

}  // namespace dalgona::insights
