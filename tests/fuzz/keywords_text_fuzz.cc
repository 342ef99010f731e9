// Any bytes as a text: keywords in both modes, each with a finite score.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "insights/keywords/keywords.h"

using namespace dalgona::insights;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A short list of its own: the program need not find the folder of lists.
  static const auto stop_words = std::make_shared<const StopWords>("the\nof\nand\na\nin\nto\nके\nका\n");
  static KeywordExtractor product({.top = 10, .mode = TextMode::kProduct}, stop_words);
  static KeywordExtractor reference({.top = 10, .mode = TextMode::kReference}, stop_words);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (KeywordExtractor* extractor : {&product, &reference})
    for (const Keyword& keyword : extractor->extract(text))
      if (std::isnan(keyword.score) || keyword.text.empty()) std::abort();
  return 0;
}
