#include "fake_follower/evaluation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "base/errors.h"
#include "fake_follower/boosted_trees.h"
#include "fake_follower/features.h"
#include "fake_follower/logistic.h"

namespace dalgona::fake_follower {
namespace {

constexpr size_t kBins = 10;

Account hide(Account account, Known known) {
  if (!(known & kKnowsFollowers)) account.followers.reset();
  if (!(known & kKnowsFollowings)) account.followings.reset();
  if (!(known & kKnowsPosts)) account.posts.reset();
  if (!(known & kKnowsBio)) account.bio_length.reset();
  if (!(known & kKnowsPicture)) account.has_picture.reset();
  if (!(known & kKnowsPrivate)) account.is_private.reset();
  return account;
}

// A probability for each account tested, by something fitted on the training accounts alone; thresholds, if it has any.
using Fit = std::function<void(std::span<const Example> training, std::span<const Example> testing,
                               std::span<double> probabilities, std::span<Verdict> verdicts)>;

struct OutOfFold {
  std::vector<double> probabilities;  // repeat after repeat, in the accounts' order
  std::vector<Verdict> verdicts;
};

OutOfFold cross_validate(std::span<const Example> examples, const EvaluationOptions& options, const Fit& fit) {
  const size_t n = examples.size();
  const auto folds = static_cast<size_t>(options.training.folds), repeats = static_cast<size_t>(options.repeats);
  OutOfFold out{std::vector<double>(n * repeats), std::vector<Verdict>(n * repeats, Verdict::kUnsure)};
  std::vector<std::vector<int>> assigned;
  for (size_t r = 0; r < repeats; ++r)  // seeds far from those of the inner folds
    assigned.push_back(stratified_folds(examples, options.training.folds, options.training.seed + 1000 + r));
  in_parallel(folds * repeats, options.training.threads, [&](size_t task) {
    const size_t repeat = task / folds, fold = task % folds;
    std::vector<Example> training, testing;
    std::vector<size_t> tested;
    for (size_t i = 0; i < n; ++i) {
      if (static_cast<size_t>(assigned[repeat][i]) == fold) {
        testing.push_back(examples[i]);
        tested.push_back(i);
      } else {
        training.push_back(examples[i]);
      }
    }
    std::vector<double> probabilities(testing.size());
    std::vector<Verdict> verdicts(testing.size(), Verdict::kUnsure);
    fit(training, testing, probabilities, verdicts);
    for (size_t t = 0; t < tested.size(); ++t) {
      out.probabilities[repeat * n + tested[t]] = probabilities[t];
      out.verdicts[repeat * n + tested[t]] = verdicts[t];
    }
  });
  return out;
}

Fit logistic_fit(TrainingOptions options, Known known) {
  options.threads = 1;  // the folds are already side by side
  return [options, known](std::span<const Example> training, std::span<const Example> testing,
                          std::span<double> probabilities, std::span<Verdict> verdicts) {
    const std::array<Known, 1> sets{known};
    const Model model = train(training, options, sets);
    for (size_t t = 0; t < testing.size(); ++t) {
      const Prediction prediction = model.predict(hide(testing[t].account, known));
      probabilities[t] = prediction.probability;
      verdicts[t] = prediction.verdict;
    }
  };
}

// Trees can't make a ratio of two columns: they are given it.
Matrix columns_for_trees(std::span<const Example> examples) {
  Matrix x;
  x.columns = kInputs + 1;
  for (const Example& example : examples) {
    const auto inputs = example.account.inputs();
    x.cells.insert(x.cells.end(), inputs.begin(), inputs.end());
    x.cells.push_back((*example.account.followings + 1) / (*example.account.followers + 1));
  }
  return x;
}

std::vector<double> truth_of(std::span<const Example> examples) {
  std::vector<double> labels;
  for (const Example& example : examples) labels.push_back(example.fake ? 1 : 0);
  return labels;
}

// Depth and number of trees by inner cross-validation, then Platt's scaling on its scores, as the logistic model has
// it.
Fit trees_fit(const TrainingOptions& options) {
  return [options](std::span<const Example> training, std::span<const Example> testing, std::span<double> probabilities,
                   std::span<Verdict>) {
    static constexpr std::array<int, 3> kDepths{1, 2, 3};
    static constexpr std::array<size_t, 4> kTrees{50, 100, 200, 400};
    const size_t n = training.size();
    const auto folds = stratified_folds(training, options.folds, options.seed);
    std::map<std::pair<int, size_t>, std::vector<double>> scores;
    for (int fold = 0; fold < options.folds; ++fold) {
      std::vector<Example> inner;
      for (size_t i = 0; i < n; ++i)
        if (folds[i] != fold) inner.push_back(training[i]);
      const Matrix x = columns_for_trees(inner), all = columns_for_trees(training);
      for (const int depth : kDepths) {
        const auto trees =
            BoostedTrees::fit(x, truth_of(inner), {.depth = depth, .trees = static_cast<int>(kTrees.back())});
        for (const size_t count : kTrees) {
          auto& of = scores[{depth, count}];
          of.resize(n);
          for (size_t i = 0; i < n; ++i)
            if (folds[i] == fold) of[i] = trees.score(all.row(i), count);
        }
      }
    }
    const auto labels = truth_of(training);
    std::pair<int, size_t> best{};
    double best_loss = INFINITY;
    for (const auto& [setting, of] : scores) {
      std::vector<double> chances;
      for (const double score : of) chances.push_back(logistic(score));
      if (const double loss = log_loss(chances, labels); loss < best_loss) {
        best_loss = loss;
        best = setting;
      }
    }
    const Platt platt = fit_platt(scores[best], labels);
    const auto trees = BoostedTrees::fit(columns_for_trees(training), labels,
                                         {.depth = best.first, .trees = static_cast<int>(best.second)});
    const Matrix tests = columns_for_trees(testing);
    for (size_t t = 0; t < testing.size(); ++t)
      probabilities[t] = logistic(platt.slope * trees.score(tests.row(t)) + platt.shift);
  };
}

void rule_fit(std::span<const Example>, std::span<const Example> testing, std::span<double> probabilities,
              std::span<Verdict>) {
  for (size_t t = 0; t < testing.size(); ++t) {
    Features features;  // these accounts have no names: what is left of the rule is the digits
    features.handle_digits = static_cast<int>(testing[t].account.handle_digits);
    probabilities[t] = rule_score(features, RuleOrder::kSimilarityEarly);
  }
}

void majority_fit(std::span<const Example> training, std::span<const Example>, std::span<double> probabilities,
                  std::span<Verdict>) {
  const auto labels = truth_of(training);
  const double share = std::accumulate(labels.begin(), labels.end(), 0.0) / static_cast<double>(labels.size());
  std::fill(probabilities.begin(), probabilities.end(), share);
}

constexpr std::array<double Point::*, 7> kPoints{
    &Point::f1,       &Point::precision, &Point::recall,           &Point::auc,
    &Point::accuracy, &Point::log_loss,  &Point::calibration_error};
constexpr std::array<Interval Figures::*, 7> kFigures{
    &Figures::f1,       &Figures::precision, &Figures::recall,           &Figures::auc,
    &Figures::accuracy, &Figures::log_loss,  &Figures::calibration_error};

// The mean over the repeats of what `picked` accounts give.
Point mean_point(const OutOfFold& out, std::span<const double> labels, std::span<const size_t> picked) {
  const size_t n = labels.size(), repeats = out.probabilities.size() / n;
  Point mean;
  std::vector<double> probabilities(picked.size()), of(picked.size());
  for (size_t i = 0; i < picked.size(); ++i) of[i] = labels[picked[i]];
  for (size_t r = 0; r < repeats; ++r) {
    for (size_t i = 0; i < picked.size(); ++i) probabilities[i] = out.probabilities[r * n + picked[i]];
    const Point point = measure(probabilities, of);
    for (const auto member : kPoints) mean.*member += point.*member / static_cast<double>(repeats);
  }
  return mean;
}

Figures figures_of(const OutOfFold& out, std::span<const double> labels, const EvaluationOptions& options) {
  std::vector<size_t> all(labels.size());
  std::iota(all.begin(), all.end(), size_t{0});
  const Point point = mean_point(out, labels, all);
  std::vector<Point> resampled(static_cast<size_t>(options.resamples));
  in_parallel(resampled.size(), options.training.threads, [&](size_t b) {
    Random random(options.training.seed * 1'000'003 + b);
    std::vector<size_t> picked(labels.size());
    for (size_t& pick : picked) pick = random.below(labels.size());
    resampled[b] = mean_point(out, labels, picked);
  });
  Figures figures;
  for (size_t k = 0; k < kPoints.size(); ++k) {
    std::vector<double> values;
    for (const Point& p : resampled) values.push_back(p.*kPoints[k]);
    std::sort(values.begin(), values.end());
    Interval& interval = figures.*kFigures[k];
    interval.value = interval.low = interval.high = point.*kPoints[k];
    if (!values.empty()) {
      interval.low = values[static_cast<size_t>(0.025 * static_cast<double>(values.size()))];
      interval.high =
          values[std::min(values.size() - 1, static_cast<size_t>(0.975 * static_cast<double>(values.size())))];
    }
  }
  return figures;
}

VerdictCounts count_verdicts(const OutOfFold& out, std::span<const double> labels) {
  VerdictCounts counts;
  const size_t n = labels.size();
  const double one = static_cast<double>(n) / static_cast<double>(out.verdicts.size());
  for (size_t i = 0; i < out.verdicts.size(); ++i)
    (labels[i % n] > 0.5 ? counts.of_fake : counts.of_real)[static_cast<size_t>(out.verdicts[i])] += one;
  return counts;
}

// Mean log loss of each account over its repeats.
std::vector<double> losses(const OutOfFold& out, std::span<const double> labels) {
  const size_t n = labels.size(), repeats = out.probabilities.size() / n;
  std::vector<double> of(n, 0);
  for (size_t i = 0; i < out.probabilities.size(); ++i)
    of[i % n] += log_loss({&out.probabilities[i], 1}, labels.subspan(i % n, 1)) / static_cast<double>(repeats);
  return of;
}

void choose(Evaluation& evaluation, const std::vector<std::vector<double>>& loss_of, size_t first) {
  size_t best = first;
  for (size_t c = first; c < loss_of.size(); ++c)
    if (evaluation.contenders[c].figures.log_loss.value < evaluation.contenders[best].figures.log_loss.value) best = c;
  for (size_t c = 0; c < loss_of.size(); ++c) {
    Contender& contender = evaluation.contenders[c];
    const auto n = static_cast<double>(loss_of[c].size());
    double mean = 0, square = 0;
    for (size_t i = 0; i < loss_of[c].size(); ++i) mean += (loss_of[c][i] - loss_of[best][i]) / n;
    for (size_t i = 0; i < loss_of[c].size(); ++i) {
      const double off = loss_of[c][i] - loss_of[best][i] - mean;
      square += off * off / (n - 1);
    }
    contender.behind = mean;
    contender.behind_error = std::sqrt(square / n);
    if (c >= first && evaluation.chosen.empty() && contender.behind <= contender.behind_error)
      evaluation.chosen = contender.name;
  }
}

// The two halves of the fakes by whom they follow: bought accounts come in kinds, and this is the plainest divide.
std::vector<UnseenKind> score_unseen(std::span<const Example> examples, const TrainingOptions& options) {
  std::vector<double> followings;
  for (const Example& example : examples)
    if (example.fake) followings.push_back(*example.account.followings);
  std::nth_element(followings.begin(), followings.begin() + static_cast<std::ptrdiff_t>(followings.size() / 2),
                   followings.end());
  const double median = followings[followings.size() / 2];
  std::vector<UnseenKind> out;
  for (const bool many : {false, true}) {
    std::vector<Example> training, unseen;
    for (const Example& example : examples)
      (example.fake && (*example.account.followings >= median) == many ? unseen : training).push_back(example);
    if (unseen.empty() || followings.size() - unseen.size() < static_cast<size_t>(options.folds) * 2)
      continue;  // all of one kind, or too few of the other to learn from
    const std::array<Known, 1> all{kKnowsAll};
    const Model model = train(training, options, all);
    double called = 0;
    for (const Example& example : unseen) called += model.predict(example.account).probability >= 0.5;
    out.push_back({fmt::format("fakes that follow {} {:.0f}", many ? "at least" : "fewer than", median), unseen.size(),
                   wilson(called, static_cast<double>(unseen.size()))});
  }
  return out;
}

}  // namespace

Point measure(std::span<const double> probabilities, std::span<const double> labels) {
  double hit = 0, missed = 0, wrong = 0, right = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const bool called = probabilities[i] >= 0.5;
    (labels[i] > 0.5 ? (called ? hit : missed) : (called ? wrong : right)) += 1;
  }
  Point point;
  point.precision = hit + wrong > 0 ? hit / (hit + wrong) : 0;
  point.recall = hit + missed > 0 ? hit / (hit + missed) : 0;
  point.f1 = hit > 0 ? 2 * hit / (2 * hit + wrong + missed) : 0;
  point.accuracy = labels.empty() ? 0 : (hit + right) / static_cast<double>(labels.size());
  point.auc = area_under_curve(probabilities, labels);
  point.log_loss = log_loss(probabilities, labels);
  point.calibration_error = calibration_error(probabilities, labels, kBins);
  return point;
}

std::vector<ReliabilityBin> reliability(std::span<const double> probabilities, std::span<const double> labels,
                                        size_t bins, int repeats) {
  const size_t n = labels.size();
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] < probabilities[b]; });
  std::vector<ReliabilityBin> out;
  size_t to = 0;
  for (size_t b = 0; b < bins; ++b) {
    const size_t from = to;
    to = std::max(to, order.size() * (b + 1) / bins);
    // Equal probabilities share a bin, or the order of the accounts would show.
    while (to > from && to < order.size() && probabilities[order[to]] == probabilities[order[to - 1]]) ++to;
    if (from == to) continue;
    double sum = 0, fake = 0;
    for (size_t k = from; k < to; ++k) {
      sum += probabilities[order[k]];
      fake += labels[order[k] % n];
    }
    const auto count = static_cast<double>(to - from);
    out.push_back({sum / count, count / repeats, wilson(fake / repeats, count / repeats)});
  }
  return out;
}

double calibration_error(std::span<const double> probabilities, std::span<const double> labels, size_t bins) {
  double error = 0;
  for (const ReliabilityBin& bin : reliability(probabilities, labels, bins, 1))
    error += bin.accounts / static_cast<double>(probabilities.size()) * std::abs(bin.mean_probability - bin.fake.value);
  return error;
}

Evaluation evaluate(std::span<const Example> examples, const EvaluationOptions& options) {
  if (options.repeats < 1 || options.resamples < 1) throw InvalidInput("at least 1 repeat and 1 resample");
  Evaluation evaluation;
  std::map<std::pair<bool, std::array<double, kInputs>>, int> seen;
  for (const Example& example : examples) {
    (example.fake ? evaluation.fake : evaluation.real) += 1;
    if (seen[{example.fake, example.account.inputs()}]++ > 0) ++evaluation.doubles;
  }
  const auto labels = truth_of(examples);
  TrainingOptions lines = options.training;
  lines.knots = 0;

  std::vector<std::vector<double>> loss_of;
  const auto contend = [&](std::string name, const Fit& fit) {
    OutOfFold out = cross_validate(examples, options, fit);
    evaluation.contenders.push_back({std::move(name), figures_of(out, labels, options)});
    loss_of.push_back(losses(out, labels));
    return out;
  };
  contend("majority", majority_fit);
  contend("rule", rule_fit);
  const size_t first = loss_of.size();  // baselines are not chosen
  contend("logistic, straight lines", logistic_fit(lines, kKnowsAll));
  const OutOfFold ours =
      contend(fmt::format("logistic, {} bends", options.training.knots), logistic_fit(options.training, kKnowsAll));
  contend("boosted trees", trees_fit(options.training));
  choose(evaluation, loss_of, first);

  evaluation.views.push_back({kKnowsAll, evaluation.contenders[first + 1].figures, count_verdicts(ours, labels)});
  evaluation.reliability = reliability(ours.probabilities, labels, kBins, options.repeats);
  for (const int known : {kKnowsFollowers | kKnowsFollowings | kKnowsPosts, kKnowsFollowers | kKnowsFollowings,
                          kKnowsPosts | kKnowsBio | kKnowsPicture | kKnowsPrivate, kKnowsPicture | kKnowsPrivate,
                          static_cast<int>(kKnowsHandleOnly)}) {
    const auto set = static_cast<Known>(known);
    const OutOfFold out = cross_validate(examples, options, logistic_fit(options.training, set));
    evaluation.views.push_back({set, figures_of(out, labels, options), count_verdicts(out, labels)});
  }
  evaluation.unseen = score_unseen(examples, options.training);
  return evaluation;
}

}  // namespace dalgona::fake_follower
