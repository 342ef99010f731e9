// Keeps the process to the files that it needs, by Landlock (Linux 5.19 and later; no privilege is asked). SQL can name
// files: file('...'), File tables, dictionaries, BACKUP. Without this they are all those that the process's user can
// read, the passwords of the other stores in the home among them, and as root every one. Private to this room.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dalgona::warehouse::embedded {

// Folders with all that is below them, or single files; those that do not exist are passed over.
struct NeededFiles {
  std::vector<std::filesystem::path> read;   // and execute
  std::vector<std::filesystem::path> write;  // and everything else
};

// What the C library and the engine read wherever they run: libraries, time zones, names of hosts, certificates, the
// machine's size.
NeededFiles system_files();

// Besides `files` the process's own folder of /proc can be read, no other's: root reads the environment of all.
// Holds for the calling thread and for all that it starts from now on, and can't be undone; so it is called before
// there are other threads. Gives the reason when the kernel can't do it, and nothing is changed then. Throws Permanent
// when it fails half-way.
std::optional<std::string> confine(const NeededFiles& files);

}  // namespace dalgona::warehouse::embedded
