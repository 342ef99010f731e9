// How good the learned score is on accounts it has not seen: repeated, stratified, nested cross-validation, beside the
// rule score, the majority, straight lines and boosted trees.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "fake_follower/training.h"

namespace dalgona::fake_follower {

struct EvaluationOptions {
  TrainingOptions training;  // the inner cross-validation: tunes, calibrates, chooses verdicts
  int repeats = 10;          // of the outer one, which has as many folds as the inner
  int resamples = 1000;      // of the bootstrap
};

// All with 95 % intervals: percentiles of a bootstrap over accounts, each account with all its repeats. That of the
// calibration error lies high, since resampling adds noise that counts as error: read it as an upper bound.
struct Figures {
  Interval f1, precision, recall;  // of calling fake at a probability of one half
  Interval auc, accuracy, log_loss;
  Interval calibration_error;  // expected calibration error, ten bins of equal share
};
struct Contender {
  std::string name;
  Figures figures;
  // Log loss against the best contender's, account by account: mean and its standard error.
  double behind = 0, behind_error = 0;
};
// What the verdicts are worth: accounts, mean of the repeats.
struct VerdictCounts {
  std::array<double, kVerdicts> of_fake{}, of_real{};
};
// The model where only some inputs are known.
struct View {
  Known known = kKnowsAll;
  Figures figures;
  VerdictCounts verdicts;
};
struct ReliabilityBin {
  double mean_probability = 0, accounts = 0;
  Interval fake;  // share; Wilson
};
// Fakes of one kind, scored by a model that saw none of that kind in training: how far it reaches beyond what it knows.
struct UnseenKind {
  std::string kind;
  uint64_t accounts = 0;
  Interval recall;  // of calling fake at one half; Wilson
};
struct Evaluation {
  uint64_t fake = 0, real = 0, doubles = 0;  // accounts; those equal to an earlier one
  std::vector<Contender> contenders;         // simplest first
  std::string chosen;                        // the simplest that is no more than one standard error behind the best
  std::vector<View> views;                   // the first one knows all
  std::vector<ReliabilityBin> reliability;   // of the first view
  std::vector<UnseenKind> unseen;            // fakes that follow few and fakes that follow many, split at the median
};

Evaluation evaluate(std::span<const Example> examples, const EvaluationOptions& options);

// Means over equal parts of the accounts sorted by probability; equal ones share a part. `probabilities` may hold
// several repeats.
std::vector<ReliabilityBin> reliability(std::span<const double> probabilities, std::span<const double> labels,
                                        size_t bins, int repeats);
// Sum over the bins of their share times the distance of mean probability and share of fakes.
double calibration_error(std::span<const double> probabilities, std::span<const double> labels, size_t bins);
// Without intervals.
struct Point {
  double f1 = 0, precision = 0, recall = 0, auc = 0, accuracy = 0, log_loss = 0, calibration_error = 0;
};
Point measure(std::span<const double> probabilities, std::span<const double> labels);

std::string to_json(const Evaluation& evaluation);
std::string to_table(const Evaluation& evaluation);

}  // namespace dalgona::fake_follower
