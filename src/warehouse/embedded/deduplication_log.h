// The engine's memory of insert_deduplication_token: a file of lines a table, which it appends to and never syncs.
// Private to this room.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::warehouse::embedded {

// The records of such a file that are whole. After a loss of power it has runs of NUL bytes where pages did not reach
// the disk, and may end within a record. The engine reads as far as the first of them and appends behind it, so that it
// forgets at its next start every token it has taken since.
std::string whole_records(std::string_view file);

// The records, less the tokens whose part is nowhere: no folder of the table's covers its blocks. The engine notes a
// token before it moves the part in, so a kill between the two would have it swallow the repetition.
std::string records_of_parts(std::string_view records, const std::vector<std::string>& folders);

// Puts the files below the engine's data folder right; called before the engine opens them. Gives how many were
// damaged. One that can't be written, for the disk is full, stays as it is and is logged.
size_t repair_deduplication_logs(const std::filesystem::path& data);

}  // namespace dalgona::warehouse::embedded
