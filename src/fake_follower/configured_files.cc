#include "fake_follower/configured_files.h"

#include "base/errors.h"
#include "base/resources.h"

namespace dalgona::fake_follower {

std::vector<std::filesystem::path> name_files(const Config& config) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : config.list("fake_follower.names")) files.push_back(resource(path));
  return files;
}

std::shared_ptr<const NameIndex> load_names(const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> names;
  for (const auto& file : files) {
    auto more = read_names(file);
    names.insert(names.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (names.empty()) throw InvalidInput("fake_follower.names: no name in any list");
  return std::make_shared<const NameIndex>(names);
}

std::filesystem::path model_path(const Config& config, const std::string& given) {
  return given.empty() ? resource(config.text("fake_follower.model_file")) : std::filesystem::path(given);
}

}  // namespace dalgona::fake_follower
