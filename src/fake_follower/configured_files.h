// The files that scoring needs: the ones that ship, or those that the configuration names.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/config.h"
#include "fake_follower/name_index.h"

namespace dalgona::fake_follower {

// The key fake_follower.names; relative paths start at the folder that ships with the program.
std::vector<std::filesystem::path> name_files(const Config& config);

// One index over all files, in their order; doubles count once. Throws InvalidInput naming a file that can't be read,
// and when there is no name at all.
std::shared_ptr<const NameIndex> load_names(const std::vector<std::filesystem::path>& files);

// The learned score's model: `given` when there is one, else the key fake_follower.model_file, relative as above.
std::filesystem::path model_path(const Config& config, const std::string& given);

}  // namespace dalgona::fake_follower
