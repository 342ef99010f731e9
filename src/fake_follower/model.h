// The learned score: a logistic model with bends, one variant for each set of things that may be known of an account,
// so that what is missing is never made up. Trained by training.h; this is all that scoring needs.
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/account.h"

namespace dalgona::fake_follower {

enum class Verdict : uint8_t { kReal, kWeak, kFake, kUnsure };
constexpr size_t kVerdicts = 4;
std::string_view name_of(Verdict verdict);  // "real"

struct Prediction {
  double probability = 0;  // that the account is fake, calibrated on accounts like those trained on
  Verdict verdict = Verdict::kUnsure;
  Known known = kKnowsHandleOnly;
  // Log-odds that each input adds (towards fake) or takes, against the average account trained on; 0 when not known.
  std::array<double, kInputs> contributions{};
};

struct Reason {
  Input input{};
  double weight = 0;  // log-odds; above 0 speaks for fake
  std::string text;   // "follows 4,651 accounts"
};
// The inputs that weigh most, at most `most`, heaviest first; those under 0.1 are left out.
std::vector<Reason> reasons(const Account& account, const Prediction& prediction, size_t most = 3);
// What is missing, in words: "followers, posts"; "" when nothing is.
std::string unknown_in_words(Known known);

// How one input becomes columns: t = log(1 + value) for counts, the value itself for the rest; then t and, for each
// knot, max(0, t - knot); each minus its mean, divided by its standard deviation.
struct Scale {
  bool logarithm = false;
  std::vector<double> knots;              // ascending
  std::vector<double> means, deviations;  // of 1 + knots columns; deviations above 0
  size_t columns() const { return 1 + knots.size(); }
  // Appends columns() numbers.
  void append(double value, std::vector<double>& row) const;
};

// The model for one set of known inputs.
struct Variant {
  double intercept = 0;
  std::vector<double> weights;  // columns of the known inputs, in their order; calibration is folded in
  double penalty = 0;           // chosen by cross-validation
  // Verdicts by probability: real below `real_below`, weak from there to `weak_below`, fake from `fake_from`, unsure
  // between the two. None: the inputs do not earn that verdict.
  std::optional<double> real_below, weak_below, fake_from;
  // Out of fold: calls at a probability of 0.5, of the fake and of the real ones, and the area under the curve.
  double true_fake = 0, missed_fake = 0, false_fake = 0, true_real = 0, auc = 0.5;

  Verdict verdict(double probability) const;
  // Whether it ever says anything but unsure.
  bool decides() const { return real_below || weak_below || fake_from; }
};

// Immutable once made; all of it is thread-safe.
class Model {
 public:
  static constexpr int kVersion = 1;

  struct Source {
    uint64_t fake = 0, real = 0;  // accounts
    std::string fake_sha256, real_sha256;
    uint64_t seed = 0;
  };

  Model(Source source, std::array<Scale, kInputs> scales, std::array<std::optional<Variant>, kKnownSets> variants);

  // Throws InvalidInput naming the file and what is wrong: no such model, damaged (checksum), of a newer version.
  static Model load(const std::filesystem::path& path);
  // `name` stands in errors.
  static Model parse(std::string_view text, std::string_view name);
  // Text that parse() reads back to the same predictions, bit by bit.
  std::string serialize() const;

  Prediction predict(const Account& account) const;
  const Variant& variant(Known known) const;  // throws Permanent when it was not trained
  // The same, telling which files it was trained on.
  Model with_files(std::string fake_sha256, std::string real_sha256) const;
  const Source& source() const { return source_; }
  const Scale& scale(Input input) const { return scales_[static_cast<size_t>(input)]; }

 private:
  Source source_;
  std::array<Scale, kInputs> scales_;
  std::array<std::optional<Variant>, kKnownSets> variants_;
};

// "sha256:..." of the bytes, lower-case hex.
std::string checksum_of(std::string_view bytes);

}  // namespace dalgona::fake_follower
