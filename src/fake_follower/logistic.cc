#include "fake_follower/logistic.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/errors.h"

namespace dalgona::fake_follower {
namespace {

constexpr int kMostSteps = 100;
constexpr double kSettled = 1e-10;  // of the gain of a step, relative to the objective

// Solves a * x = b for a symmetric positive definite `a` of n rows (Cholesky, in place); false when it is not.
bool solve(std::vector<double>& a, std::vector<double>& b) {
  const size_t n = b.size();
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j) {
        if (!(sum > 0)) return false;
        a[j * n + j] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return true;
}

// -log(1 + exp(-x)), the log of logistic(x).
double log_logistic(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}

double objective(const Matrix& x, std::span<const double> targets, double penalty, const LinearScore& at) {
  double sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double score = at.of(x.row(i));
    sum += targets[i] * log_logistic(score) + (1 - targets[i]) * log_logistic(-score);
  }
  for (const double w : at.weights) sum -= penalty / 2 * w * w;
  return sum;
}

}  // namespace

double LinearScore::of(std::span<const double> row) const {
  return std::inner_product(row.begin(), row.end(), weights.begin(), intercept);
}

double logistic(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

double log_loss(std::span<const double> probabilities, std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double p = std::clamp(probabilities[i], 1e-15, 1 - 1e-15);
    sum -= targets[i] * std::log(p) + (1 - targets[i]) * std::log1p(-p);
  }
  return targets.empty() ? 0 : sum / static_cast<double>(targets.size());
}

double area_under_curve(std::span<const double> scores, std::span<const double> labels) {
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  double pairs = 0, below = 0, positives = 0;  // `below`: negatives with a lower score
  for (size_t i = 0; i < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i)
      (labels[order[i]] > 0.5 ? tied_positives : tied_negatives) += 1;
    pairs += tied_positives * (below + tied_negatives / 2);
    below += tied_negatives;
    positives += tied_positives;
  }
  return positives > 0 && below > 0 ? pairs / (positives * below) : 0.5;
}

LinearScore fit_logistic(const Matrix& x, std::span<const double> targets, double penalty) {
  if (targets.empty() || (x.columns > 0 && x.rows() != targets.size()))
    throw InvalidInput("a fit needs as many rows as targets, and at least one");
  const size_t n = x.columns + 1;  // the intercept comes first
  LinearScore fit;
  fit.weights.assign(x.columns, 0);
  double best = objective(x, targets, penalty, fit);
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> hessian(n * n, 0), gradient(n, 0);
    for (size_t r = 0; r < targets.size(); ++r) {
      const auto row = x.row(r);
      const double p = logistic(fit.of(row));
      const double error = targets[r] - p, curve = p * (1 - p);
      gradient[0] += error;
      hessian[0] += curve;
      for (size_t i = 0; i < row.size(); ++i) {
        gradient[i + 1] += error * row[i];
        const double scaled = curve * row[i];
        double* line = hessian.data() + (i + 1) * n;
        line[0] += scaled;
        for (size_t j = 0; j <= i; ++j) line[j + 1] += scaled * row[j];
      }
    }
    // The intercept has no penalty of its own; a hair keeps the matrix definite when every p is 0 or 1.
    hessian[0] += 1e-9;
    for (size_t i = 1; i < n; ++i) {
      gradient[i] -= penalty * fit.weights[i - 1];
      hessian[i * n + i] += penalty;
    }
    if (!solve(hessian, gradient))
      throw InvalidInput("the fit is singular: a number is not finite or the penalty is 0");
    // A full step may overshoot far from the optimum: halve it until it gains.
    double gain = 0;
    for (double length = 1; length > 1e-8; length /= 2) {
      LinearScore next = fit;
      next.intercept += length * gradient[0];
      for (size_t i = 1; i < n; ++i) next.weights[i - 1] += length * gradient[i];
      const double value = objective(x, targets, penalty, next);
      if (value > best) {
        gain = value - best;
        best = value;
        fit = std::move(next);
        break;
      }
    }
    if (gain <= kSettled * (1 + std::abs(best))) break;
  }
  return fit;
}

Platt fit_platt(std::span<const double> scores, std::span<const double> labels) {
  const double positives = std::accumulate(labels.begin(), labels.end(), 0.0);
  const double negatives = static_cast<double>(labels.size()) - positives;
  const double high = (positives + 1) / (positives + 2), low = 1 / (negatives + 2);
  std::vector<double> targets;
  for (const double label : labels) targets.push_back(label > 0.5 ? high : low);
  const Matrix x{1, {scores.begin(), scores.end()}};
  const LinearScore fit = fit_logistic(x, targets, 1e-6);
  // A score that orders the wrong way round out of fold carries nothing: all get the base rate.
  if (fit.weights[0] <= 0) return {0, std::log((positives + 1) / (negatives + 1))};
  return {fit.weights[0], fit.intercept};
}

}  // namespace dalgona::fake_follower
