// Files that ship with the program: config/, migrations/, models/, web/dist. Found beside the binary, so that a
// checkout runs as it is.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace dalgona {

// The folder that holds config/dalgona.yaml: $DALGONA_RESOURCES, or the first above the binary that has it. Throws
// Permanent when there is none.
const std::filesystem::path& resource_root();
// resource_root() / relative; the file need not exist.
std::filesystem::path resource(std::string_view relative);

// Throws InvalidInput naming the path and the system's reason.
std::string read_file(const std::filesystem::path& path);
// Writes beside it, syncs and renames, so that readers see the old or the new whole. Throws Retryable (disk full and
// the like).
void write_file(const std::filesystem::path& path, std::string_view bytes, int mode = 0644);

// Path of this program.
std::filesystem::path self_path();

}  // namespace dalgona
