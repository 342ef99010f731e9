// Reads a file of daily trending snapshots into a population. docs/sandbox.md says which columns and what is derived.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/population.h"

namespace dalgona::sandbox {

struct LoadReport {
  size_t rows = 0;       // records below the header
  size_t snapshots = 0;  // videos times days
  size_t doubled = 0;    // rows that a later row of the same video and day replaced
  size_t damaged = 0;
  struct Damage {
    size_t line;
    std::string reason;
  };
  std::vector<Damage> damages;  // the first kMaxDamages
  static constexpr size_t kMaxDamages = 1000;
};

// `year` completes dates that have none (dd.mm). Throws InvalidInput when the header lacks a column or no row is good.
std::pair<Population, LoadReport> read_dataset(std::string_view text, int year);
std::pair<Population, LoadReport> read_dataset_file(const std::filesystem::path& path, int year);

// Throws InvalidInput: "13.09" with `year`, "13.09.2017", "2017-09-13"; `year_first`: "17.14.11" is 2017-11-14.
Day parse_day(std::string_view text, int year, bool year_first);

}  // namespace dalgona::sandbox
