#include "warehouse/embedded/deduplication_log.h"

#include <algorithm>

#include "base/errors.h"
#include "base/log.h"
#include "base/resources.h"

namespace dalgona::warehouse::embedded {

namespace fs = std::filesystem;

namespace {

// "1\tpart\tid": 1 for added, 2 for dropped.
bool is_record(std::string_view line) {
  return std::count(line.begin(), line.end(), '\t') == 2 && (line.starts_with("1\t") || line.starts_with("2\t")) &&
         line.find("\t\t") == std::string_view::npos && !line.ends_with('\t');
}

}  // namespace

std::string whole_records(std::string_view file) {
  std::string whole;
  for (size_t end = file.find('\n'); end != std::string_view::npos; end = file.find('\n')) {
    std::string_view line = file.substr(0, end);
    file.remove_prefix(end + 1);
    // What stands before a hole is the beginning of a record whose rest is lost.
    if (const auto hole = line.rfind('\0'); hole != std::string_view::npos) line.remove_prefix(hole + 1);
    if (is_record(line)) whole.append(line).push_back('\n');
  }
  return whole;
}

size_t repair_deduplication_logs(const fs::path& data) {
  size_t damaged = 0;
  std::error_code none;  // no such folder: nothing to put right
  for (const auto& some : fs::directory_iterator(data / "store", none))
    for (const auto& table : fs::directory_iterator(some.path(), none))
      for (const auto& entry : fs::directory_iterator(table.path() / "deduplication_logs", none)) {
        const std::string file = read_file(entry.path());
        const std::string whole = whole_records(file);
        if (whole == file) continue;
        ++damaged;
        try {
          write_file(entry.path(), whole, 0600);
        } catch (const Retryable& e) {  // a full disk; what is there can be read all the same
          log::warn("msg=\"a damaged memory of inserts' tokens stays as it is\" error={}", log::quoted(e.what()));
        }
      }
  return damaged;
}

}  // namespace dalgona::warehouse::embedded
