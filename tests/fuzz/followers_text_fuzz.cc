// Any bytes as handle and name: every feature within its range.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fake_follower/features.h"
#include "fake_follower/findings.h"

using namespace dalgona::fake_follower;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto names = std::make_shared<const NameIndex>(std::vector<std::string>{
      "ravi", "asha", "kumar", "sharma", "lakshmi", "mary ann", "josé", "venkatanarasimharajuvaripeta"});
  static FeatureExtractor indexed(names), scanned(names, {.search = NameSearch::kScan, .remember = 0});
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t cut = std::min(bytes.find('\t'), size);
  const std::string_view handle = bytes.substr(0, cut), name = bytes.substr(std::min(cut + 1, size));
  const Features f = indexed.extract(handle, name);
  const auto within = [](double x) { return x >= 0 && x <= 100; };
  if (!within(f.similarity) || !within(f.name_score) || f.name_score != scanned.extract(handle, name).name_score)
    std::abort();
  if (f.score != 0 && f.score != 0.33 && f.score != 1) std::abort();
  if (findings(f, RuleOrder::kSimilarityEarly).empty()) std::abort();
  return 0;
}
