#include "fake_follower/boosted_trees.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/errors.h"

namespace dalgona::fake_follower {

// Grows one tree on the gradients; rows of a node stay sorted by each column.
class TreeGrower {
 public:
  TreeGrower(const Matrix& x, const TreeOptions& options) : x_(x), options_(options) {
    sorted_.resize(x.columns);
    for (size_t c = 0; c < x.columns; ++c) {
      sorted_[c].resize(x.rows());
      std::iota(sorted_[c].begin(), sorted_[c].end(), 0u);
      std::stable_sort(sorted_[c].begin(), sorted_[c].end(),
                       [&](uint32_t a, uint32_t b) { return x.row(a)[c] < x.row(b)[c]; });
    }
  }

  std::vector<BoostedTrees::Node> grow(std::span<const double> gradients, std::span<const double> curves) {
    gradients_ = gradients;
    curves_ = curves;
    nodes_.clear();
    split(sorted_, options_.depth);
    return std::move(nodes_);
  }

 private:
  using Orders = std::vector<std::vector<uint32_t>>;

  uint32_t split(const Orders& orders, int depth) {
    double g = 0, h = 0;
    for (const uint32_t r : orders[0]) {
      g += gradients_[r];
      h += curves_[r];
    }
    const auto at = static_cast<uint32_t>(nodes_.size());
    nodes_.push_back({.value = options_.shrinkage * g / (h + options_.penalty)});
    if (depth == 0) return at;

    double best_gain = 1e-9, threshold = 0;
    int column = -1;
    for (size_t c = 0; c < orders.size(); ++c) {
      double left_g = 0, left_h = 0;
      for (size_t i = 0; i + 1 < orders[c].size(); ++i) {
        const uint32_t r = orders[c][i];
        left_g += gradients_[r];
        left_h += curves_[r];
        const double here = x_.row(r)[c], next = x_.row(orders[c][i + 1])[c];
        if (here == next || left_h < options_.least_weight || h - left_h < options_.least_weight) continue;
        const double gain = part(left_g, left_h) + part(g - left_g, h - left_h) - part(g, h);
        if (gain > best_gain) {
          best_gain = gain;
          column = static_cast<int>(c);
          threshold = here + (next - here) / 2;
        }
      }
    }
    if (column < 0) return at;
    Orders left(orders.size()), right(orders.size());
    for (size_t c = 0; c < orders.size(); ++c)
      for (const uint32_t r : orders[c])
        (x_.row(r)[static_cast<size_t>(column)] <= threshold ? left : right)[c].push_back(r);
    const uint32_t l = split(left, depth - 1), r = split(right, depth - 1);
    nodes_[at].column = column;
    nodes_[at].at_most = threshold;
    nodes_[at].left = l;
    nodes_[at].right = r;
    return at;
  }
  double part(double g, double h) const { return g * g / (h + options_.penalty); }

  const Matrix& x_;
  const TreeOptions& options_;
  Orders sorted_;
  std::span<const double> gradients_, curves_;
  std::vector<BoostedTrees::Node> nodes_;
};

BoostedTrees BoostedTrees::fit(const Matrix& x, std::span<const double> targets, const TreeOptions& options) {
  if (targets.empty() || x.rows() != targets.size())
    throw InvalidInput("a fit needs as many rows as targets, and at least one");
  BoostedTrees model;
  const double positives = std::accumulate(targets.begin(), targets.end(), 0.0);
  model.start_ = std::log((positives + 0.5) / (static_cast<double>(targets.size()) - positives + 0.5));
  TreeGrower grower(x, options);
  std::vector<double> scores(targets.size(), model.start_), gradients(targets.size()), curves(targets.size());
  for (int t = 0; t < options.trees; ++t) {
    for (size_t i = 0; i < targets.size(); ++i) {
      const double p = logistic(scores[i]);
      gradients[i] = targets[i] - p;
      curves[i] = p * (1 - p);
    }
    model.trees_.push_back(grower.grow(gradients, curves));
    for (size_t i = 0; i < targets.size(); ++i) {
      const auto& tree = model.trees_.back();
      uint32_t at = 0;
      while (tree[at].column >= 0)
        at = x.row(i)[static_cast<size_t>(tree[at].column)] <= tree[at].at_most ? tree[at].left : tree[at].right;
      scores[i] += tree[at].value;
    }
  }
  return model;
}

double BoostedTrees::score(std::span<const double> row, size_t trees) const {
  double sum = start_;
  for (size_t t = 0; t < std::min(trees, trees_.size()); ++t) {
    const auto& tree = trees_[t];
    uint32_t at = 0;
    while (tree[at].column >= 0)
      at = row[static_cast<size_t>(tree[at].column)] <= tree[at].at_most ? tree[at].left : tree[at].right;
    sum += tree[at].value;
  }
  return sum;
}

}  // namespace dalgona::fake_follower
