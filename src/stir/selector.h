// dbt's node selection: names, tag:, path:, source:, config.KEY:, resource_type:, test_type:, globs, graph operators
// (+x, x+, 2+x+1, @x), a comma for both, a blank for either.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "stir/project.h"

namespace dalgona::stir {

// Ids. No `select` means everything. Throws InvalidInput for a selector that can't be read or that finds nothing.
std::set<std::string> select_nodes(const Project& project, const std::vector<std::string>& select,
                                   const std::vector<std::string>& exclude = {});

}  // namespace dalgona::stir
