// Comma-separated values as files in the wild have them: RFC 4180 with quotes and line breaks in fields, any line
// ending, a byte order mark, and damage that costs its own line only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::sandbox {

struct CsvRecord {
  size_t line = 0;  // of the file, from 1, on which the record begins
  std::vector<std::string> cells;
  bool unterminated = false;  // a quote opened in it was never closed
  bool spans_lines = false;
  bool loose = false;  // text between a closing quote and the next comma: taken into the field
};

// The text must outlive the reader.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text);
  // False at the end. Lines without a character are skipped. A quote that isn't closed within kMaxRecord bytes ends the
  // record at the end of its first line.
  bool next(CsvRecord& record);
  // After a record that turned out to be damaged: goes on with the line after its first one, since a stray quote may
  // have swallowed good lines.
  void retry_after_first_line();

  static constexpr size_t kMaxRecord = 64 * 1024;

 private:
  // Reads one record from `at_`; false when a quote stays open.
  bool read(CsvRecord& record);
  size_t end_of_line(size_t at) const;  // position after the line break
  std::string_view text_;
  size_t at_ = 0, line_ = 1;
  size_t record_start_ = 0, record_line_ = 1;
};

}  // namespace dalgona::sandbox
