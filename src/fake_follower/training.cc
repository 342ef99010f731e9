#include "fake_follower/training.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/errors.h"
#include "fake_follower/logistic.h"

namespace dalgona::fake_follower {
namespace {

namespace json = boost::json;

double field(const json::object& record, const char* key, double most, std::string_view where) {
  const json::value* value = record.if_contains(key);
  if (!value || !value->is_number()) throw InvalidInput(fmt::format("{}: '{}' is not a number", where, key));
  const double number = value->to_number<double>();
  if (!(number >= 0 && number <= most && number == std::floor(number)))
    throw InvalidInput(fmt::format("{}: '{}' is {}, not a whole number from 0 to {:.0f}", where, key, number, most));
  return number;
}

// Nine digits are plenty, and files of two compilers stay equal.
double nine_digits(double number) {
  return std::stod(fmt::format("{:.9g}", number));
}

bool is_count(Input input) {
  return input != Input::kHandleLength && input != Input::kHasPicture && input != Input::kIsPrivate;
}

Scale fit_scale(Input input, std::span<const Example> examples, int knots) {
  Scale scale;
  scale.logarithm = is_count(input);
  std::vector<double> values;
  for (const Example& example : examples) {
    const double value = example.account.inputs()[static_cast<size_t>(input)];
    values.push_back(scale.logarithm ? std::log1p(value) : value);
  }
  std::sort(values.begin(), values.end());
  for (int k = 1; k <= knots; ++k) {
    const double knot = nine_digits(values[values.size() * static_cast<size_t>(k) / static_cast<size_t>(knots + 1)]);
    // A bend at an end, or where another is, bends nothing.
    if (knot > values.front() && knot < values.back() && (scale.knots.empty() || knot > scale.knots.back()))
      scale.knots.push_back(knot);
  }
  for (size_t column = 0; column < scale.columns(); ++column) {
    const auto of = [&](double t) { return column == 0 ? t : std::max(0.0, t - scale.knots[column - 1]); };
    double mean = 0, variance = 0;
    for (const double t : values) mean += of(t) / static_cast<double>(values.size());
    for (const double t : values) variance += (of(t) - mean) * (of(t) - mean) / static_cast<double>(values.size());
    scale.means.push_back(nine_digits(mean));
    scale.deviations.push_back(variance > 1e-18 ? nine_digits(std::sqrt(variance)) : 1);  // constant: the column is 0
  }
  return scale;
}

using Scales = std::array<Scale, kInputs>;
Scales fit_scales(std::span<const Example> examples, int knots) {
  Scales scales;
  for (size_t i = 0; i < kInputs; ++i) scales[i] = fit_scale(static_cast<Input>(i), examples, knots);
  return scales;
}

Matrix design(std::span<const Example> examples, const Scales& scales, Known known) {
  Matrix x;
  for (size_t i = 0; i < kInputs; ++i)
    if (knows(known, static_cast<Input>(i))) x.columns += scales[i].columns();
  x.cells.reserve(x.columns * examples.size());
  for (const Example& example : examples) {
    const auto inputs = example.account.inputs();
    for (size_t i = 0; i < kInputs; ++i)
      if (knows(known, static_cast<Input>(i))) scales[i].append(inputs[i], x.cells);
  }
  return x;
}

std::vector<double> labels_of(std::span<const Example> examples) {
  std::vector<double> labels;
  for (const Example& example : examples) labels.push_back(example.fake ? 1 : 0);
  return labels;
}

// One split of the cross-validation: scales are learnt from its training part alone.
struct Split {
  std::vector<Example> training;
  std::vector<size_t> tested;  // indices of the examples
  std::vector<Example> testing;
  Scales scales;
};

std::vector<std::vector<Split>> make_splits(std::span<const Example> examples, const TrainingOptions& options) {
  std::vector<std::vector<Split>> repeats;
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    const auto folds = stratified_folds(examples, options.folds, options.seed + static_cast<uint64_t>(repeat));
    std::vector<Split> splits(static_cast<size_t>(options.folds));
    for (size_t i = 0; i < examples.size(); ++i) {
      for (size_t fold = 0; fold < splits.size(); ++fold) {
        if (static_cast<size_t>(folds[i]) == fold) {
          splits[fold].tested.push_back(i);
          splits[fold].testing.push_back(examples[i]);
        } else {
          splits[fold].training.push_back(examples[i]);
        }
      }
    }
    for (Split& split : splits) split.scales = fit_scales(split.training, options.knots);
    repeats.push_back(std::move(splits));
  }
  return repeats;
}

Variant fit_variant(std::span<const Example> examples, const Scales& scales,
                    const std::vector<std::vector<Split>>& repeats, Known known, const TrainingOptions& options) {
  const size_t n = examples.size();
  const auto labels = labels_of(examples);
  std::vector<double> all_labels;
  for (size_t r = 0; r < repeats.size(); ++r) all_labels.insert(all_labels.end(), labels.begin(), labels.end());

  // Scores out of fold for each penalty: n for each repeat, in the examples' order.
  std::vector<std::vector<double>> scores(options.penalties.size(), std::vector<double>(n * repeats.size()));
  for (size_t r = 0; r < repeats.size(); ++r) {
    for (const Split& split : repeats[r]) {
      const Matrix x = design(split.training, split.scales, known), tests = design(split.testing, split.scales, known);
      const auto targets = labels_of(split.training);
      for (size_t p = 0; p < options.penalties.size(); ++p) {
        const LinearScore fit = fit_logistic(x, targets, options.penalties[p]);
        for (size_t t = 0; t < split.tested.size(); ++t) scores[p][r * n + split.tested[t]] = fit.of(tests.row(t));
      }
    }
  }
  const auto probabilities_of = [](const std::vector<double>& of_scores, const Platt& platt) {
    std::vector<double> out;
    for (const double score : of_scores) out.push_back(logistic(platt.slope * score + platt.shift));
    return out;
  };
  size_t best = 0;
  double best_loss = 0;
  for (size_t p = 0; p < options.penalties.size(); ++p) {
    const double loss = log_loss(probabilities_of(scores[p], {}), all_labels);
    if (p == 0 || loss < best_loss) {
      best = p;
      best_loss = loss;
    }
  }
  const Platt platt = fit_platt(scores[best], all_labels);
  const auto probabilities = probabilities_of(scores[best], platt);

  Variant variant;
  variant.penalty = options.penalties[best];
  const LinearScore fit = fit_logistic(design(examples, scales, known), labels, variant.penalty);
  variant.intercept = nine_digits(platt.slope * fit.intercept + platt.shift);
  for (const double weight : fit.weights) variant.weights.push_back(nine_digits(platt.slope * weight));
  choose_verdicts(probabilities, all_labels, options.repeats, variant);
  const double share = 1.0 / options.repeats;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const bool called = probabilities[i] >= 0.5, fake = all_labels[i] > 0.5;
    (fake ? (called ? variant.true_fake : variant.missed_fake) : (called ? variant.false_fake : variant.true_real)) +=
        share;
  }
  for (double* count : {&variant.true_fake, &variant.missed_fake, &variant.false_fake, &variant.true_real})
    *count = nine_digits(*count);
  for (size_t r = 0; r < repeats.size(); ++r)
    variant.auc += share * area_under_curve(std::span(probabilities).subspan(r * n, n), labels);
  variant.auc = nine_digits(variant.auc - 0.5);
  return variant;
}

}  // namespace

std::vector<Example> read_examples(std::string_view text, std::string_view name, bool fake) {
  // Some of these files begin with a byte order mark.
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) throw InvalidInput(fmt::format("{}: not JSON: {}", name, error.message()));
  if (!document.is_array()) throw InvalidInput(fmt::format("{}: not a list of accounts", name));
  constexpr double kMostCount = 1e10;
  std::vector<Example> examples;
  for (const json::value& value : document.get_array()) {
    const std::string where = fmt::format("{}: record {}", name, examples.size() + 1);
    if (!value.is_object()) throw InvalidInput(where + ": not an object");
    const json::object& record = value.get_object();
    Example example;
    example.fake = fake;
    Account& account = example.account;
    account.handle_digits = field(record, "usernameDigitCount", 1e3, where);
    account.handle_length = field(record, "usernameLength", 1e3, where);
    account.followers = field(record, "userFollowerCount", kMostCount, where);
    account.followings = field(record, "userFollowingCount", kMostCount, where);
    account.posts = field(record, "userMediaCount", kMostCount, where);
    account.bio_length = field(record, "userBiographyLength", 1e6, where);
    account.has_picture = field(record, "userHasProfilPic", 1, where) == 1;
    account.is_private = field(record, "userIsPrivate", 1, where) == 1;
    if (record.contains("isFake") && (field(record, "isFake", 1, where) == 1) != fake)
      throw InvalidInput(fmt::format("{}: 'isFake' says otherwise than the file it is in", where));
    examples.push_back(example);
  }
  return examples;
}

std::vector<int> stratified_folds(std::span<const Example> examples, int folds, uint64_t seed) {
  std::map<std::pair<bool, std::array<double, kInputs>>, std::vector<size_t>> groups;
  for (size_t i = 0; i < examples.size(); ++i) groups[{examples[i].fake, examples[i].account.inputs()}].push_back(i);
  std::vector<int> fold_of(examples.size(), 0);
  Random random(seed);
  for (const bool fake : {false, true}) {
    std::vector<const std::vector<size_t>*> of_kind;
    for (const auto& [key, members] : groups)
      if (key.first == fake) of_kind.push_back(&members);
    for (size_t i = of_kind.size(); i > 1; --i) std::swap(of_kind[i - 1], of_kind[random.below(i)]);
    // Each group goes to the emptiest fold, so that doubles do not tilt the sizes.
    std::vector<size_t> sizes(static_cast<size_t>(folds), 0);
    for (const auto* members : of_kind) {
      const auto emptiest = std::min_element(sizes.begin(), sizes.end());
      *emptiest += members->size();
      for (const size_t i : *members) fold_of[i] = static_cast<int>(emptiest - sizes.begin());
    }
  }
  return fold_of;
}

void choose_verdicts(std::span<const double> probabilities, std::span<const double> labels, int repeats,
                     Variant& variant) {
  constexpr double kOneSided = 1.6448536269514722;  // 90 % two-sided
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] < probabilities[b]; });
  variant.real_below = variant.weak_below = variant.fake_from = std::nullopt;
  const double one = 1.0 / repeats;
  double real = 0, seen = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    const double p = probabilities[order[k]];
    if (p >= kRealUntil) break;
    real += one * (1 - labels[order[k]]);
    seen += one;
    const double next = k + 1 < order.size() ? probabilities[order[k + 1]] : 1;
    if (next > p && wilson(real, seen, kOneSided).low >= kRealShare)
      variant.real_below = nine_digits(std::min(kRealUntil, p + (next - p) / 2));
  }
  double fake = 0;
  seen = 0;
  for (size_t k = order.size(); k-- > 0;) {
    const double p = probabilities[order[k]];
    if (p < kFakeFrom) break;
    fake += one * labels[order[k]];
    seen += one;
    const double next = k > 0 ? probabilities[order[k - 1]] : 0;
    if (next < p && wilson(fake, seen, kOneSided).low >= kFakeShare)
      variant.fake_from = nine_digits(std::max(kFakeFrom, next + (p - next) / 2));
  }
  if (variant.real_below) variant.weak_below = nine_digits(kWeakBelow);
}

Model train(std::span<const Example> examples, const TrainingOptions& options, std::span<const Known> sets) {
  Model::Source source;
  for (const Example& example : examples) (example.fake ? source.fake : source.real) += 1;
  source.seed = options.seed;
  if (options.folds < 2 || options.repeats < 1 || options.penalties.empty())
    throw InvalidInput("training needs 2 folds, 1 repeat and 1 penalty at least");
  const auto least = static_cast<uint64_t>(options.folds) * 2;
  if (source.fake < least || source.real < least)
    throw InvalidInput(fmt::format("{} fake and {} real accounts: at least {} of each are needed for {} folds",
                                   source.fake, source.real, least, options.folds));
  std::vector<Known> all;
  if (sets.empty()) {
    for (size_t known = 0; known < kKnownSets; ++known) all.push_back(static_cast<Known>(known));
    sets = all;
  }
  const Scales scales = fit_scales(examples, options.knots);
  const auto repeats = make_splits(examples, options);
  std::array<std::optional<Variant>, kKnownSets> variants;
  in_parallel(sets.size(), options.threads,
              [&](size_t i) { variants[sets[i]] = fit_variant(examples, scales, repeats, sets[i], options); });
  return {source, scales, std::move(variants)};
}

Interval wilson(double hits, double trials, double z) {
  if (trials <= 0) return {0, 0, 1};
  const double p = hits / trials, zz = z * z / trials;
  const double middle = (p + zz / 2) / (1 + zz);
  const double half = z / (1 + zz) * std::sqrt(std::max(0.0, p * (1 - p) / trials + zz / (4 * trials)));
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

void in_parallel(size_t count, int threads, const std::function<void(size_t)>& f) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      for (size_t i = next++; i < count; i = next++) f(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

uint64_t Random::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

size_t Random::below(size_t bound) {
  // Numbers that would favour the low ones are drawn again.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t drawn = next();
  while (drawn >= limit) drawn = next();
  return drawn % bound;
}

}  // namespace dalgona::fake_follower
