#include "fake_follower/findings.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/errors.h"

namespace dalgona::fake_follower {

std::vector<Finding> findings(const Features& f, RuleOrder order) {
  std::vector<Finding> found;
  const auto like = [&] {
    if (f.similarity > 0 && f.similarity <= 40)
      found.push_back({"low_similarity", fmt::format("handle and name are {:.0f} % alike, 40 or less", f.similarity)});
  };
  if (f.foreign_script)
    found.push_back({"foreign_script", "the name has Greek, Armenian, Georgian, Chinese or Korean letters"});
  if (order == RuleOrder::kSimilarityEarly) like();
  if (f.handle_digits > 4)
    found.push_back({"many_digits", fmt::format("the handle has {} digits, more than 4", f.handle_digits)});
  if (f.separator_rule == 1)
    found.push_back(
        {"separator_mismatch",
         fmt::format("the handle is in parts, the name is not, and they are {:.0f} % alike", f.similarity)});
  if (order == RuleOrder::kSimilarityLast) like();
  if (found.empty()) {
    if (f.separator_rule == 0)
      found.push_back({"separator_match", "the handle is in parts and fits the name"});
    else
      found.push_back({"no_rule", "no rule speaks against the follower"});
  }
  if (f.cleaned_name.empty()) found.push_back({"no_name", "the name has no letters: there is nothing to compare"});
  return found;
}

RuleOrder parse_rule_order(std::string_view name) {
  if (name == "similarity_early") return RuleOrder::kSimilarityEarly;
  if (name == "similarity_last") return RuleOrder::kSimilarityLast;
  throw InvalidInput(
      fmt::format("fake_follower.rule_order: '{}' is neither similarity_early nor similarity_last", name));
}

}  // namespace dalgona::fake_follower
