// Gradient boosted trees for a yes or no, small: what the logistic model is measured against when it is trained.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "fake_follower/logistic.h"

namespace dalgona::fake_follower {

struct TreeOptions {
  int depth = 2;
  int trees = 200;
  double shrinkage = 0.05;
  double penalty = 1;       // on a leaf's value
  double least_weight = 2;  // of p (1 - p) in a leaf
};

// Second-order boosting of the log loss with exact splits (Chen and Guestrin 2016, section 2). Deterministic: of equal
// splits the first column's lowest wins.
class BoostedTrees {
 public:
  // Targets 0 or 1. Throws InvalidInput when sizes differ or there is no row.
  static BoostedTrees fit(const Matrix& x, std::span<const double> targets, const TreeOptions& options);
  // Log-odds by the first `trees` trees; all when it is more than there are.
  double score(std::span<const double> row, size_t trees = SIZE_MAX) const;

 private:
  struct Node {
    int column = -1;  // -1: a leaf
    double at_most = 0, value = 0;
    uint32_t left = 0, right = 0;
  };
  double start_ = 0;
  std::vector<std::vector<Node>> trees_;
  friend class TreeGrower;
};

}  // namespace dalgona::fake_follower
