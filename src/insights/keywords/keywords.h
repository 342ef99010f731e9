// Keywords of a text: YAKE (Campos et al., Information Sciences 509, 2020), unsupervised, from the text alone.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "insights/keywords/segment.h"
#include "insights/keywords/stop_words.h"

namespace dalgona::insights {

enum class TextMode {
  kProduct,    // right for all scripts, knows addresses, mentions, hashtags, emoji; the default
  kReference,  // exactly as the reference implementation 0.6.0, its blindness to combining marks included
};

enum class Dedup { kSeqm, kLevs, kJaro };

struct KeywordOptions {
  int n = 3;       // longest keyword, in words: 1 to 16
  int window = 1;  // co-occurrence, in words before: 1 to 64
  Dedup dedup = Dedup::kSeqm;
  double dedup_limit = 0.9;  // a candidate more similar than this to a kept one is dropped; 1 or more: none is
  int top = 20;
  TextMode mode = TextMode::kProduct;
};

struct Keyword {
  std::string text;
  double score = 0;  // the lower, the more relevant; never NaN
};

// Keeps its memory between texts, so one for each thread is fast. Time is linear in the text.
class KeywordExtractor {
 public:
  // Throws InvalidInput for options out of range.
  KeywordExtractor(KeywordOptions options, std::shared_ptr<const StopWords> stop_words);
  ~KeywordExtractor();
  KeywordExtractor(KeywordExtractor&&) noexcept;

  // Any bytes; ill-formed UTF-8 is read as U+FFFD. Best first.
  std::vector<Keyword> extract(std::string_view utf8);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "seqm", "levs" (or "leve"), "jaro". Throws InvalidInput.
Dedup parse_dedup(std::string_view name);

}  // namespace dalgona::insights
