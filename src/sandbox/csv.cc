#include "sandbox/csv.h"

#include <algorithm>

namespace dalgona::sandbox {

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
}

size_t CsvReader::end_of_line(size_t at) const {
  const size_t end = std::min(text_.find_first_of("\r\n", at), text_.size());
  if (end == text_.size()) return end;
  return end + (text_.substr(end, 2) == "\r\n" ? 2 : 1);
}

bool CsvReader::next(CsvRecord& record) {
  while (at_ < text_.size() && (text_[at_] == '\r' || text_[at_] == '\n')) {
    at_ = end_of_line(at_);
    ++line_;
  }
  if (at_ >= text_.size()) return false;
  record_start_ = at_;
  record_line_ = line_;
  record = CsvRecord{};
  record.line = line_;
  if (!read(record)) {
    record.unterminated = true;
    retry_after_first_line();
  }
  return true;
}

bool CsvReader::read(CsvRecord& record) {
  const size_t limit = std::min(text_.size(), record_start_ + kMaxRecord);
  std::string cell;
  bool quoted = false;      // inside quotes
  bool closed = false;      // behind the closing quote
  bool cell_begins = true;  // a quote opens a field only as its first character
  for (size_t i = at_; i < limit;) {
    const char c = text_[i];
    if (quoted) {
      if (c == '"' && text_.substr(i + 1, 1) == "\"") {
        cell += '"';
        i += 2;
      } else if (c == '"') {
        quoted = false;
        closed = true;
        ++i;
      } else if (c == '\r' || c == '\n') {
        const size_t end = end_of_line(i);
        cell.append(text_.substr(i, end - i));
        record.spans_lines = true;
        ++line_;
        i = end;
      } else {
        cell += c;
        ++i;
      }
      continue;
    }
    if (c == '\r' || c == '\n') {
      record.cells.push_back(std::move(cell));
      at_ = end_of_line(i);
      ++line_;
      return true;
    }
    if (c == '"' && cell_begins) {
      quoted = true;
      cell_begins = false;
    } else if (c == ',') {
      record.cells.push_back(std::move(cell));
      cell.clear();
      cell_begins = true;
      closed = false;
    } else {
      record.loose = record.loose || closed;
      cell += c;
      cell_begins = false;
    }
    ++i;
  }
  if (quoted || limit < text_.size()) return false;
  record.cells.push_back(std::move(cell));
  at_ = text_.size();
  return true;
}

void CsvReader::retry_after_first_line() {
  at_ = end_of_line(record_start_);
  line_ = record_line_ + 1;
}

}  // namespace dalgona::sandbox
