// The roles that `dalgona up` runs, as data: adding a role is a line in roles.cc.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona {

struct RoleSpec {
  std::string_view command;  // `dalgona COMMAND` runs it in the foreground
  std::string_view section;  // of the config; SECTION.port is its port
  // Parts that must answer before it starts: stores ("postgres" is migrated by then), roles. A part that does not take
  // part (a store that is a URL) counts as there.
  std::vector<std::string_view> after;
};

// In the order of starting; stopped in the opposite one.
std::span<const RoleSpec> known_roles();

}  // namespace dalgona
