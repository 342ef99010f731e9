// Logistic regression with an L2 penalty, fitted by Newton's method: exact, deterministic, no step size to choose.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace dalgona::fake_follower {

// Rows of numbers, one after the other.
struct Matrix {
  size_t columns = 0;
  std::vector<double> cells;
  size_t rows() const { return columns == 0 ? 0 : cells.size() / columns; }
  std::span<const double> row(size_t i) const { return {cells.data() + i * columns, columns}; }
};

struct LinearScore {
  double intercept = 0;
  std::vector<double> weights;
  double of(std::span<const double> row) const;
};

// 1 / (1 + exp(-x)), without overflow for any finite x.
double logistic(double x);
// The mean of -t log p - (1 - t) log(1 - p); p is kept 1e-15 away from 0 and 1.
double log_loss(std::span<const double> probabilities, std::span<const double> targets);

// The chance that a positive (label 1) scores above a negative (label 0), a tie counting half; 0.5 when either is
// missing.
double area_under_curve(std::span<const double> scores, std::span<const double> labels);

// Maximises sum(t log p + (1 - t) log(1 - p)) - penalty / 2 * |weights|^2; the intercept is free. Targets from 0 to 1,
// as many as `x` has rows; penalty > 0 makes the answer unique and finite whatever the data. Throws InvalidInput when
// sizes differ or there is no row.
LinearScore fit_logistic(const Matrix& x, std::span<const double> targets, double penalty);

// Platt's scaling (Platt 1999, with the targets of Lin, Lin and Weng 2007 that keep it from certainty): the slope and
// shift that turn scores into log-odds. Scores should come from folds that the scoring model did not see.
struct Platt {
  double slope = 1, shift = 0;
};
Platt fit_platt(std::span<const double> scores, std::span<const double> labels);

}  // namespace dalgona::fake_follower
