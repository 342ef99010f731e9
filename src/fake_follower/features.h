// What a follower's handle and display name say about whether a person stands behind them: the original's features and
// rule score, exactly.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/name_index.h"

namespace dalgona::fake_follower {

struct Features {
  std::string folded;  // the name without fancy letters
  bool foreign_script = false;
  std::string cleaned_handle;  // a to z and spaces
  std::string cleaned_name;    // the same, in Latin letters
  int separator_rule = 2;      // 0 real, 1 fake, 2 says nothing
  int handle_digits = 0;
  double similarity = 0;  // of handle and name, 0 to 100
  double name_score =
      0;  // of the first or second word with the list, 0 to 100; 1 when there is no name, as the original has it
  double score = 0;  // 0 real, 0.33 weak, 1 fake
};

enum class RuleOrder {
  kSimilarityEarly,  // foreign script, low similarity, digits, separators
  kSimilarityLast,   // foreign script, digits, separators, low similarity
};

enum class NameSearch {
  kIndex,  // NameIndex::best
  kScan,   // NameIndex::best_by_scan: the same answers, what the index is measured against
};

struct FeatureOptions {
  RuleOrder order = RuleOrder::kSimilarityEarly;
  NameSearch search = NameSearch::kIndex;
  size_t remember = size_t{1} << 15;  // words whose name score is kept; 0: none
};

// Names and handles are looked at up to this many characters; Instagram allows 30 and 64.
constexpr size_t kLongestName = 256;

// Keeps a bounded memory of words already looked up: one for each thread.
class FeatureExtractor {
 public:
  explicit FeatureExtractor(std::shared_ptr<const NameIndex> names, FeatureOptions options = {});
  // Any bytes; ill-formed UTF-8 is read as U+FFFD.
  Features extract(std::string_view handle, std::string_view full_name);

 private:
  double word_score(std::string_view word);

  struct Remembered {
    std::string word;
    double score = 0;
  };
  std::shared_ptr<const NameIndex> names_;
  FeatureOptions options_;
  std::vector<Remembered> remembered_;
};

// [_-.] to space, what is not a letter or a space dropped, lower case, trimmed. `latin` is ASCII.
std::string clean(std::string_view latin);
// (2 * partial_ratio + token_sort_ratio + token_set_ratio) / 4 of the handle with the name's words in every order,
// spaces removed; of a name of more than four words, with each word alone.
double handle_similarity(std::string_view cleaned_handle, std::string_view cleaned_name);
double rule_score(const Features& features, RuleOrder order);

}  // namespace dalgona::fake_follower
