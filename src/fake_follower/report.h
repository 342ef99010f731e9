// One creator's followers taken together: shares of real, weak and fake by the rule and by the learned score, how sure
// they are, why, and samples to look at. Millions of followers in bounded memory, on several threads; the same
// followers in the same order give the same report, however many threads counted them.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/features.h"
#include "fake_follower/follower_input.h"
#include "fake_follower/model.h"
#include "fake_follower/training.h"

namespace dalgona::fake_follower {

// Why the rule calls a follower weak or fake: the first of these that holds.
enum class RuleReason : uint8_t { kForeignScript, kUnlikeName, kDigits, kSeparators };
constexpr size_t kRuleReasons = 4;
std::string_view in_words(RuleReason reason);

// The rule's 0, 0.33 and 1.
Verdict rule_verdict(double score);

struct Sample {
  std::string handle, full_name;  // UTF-8, cut to kLongestName characters
  uint64_t line = 0;
  double probability = 0;
  Verdict by_model{}, by_rule{};
  std::vector<std::string> reasons;
};

// Counts of one thread. Only whole numbers are added up, so that the order does not matter.
class FollowerTally {
 public:
  static constexpr size_t kBars = 20;  // of the histogram

  // Keeps `samples` followers of each verdict, by either score, drawn evenly by `seed`.
  FollowerTally(size_t samples, uint64_t seed) : most_samples_(samples), seed_(seed) {}

  void add(uint64_t line, const Follower& follower, const Features& features, const Prediction& prediction);
  void add_bad(uint64_t line, std::string_view reason);
  void merge(const FollowerTally& other);

  struct InputCounts {
    uint64_t known = 0;
    uint64_t reason_for_fake = 0;  // among the three heaviest reasons of one called fake, speaking for it
    uint64_t reason_for_real = 0;  // the same of one called real
  };
  struct SetCounts {
    uint64_t followers = 0, called_fake = 0;  // at a probability of one half
  };
  struct BadLine {
    uint64_t line = 0;
    std::string reason;
  };

  uint64_t followers = 0, bad = 0;
  std::array<uint64_t, kVerdicts> by_rule{}, by_model{};
  std::array<std::array<uint64_t, kVerdicts>, kVerdicts> rule_and_model{};  // [rule][model]
  std::array<std::array<uint64_t, kVerdicts>, kBars> histogram{};  // of the probability, by the model's verdict
  std::array<uint64_t, kRuleReasons> rule_reasons{};
  std::array<InputCounts, kInputs> inputs{};
  std::array<SetCounts, kKnownSets> sets{};
  std::vector<BadLine> bad_lines;  // the first ten

  double mean_probability() const;
  // In the order of their lines.
  std::vector<Sample> samples_by_model(Verdict verdict) const;
  std::vector<Sample> samples_by_rule(Verdict verdict) const;

 private:
  // The `most` lowest draws of all seen: an even sample, whatever the order in which parts are merged.
  struct Drawn {
    uint64_t draw = 0;
    Sample sample;
  };
  using Reservoir = std::vector<Drawn>;
  void offer(Reservoir& reservoir, uint64_t draw, const Follower& follower, const Features& features,
             const Prediction& prediction, uint64_t line) const;
  void keep_lowest(Reservoir& reservoir) const;
  static std::vector<Sample> in_order(const Reservoir& reservoir);

  size_t most_samples_;
  uint64_t seed_;
  uint64_t probability_sum_ = 0;  // times 2^32
  std::array<Reservoir, kVerdicts> model_samples_, rule_samples_;
};

// The share of fakes behind the calls at one half, corrected for the calls that are wrong (Rogan and Gladen 1978):
// (called + specificity - 1) / (sensitivity + specificity - 1), for each set of known inputs with its own out-of-fold
// figures. The 95 % interval (delta method with two calls added to each count, as Lang and Reiczigel 2014 do) counts
// the sample of followers and the errors' own uncertainty, the latter taken as common to all sets. A set whose calls
// hardly tell fake from real (the two figures' sum under 1.1) leaves its followers' share open: 0 to 1.
struct CorrectedShare {
  Interval fake;
  double open = 0;  // share of the followers of which nothing can be told
};
CorrectedShare corrected_share(const FollowerTally& tally, const Model& model);
// The same from the figures themselves: `called` of `followers`, out-of-fold counts as Variant has them.
Interval rogan_gladen(double called, double followers, double true_fake, double missed_fake, double false_fake,
                      double true_real);

struct ReportInfo {
  std::string title;  // the creator; any text
};
std::string to_json(const FollowerTally& tally, const Model& model, const ReportInfo& info);
// One file, nothing loaded from elsewhere, no script; whatever followers put into their names is text in it.
std::string to_html(const FollowerTally& tally, const Model& model, const ReportInfo& info);

// For text and attributes in quotes: & < > " ' as entities, control characters and bytes that are no UTF-8 as U+FFFD.
std::string escape_html(std::string_view text);

}  // namespace dalgona::fake_follower
