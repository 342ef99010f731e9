// Why a follower got its rule score, in words.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/features.h"

namespace dalgona::fake_follower {

struct Finding {
  std::string_view code;  // stable, for programs: foreign_script, low_similarity, many_digits, separator_mismatch, ...
  std::string text;       // a sentence with the figures, for people
};

// The rule that decided first, then whatever else speaks against the follower, then what the features can't tell. Never
// empty.
std::vector<Finding> findings(const Features& features, RuleOrder order);

// "similarity_early" or "similarity_last". Throws InvalidInput.
RuleOrder parse_rule_order(std::string_view name);

}  // namespace dalgona::fake_follower
