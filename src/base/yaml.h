// Declared files: YAML read so that every complaint names file and line. The only header that includes yaml-cpp.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace dalgona::yaml {

// Throws InvalidInput "FILE:LINE: reason".
[[noreturn]] void fail(const std::string& file, const YAML::Node& at, std::string_view reason);
// Text that is no YAML is refused with file and line. `file` is only for errors.
YAML::Node parse(std::string_view text, const std::string& file);
// `node` must be a mapping with no other keys than `known` and none twice; the nearest known key is named. `what` says
// what the mapping is ("a field") and may be empty.
void expect_keys(const std::string& file, const YAML::Node& node, std::string_view what,
                 const std::vector<std::string>& known);

}  // namespace dalgona::yaml
