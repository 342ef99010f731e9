#include "base/yaml.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::yaml {

void fail(const std::string& file, const YAML::Node& at, std::string_view reason) {
  throw InvalidInput(fmt::format("{}:{}: {}", file, at.Mark().line + 1, reason));
}

YAML::Node parse(std::string_view text, const std::string& file) {
  try {
    return YAML::Load(std::string(text));
  } catch (const YAML::Exception& e) {
    throw InvalidInput(fmt::format("{}:{}: {}", file, e.mark.line + 1, e.msg));
  }
}

void expect_keys(const std::string& file, const YAML::Node& node, std::string_view what,
                 const std::vector<std::string>& known) {
  if (!node.IsMap()) fail(file, node, fmt::format("{} must be a mapping", what.empty() ? "this" : what));
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) fail(file, entry.first, "a key must be a text");
    const auto key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(file, entry.first,
           fmt::format("unknown key '{}'{}{}{}", key, what.empty() ? "" : " in ", what, did_you_mean(key, known)));
    if (!seen.insert(key).second) fail(file, entry.first, fmt::format("'{}' is given twice", key));
  }
}

}  // namespace dalgona::yaml
