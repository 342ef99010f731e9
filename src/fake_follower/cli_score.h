// `dalgona fake-follower score`: every feature, the rule score and the reasons of each follower.
#pragma once
#include <CLI/CLI.hpp>

namespace dalgona::fake_follower {

void register_score(CLI::App& fake_follower);

}  // namespace dalgona::fake_follower
