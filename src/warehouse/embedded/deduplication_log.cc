#include "warehouse/embedded/deduplication_log.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::warehouse::embedded {

namespace fs = std::filesystem;

namespace {

// "1\tpart\tid": 1 for added, 2 for dropped.
bool is_record(std::string_view line) {
  return std::count(line.begin(), line.end(), '\t') == 2 && (line.starts_with("1\t") || line.starts_with("2\t")) &&
         line.find("\t\t") == std::string_view::npos && !line.ends_with('\t');
}

// "202609_3_57_1", and "_60" behind it after a mutation: partition and the blocks that the part is made of. A
// partition's own name has no underscore.
struct Part {
  std::string_view partition;
  uint64_t first = 0, last = 0;
};

std::optional<Part> part_of(std::string_view name) {
  const auto words = split(name, '_');
  Part part;
  const auto number = [](std::string_view word, uint64_t& value) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size();
  };
  if (words.size() < 4 || words.size() > 5 || !number(words[1], part.first) || !number(words[2], part.last))
    return std::nullopt;
  part.partition = words[0];
  return part;
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

std::string records_of_parts(std::string_view records, const std::vector<std::string>& folders) {
  std::map<std::string_view, std::map<uint64_t, uint64_t>> there;  // by partition: the last block by the first
  for (const auto& folder : folders)
    if (const auto part = part_of(folder)) {
      uint64_t& last = there[part->partition][part->first];
      last = std::max(last, part->last);
    }
  // Parts that are there do not overlap but for one that covers others, which a merge has replaced.
  const auto covered = [&](const Part& part) {
    const auto blocks = there.find(part.partition);
    if (blocks == there.end()) return false;
    return std::any_of(blocks->second.begin(), blocks->second.upper_bound(part.first),
                       [&](const auto& range) { return range.second >= part.last; });
  };
  std::string kept;
  for (const auto line : split(records, '\n')) {
    if (line.empty()) continue;
    const auto part = part_of(split(line, '\t').at(1));
    if (!line.starts_with("1\t") || !part || covered(*part)) kept.append(line).push_back('\n');
  }
  return kept;
}

size_t repair_deduplication_logs(const fs::path& data) {
  size_t damaged = 0;
  std::error_code none;  // no such folder: nothing to put right
  for (const auto& some : fs::directory_iterator(data / "store", none))
    for (const auto& table : fs::directory_iterator(some.path(), none))
      for (const auto& entry : fs::directory_iterator(table.path() / "deduplication_logs", none)) {
        std::vector<std::string> folders;
        for (const auto& folder : fs::directory_iterator(table.path(), none))
          folders.push_back(folder.path().filename().string());
        const std::string file = read_file(entry.path());
        const std::string whole = records_of_parts(whole_records(file), folders);
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
