#include "fake_follower/model.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/errors.h"
#include "fake_follower/logistic.h"

namespace dalgona::fake_follower {
namespace {

constexpr double kLeastReason = 0.1;

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string counted(double number, std::string_view one, std::string_view many) {
  if (number == 0) return fmt::format("no {}", one);
  return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

std::string in_words(Input input, double value) {
  switch (input) {
    case Input::kHandleDigits:
      return counted(value, "digit in the handle", "digits in the handle");
    case Input::kHandleLength:
      return fmt::format("a handle of {}", counted(value, "character", "characters"));
    case Input::kFollowers:
      return counted(value, "follower", "followers");
    case Input::kFollowings:
      return value == 0 ? "follows nobody" : "follows " + counted(value, "account", "accounts");
    case Input::kPosts:
      return counted(value, "post", "posts");
    case Input::kBioLength:
      return value == 0 ? "no biography" : fmt::format("a biography of {}", counted(value, "character", "characters"));
    case Input::kHasPicture:
      return value == 0 ? "no profile picture" : "a profile picture";
    case Input::kIsPrivate:
      return value == 0 ? "a public account" : "a private account";
  }
  return {};
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  static constexpr std::array<std::string_view, kVerdicts> kNames{"real", "weak", "fake", "unsure"};
  return kNames[static_cast<size_t>(verdict)];
}

std::vector<Reason> reasons(const Account& account, const Prediction& prediction, size_t most) {
  std::vector<Reason> found;
  const auto values = account.inputs();
  for (size_t i = 0; i < kInputs; ++i) {
    const double weight = prediction.contributions[i];
    if (std::abs(weight) >= kLeastReason) found.push_back({static_cast<Input>(i), weight, {}});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Reason& a, const Reason& b) { return std::abs(a.weight) > std::abs(b.weight); });
  if (found.size() > most) found.resize(most);
  for (Reason& reason : found) reason.text = in_words(reason.input, values[static_cast<size_t>(reason.input)]);
  return found;
}

std::string unknown_in_words(Known known) {
  static constexpr std::array<std::pair<Known, std::string_view>, 6> kWords{{{kKnowsFollowers, "followers"},
                                                                             {kKnowsFollowings, "followings"},
                                                                             {kKnowsPosts, "posts"},
                                                                             {kKnowsBio, "biography"},
                                                                             {kKnowsPicture, "picture"},
                                                                             {kKnowsPrivate, "private or public"}}};
  std::string out;
  for (const auto& [bit, word] : kWords) {
    if (known & bit) continue;
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

void Scale::append(double value, std::vector<double>& row) const {
  const double t = logarithm ? std::log1p(std::max(value, 0.0)) : value;
  row.push_back((t - means[0]) / deviations[0]);
  for (size_t k = 0; k < knots.size(); ++k)
    row.push_back((std::max(0.0, t - knots[k]) - means[k + 1]) / deviations[k + 1]);
}

Verdict Variant::verdict(double probability) const {
  if (real_below && probability < *real_below) return Verdict::kReal;
  if (fake_from && probability >= *fake_from) return Verdict::kFake;
  if (weak_below && probability < *weak_below) return Verdict::kWeak;
  return Verdict::kUnsure;
}

Model::Model(Source source, std::array<Scale, kInputs> scales, std::array<std::optional<Variant>, kKnownSets> variants)
    : source_(std::move(source)), scales_(std::move(scales)), variants_(std::move(variants)) {}

Model Model::with_files(std::string fake_sha256, std::string real_sha256) const {
  Model named = *this;
  named.source_.fake_sha256 = std::move(fake_sha256);
  named.source_.real_sha256 = std::move(real_sha256);
  return named;
}

const Variant& Model::variant(Known known) const {
  if (known >= kKnownSets || !variants_[known])
    throw Permanent(fmt::format("the model was not trained for the set of inputs {}", known));
  return *variants_[known];
}

Prediction Model::predict(const Account& account) const {
  Prediction prediction;
  prediction.known = account.known();
  const Variant& variant = this->variant(prediction.known);
  const auto values = account.inputs();
  double score = variant.intercept;
  thread_local std::vector<double> columns;
  size_t at = 0;
  for (size_t i = 0; i < kInputs; ++i) {
    if (!knows(prediction.known, static_cast<Input>(i))) continue;
    columns.clear();
    scales_[i].append(values[i], columns);
    double sum = 0;
    for (const double column : columns) sum += variant.weights[at++] * column;
    prediction.contributions[i] = sum;
    score += sum;
  }
  prediction.probability = logistic(score);
  prediction.verdict = variant.verdict(prediction.probability);
  return prediction;
}

std::string checksum_of(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string out = "sha256:";
  for (const unsigned char byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace dalgona::fake_follower
