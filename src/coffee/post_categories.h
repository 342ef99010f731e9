// Names of YouTube's video categories, from the seed that stir's models use, so that there is one list.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace dalgona::coffee {

// Immutable once read.
class PostCategories {
 public:
  // "category_id,title" lines under a header. Throws InvalidInput naming file and line.
  static PostCategories read(const std::filesystem::path& file);
  static PostCategories parse(std::string_view csv, const std::string& file);

  // The name, or null for an id that is not in the list. `id` as the store prints it.
  boost::json::value name(std::string_view id) const;

 private:
  std::map<std::string, std::string, std::less<>> names_;
};

}  // namespace dalgona::coffee
