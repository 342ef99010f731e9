// From labelled accounts to a model: penalties, calibration and verdicts chosen by cross-validation. Deterministic: the
// same accounts in the same order, options and seed give the same model, however many threads there are.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/model.h"

namespace dalgona::fake_follower {

struct Example {
  Account account;  // everything known
  bool fake = false;
};

// A list of objects with userFollowerCount, userFollowingCount, userBiographyLength, userMediaCount, userHasProfilPic,
// userIsPrivate, usernameDigitCount, usernameLength (the InstaFake data set's names) and, if there, isFake, which must
// agree with `fake`. Throws InvalidInput naming `name`, the record (from 1) and the field.
std::vector<Example> read_examples(std::string_view text, std::string_view name, bool fake);

struct TrainingOptions {
  uint64_t seed = 1;
  int folds = 5;
  int repeats = 3;  // of the cross-validation that tunes and calibrates
  int knots = 2;    // bends of each count, at equal shares of the accounts; 0: straight lines
  std::vector<double> penalties{0.3, 1, 3, 10, 30};
  int threads = 1;
};

// The verdicts' rule: Chow's (1970), abstain where a call would be wrong too often, with proof asked for. An account is
// called real when its chance of being fake is under kRealUntil, and fake from kFakeFrom on; and only as far as the
// out-of-fold accounts beyond the threshold prove it: at least kRealShare of them real, kFakeShare of them fake, by the
// lower end of their 90 % Wilson interval. Inputs that prove nothing earn no verdict. Between the two it abstains,
// except that, where real can be told at all, up to a chance of one in three it says weak: probably real, yet not
// clean.
constexpr double kRealUntil = 0.1, kRealShare = 0.95, kFakeFrom = 0.8, kFakeShare = 0.85, kWeakBelow = 1.0 / 3;

// One variant for each of `sets`; the default is all 64, which Model::parse asks for. Throws InvalidInput when either
// kind has fewer than two accounts for each fold.
Model train(std::span<const Example> examples, const TrainingOptions& options, std::span<const Known> sets = {});

// Folds of the examples, 0 to folds - 1: each has its share of fakes, and accounts that are equal in everything share
// a fold, or the model would be tested on what it was trained on.
std::vector<int> stratified_folds(std::span<const Example> examples, int folds, uint64_t seed);

// Sets the thresholds of `variant` by that rule from out-of-fold probabilities; each account is there `repeats` times
// and counts once.
void choose_verdicts(std::span<const double> probabilities, std::span<const double> labels, int repeats,
                     Variant& variant);

struct Interval {
  double value = 0, low = 0, high = 0;
};
// Wilson's interval of a share, `z` standard deviations wide on each side; 0 to 1 for no trial.
Interval wilson(double hits, double trials, double z = 1.959963984540054);

// Runs f(0) to f(count - 1) on `threads` threads; rethrows what one of them threw.
void in_parallel(size_t count, int threads, const std::function<void(size_t)>& f);

// Seeds, shuffles and draws alike on every machine, unlike the standard distributions (splitmix64, Steele 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  size_t below(size_t bound);  // bound > 0

 private:
  uint64_t state_;
};

}  // namespace dalgona::fake_follower
