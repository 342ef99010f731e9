// `dalgona doctor`: what is wrong with this machine or this home, and how to mend it.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace dalgona {

struct Finding {
  enum class Grade { kGood, kWarning, kBad };
  Grade grade = Grade::kGood;
  std::string subject;  // "disk space"
  std::string detail;   // what was found
  std::string mend;     // what to do; empty when good
};

// Looks, changes nothing.
std::vector<Finding> examine(const std::filesystem::path& home, const std::string& config_file);

}  // namespace dalgona
