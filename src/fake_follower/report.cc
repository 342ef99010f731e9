#include "fake_follower/report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/html.h"
#include "base/text.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

constexpr size_t kMostBadLines = 10;
constexpr double kFixedPoint = 4294967296.0;
constexpr double kLeastPower = 0.1;  // sensitivity + specificity - 1

RuleReason rule_reason(const Features& f) {
  if (f.foreign_script) return RuleReason::kForeignScript;
  if (f.score < 1) return RuleReason::kUnlikeName;
  return f.handle_digits > 4 ? RuleReason::kDigits : RuleReason::kSeparators;
}

std::string shortened(std::string_view text) {
  std::u32string decoded = insights::unicode::from_utf8(text.substr(0, kLongestName * 4));
  if (decoded.size() > kLongestName) decoded.resize(kLongestName);
  return insights::unicode::to_utf8(decoded);
}

}  // namespace

std::string_view in_words(RuleReason reason) {
  static constexpr std::array<std::string_view, kRuleReasons> kWords{
      "the name is in a script foreign to the audience", "handle and name are unlike",
      "more than four digits in the handle", "separators in the handle of a one-word name that is unlike it"};
  return kWords[static_cast<size_t>(reason)];
}

Verdict rule_verdict(double score) {
  if (score <= 0) return Verdict::kReal;
  return score < 1 ? Verdict::kWeak : Verdict::kFake;
}

void FollowerTally::add(uint64_t line, const Follower& follower, const Features& features,
                        const Prediction& prediction) {
  const Verdict rule = rule_verdict(features.score), model = prediction.verdict;
  const auto r = static_cast<size_t>(rule), m = static_cast<size_t>(model);
  ++followers;
  ++by_rule[r];
  ++by_model[m];
  ++rule_and_model[r][m];
  const auto bar = static_cast<size_t>(prediction.probability * kBars);
  ++histogram[std::min(bar, kBars - 1)][m];
  if (rule != Verdict::kReal) ++rule_reasons[static_cast<size_t>(rule_reason(features))];
  probability_sum_ += static_cast<uint64_t>(std::llround(prediction.probability * kFixedPoint));
  SetCounts& set = sets[prediction.known];
  ++set.followers;
  if (prediction.probability >= 0.5) ++set.called_fake;

  std::array<size_t, kInputs> order{};
  for (size_t i = 0; i < kInputs; ++i) {
    order[i] = i;
    if (knows(prediction.known, static_cast<Input>(i))) ++inputs[i].known;
  }
  if (model == Verdict::kFake || model == Verdict::kReal) {
    const auto weight = [&](size_t i) { return std::abs(prediction.contributions[i]); };
    std::partial_sort(order.begin(), order.begin() + 3, order.end(),
                      [&](size_t a, size_t b) { return weight(a) != weight(b) ? weight(a) > weight(b) : a < b; });
    for (size_t k = 0; k < 3; ++k) {
      const double contribution = prediction.contributions[order[k]];
      if (model == Verdict::kFake && contribution > 0) ++inputs[order[k]].reason_for_fake;
      if (model == Verdict::kReal && contribution < 0) ++inputs[order[k]].reason_for_real;
    }
  }
  const uint64_t draw = Random(seed_ ^ (line * 0x9e3779b97f4a7c15)).next();
  offer(model_samples_[m], draw, follower, features, prediction, line);
  offer(rule_samples_[r], draw, follower, features, prediction, line);
}

void FollowerTally::add_bad(uint64_t line, std::string_view reason) {
  ++bad;
  if (bad_lines.size() < kMostBadLines) bad_lines.push_back({line, to_utf8_lossy(reason.substr(0, 200))});
}

void FollowerTally::merge(const FollowerTally& other) {
  followers += other.followers;
  bad += other.bad;
  probability_sum_ += other.probability_sum_;
  for (size_t v = 0; v < kVerdicts; ++v) {
    by_rule[v] += other.by_rule[v];
    by_model[v] += other.by_model[v];
    for (size_t w = 0; w < kVerdicts; ++w) rule_and_model[v][w] += other.rule_and_model[v][w];
    for (size_t bar = 0; bar < kBars; ++bar) histogram[bar][v] += other.histogram[bar][v];
    for (const auto member : {&FollowerTally::model_samples_, &FollowerTally::rule_samples_}) {
      Reservoir& reservoir = (this->*member)[v];
      const Reservoir& more = (other.*member)[v];
      reservoir.insert(reservoir.end(), more.begin(), more.end());
      keep_lowest(reservoir);
    }
  }
  for (size_t i = 0; i < kRuleReasons; ++i) rule_reasons[i] += other.rule_reasons[i];
  for (size_t i = 0; i < kInputs; ++i) {
    inputs[i].known += other.inputs[i].known;
    inputs[i].reason_for_fake += other.inputs[i].reason_for_fake;
    inputs[i].reason_for_real += other.inputs[i].reason_for_real;
  }
  for (size_t s = 0; s < kKnownSets; ++s) {
    sets[s].followers += other.sets[s].followers;
    sets[s].called_fake += other.sets[s].called_fake;
  }
  bad_lines.insert(bad_lines.end(), other.bad_lines.begin(), other.bad_lines.end());
  std::sort(bad_lines.begin(), bad_lines.end(), [](const BadLine& a, const BadLine& b) { return a.line < b.line; });
  if (bad_lines.size() > kMostBadLines) bad_lines.resize(kMostBadLines);
}

double FollowerTally::mean_probability() const {
  return followers == 0 ? 0 : static_cast<double>(probability_sum_) / kFixedPoint / static_cast<double>(followers);
}

void FollowerTally::offer(Reservoir& reservoir, uint64_t draw, const Follower& follower, const Features& features,
                          const Prediction& prediction, uint64_t line) const {
  if (most_samples_ == 0) return;
  // A heap with the highest draw on top: most followers are turned away by one comparison.
  const auto lower = [](const Drawn& a, const Drawn& b) { return a.draw < b.draw; };
  if (reservoir.size() == most_samples_) {
    if (draw >= reservoir.front().draw) return;
    std::pop_heap(reservoir.begin(), reservoir.end(), lower);
    reservoir.pop_back();
  }
  Sample sample{shortened(follower.handle), shortened(follower.full_name), line, prediction.probability,
                prediction.verdict,         rule_verdict(features.score),  {}};
  for (const Reason& reason : reasons(follower.account, prediction))
    sample.reasons.push_back(
        fmt::format("{} ({} {:.1f})", reason.text, reason.weight > 0 ? "fake" : "real", std::abs(reason.weight)));
  if (sample.by_rule != Verdict::kReal)
    sample.reasons.push_back(fmt::format("rule: {}", in_words(rule_reason(features))));
  reservoir.push_back({draw, std::move(sample)});
  std::push_heap(reservoir.begin(), reservoir.end(), lower);
}

void FollowerTally::keep_lowest(Reservoir& reservoir) const {
  const auto lower = [](const Drawn& a, const Drawn& b) { return a.draw < b.draw; };
  std::sort(reservoir.begin(), reservoir.end(), lower);
  if (reservoir.size() > most_samples_) reservoir.resize(most_samples_);
  std::make_heap(reservoir.begin(), reservoir.end(), lower);
}

std::vector<Sample> FollowerTally::in_order(const Reservoir& reservoir) {
  std::vector<Sample> samples;
  for (const Drawn& drawn : reservoir) samples.push_back(drawn.sample);
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.line < b.line; });
  return samples;
}

std::vector<Sample> FollowerTally::samples_by_model(Verdict verdict) const {
  return in_order(model_samples_[static_cast<size_t>(verdict)]);
}

std::vector<Sample> FollowerTally::samples_by_rule(Verdict verdict) const {
  return in_order(rule_samples_[static_cast<size_t>(verdict)]);
}

Interval rogan_gladen(double called, double followers, double true_fake, double missed_fake, double false_fake,
                      double true_real) {
  constexpr double z = 1.959963984540054;
  const double fakes = true_fake + missed_fake, reals = false_fake + true_real;
  if (followers <= 0 || fakes <= 0 || reals <= 0) return {0, 0, 1};
  const double power = true_fake / fakes + true_real / reals - 1;
  if (power < kLeastPower) return {0, 0, 1};
  const double value = std::clamp((called / followers + true_real / reals - 1) / power, 0.0, 1.0);
  // Counts with pseudo-calls added: no share is 0 or 1 exactly, so no variance is.
  const double n = followers + z * z, share = (called + z * z / 2) / n;
  const double nf = fakes + 2, sensitivity = (true_fake + 1) / nf, nr = reals + 2, specificity = (true_real + 1) / nr;
  const double slope = sensitivity + specificity - 1;
  const double middle = (share + specificity - 1) / slope;
  const double variance = (share * (1 - share) / n + middle * middle * sensitivity * (1 - sensitivity) / nf +
                           (1 - middle) * (1 - middle) * specificity * (1 - specificity) / nr) /
                          (slope * slope);
  const double half = z * std::sqrt(variance);
  return {value, std::clamp(std::min(middle - half, value), 0.0, 1.0),
          std::clamp(std::max(middle + half, value), 0.0, 1.0)};
}

CorrectedShare corrected_share(const FollowerTally& tally, const Model& model) {
  CorrectedShare share;
  if (tally.followers == 0) return {{0, 0, 1}, 1};
  double weight = 0;
  for (size_t s = 0; s < kKnownSets; ++s) {
    const auto& set = tally.sets[s];
    if (set.followers == 0) continue;
    const Variant& v = model.variant(static_cast<Known>(s));
    const Interval of = rogan_gladen(static_cast<double>(set.called_fake), static_cast<double>(set.followers),
                                     v.true_fake, v.missed_fake, v.false_fake, v.true_real);
    const double part = static_cast<double>(set.followers) / static_cast<double>(tally.followers);
    share.fake.low += part * of.low;
    share.fake.high += part * of.high;
    if (of.low == 0 && of.high == 1) {
      share.open += part;
    } else {
      share.fake.value += part * of.value;
      weight += part;
    }
  }
  // The best guess for the rest is that it is like the others; the interval says how little that is worth.
  share.fake.value = weight > 0 ? share.fake.value / weight : tally.mean_probability();
  return share;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : html_escaped(to_utf8_lossy(text))) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
      out += "\xEF\xBF\xBD";
    else
      out.push_back(c);
  }
  return out;
}

}  // namespace dalgona::fake_follower
