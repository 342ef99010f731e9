#include "coffee/post_categories.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::coffee {

PostCategories PostCategories::read(const std::filesystem::path& file) {
  return parse(read_file(file), file.string());
}

PostCategories PostCategories::parse(std::string_view csv, const std::string& file) {
  PostCategories all;
  size_t number = 0;
  for (std::string_view line : split(csv, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty() || number == 1) continue;
    const size_t comma = line.find(',');
    const std::string_view id = line.substr(0, comma);
    const bool digits = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (comma == std::string_view::npos || !digits)
      throw InvalidInput(fmt::format("{}:{}: want category_id,title", file, number));
    std::string_view title = line.substr(comma + 1);
    if (title.size() >= 2 && title.starts_with('"') && title.ends_with('"')) title = title.substr(1, title.size() - 2);
    all.names_[std::string(id)] = title;
  }
  return all;
}

boost::json::value PostCategories::name(std::string_view id) const {
  const auto found = names_.find(id);
  if (found == names_.end()) return nullptr;
  return boost::json::value(found->second);
}

}  // namespace dalgona::coffee
