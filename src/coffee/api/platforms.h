// The platforms that are served, as data: another one is an entry here. Names are upper case in every API and store.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::coffee {

struct Platform {
  std::string name;
  // What beat knows, one row a profile and a post, in the columns that the queries of this room read.
  // Sub-selects rather than tables, so that each platform's own column names end here.
  std::string_view profiles;
  std::string_view posts;
};

const std::vector<Platform>& platforms();
const std::vector<std::string>& platform_names();
// Throws InvalidInput naming the nearest.
const Platform& find_platform(const std::string& name);

}  // namespace dalgona::coffee
