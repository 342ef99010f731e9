// A follower with all that is said of it, as `dalgona fake-follower score` prints it: a line of a table or of NDJSON.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fake_follower/features.h"
#include "fake_follower/findings.h"
#include "fake_follower/follower_line.h"
#include "fake_follower/model.h"

namespace dalgona::fake_follower {

struct ScoredFollower {
  uint64_t line = 0;
  FollowerLine follower;
  Features features;
  std::vector<Finding> findings;         // of the rule score
  bool has_model = false;                // the learned score is shown
  std::optional<Prediction> prediction;  // none: nothing but the handle is known, which the model can't judge
};

// "# line score ...", with its newline.
std::string_view table_head(bool has_model);
void append_table(const ScoredFollower& scored, std::string& out);
// {"line", "follower_handle", ..., "score", "reasons": [{"code", "text"}], "learned": {"verdict", "probability",
// "missing": [names of inputs], "reasons": [{"input", "weight", "text"}]}}; "learned" only with a model.
void append_ndjson(const ScoredFollower& scored, std::string& out);

}  // namespace dalgona::fake_follower
