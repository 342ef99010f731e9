// Lists of words that carry no subject: config/stopwords/LANGUAGE.txt, or any file of one word a line.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::insights {

// Immutable, thread-safe.
class StopWords {
 public:
  // Lower-cased lines of `text`, stripped; empty ones and those that start with "# " are skipped.
  explicit StopWords(std::string_view text);
  // Throws InvalidInput naming the path.
  static std::shared_ptr<const StopWords> from_file(const std::filesystem::path& path);
  // "en", "hi", "en-IN" (the part before the hyphen); throws InvalidInput naming the nearest known language.
  static std::shared_ptr<const StopWords> of_language(std::string_view language);
  // Languages that ship with the program, sorted.
  static std::vector<std::string> languages();

  // `word` in lower case.
  bool contains(std::u32string_view word) const;
  size_t size() const { return count_; }

 private:
  std::u32string chars_;
  struct Slot {
    uint32_t begin = 0, size = 0;
  };
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  size_t count_ = 0;
};

}  // namespace dalgona::insights
