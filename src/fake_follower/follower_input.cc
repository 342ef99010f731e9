#include "fake_follower/follower_input.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/errors.h"
#include "base/text.h"
#include "fake_follower/account_fields.h"

namespace dalgona::fake_follower {
namespace {

// What a column or field holds; from kAccount on, a place in kAccountFields.
constexpr int kNoField = -1, kHandle = 0, kName = 1, kAccount = 2;

int field_of(std::string_view name) {
  if (name == "follower_handle") return kHandle;
  if (name == "follower_full_name") return kName;
  const size_t field = account_field(name);
  return field < kAccountFields.size() ? kAccount + static_cast<int>(field) : kNoField;
}

size_t account_field_of(int field) {
  return static_cast<size_t>(field - kAccount);
}

// The figures that follow from the handle, beside what the line told.
void begin(Follower& follower, std::string_view handle) {
  if (trim(handle).empty()) throw InvalidInput("'follower_handle' is empty");
  follower.handle = handle;
  follower.account.count_handle(handle);
}

}  // namespace

struct FollowerInput::Parser::Json {
  simdjson::dom::parser parser;
};

FollowerInput::Parser::Parser(FollowerInput& input) : input_(input), json_(std::make_unique<Json>()) {}
FollowerInput::Parser::~Parser() = default;

bool FollowerInput::Parser::parse(const insights::Line& line, Follower& follower) {
  follower.handle.clear();
  follower.full_name.clear();
  follower.account = {};
  std::string_view text = line.text;
  if (line.number == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (input_.format_ == FollowerFormat::kCsv && line.number == 1) {
    input_.set_header(text);
    return false;
  }
  if (trim(text).empty()) throw InvalidInput("empty");
  if (input_.format_ == FollowerFormat::kCsv) return parse_csv(text, follower);
  parse_ndjson(text, follower);
  return true;
}

void FollowerInput::Parser::parse_ndjson(std::string_view line, Follower& follower) {
  simdjson::dom::element document;
  if (const auto error = json_->parser.parse(line.data(), line.size()).get(document))
    throw InvalidInput(std::string("not JSON: ") + simdjson::error_message(error));
  simdjson::dom::object object;
  if (document.get(object)) throw InvalidInput("not a JSON object");
  bool has_handle = false;
  for (const auto& [key, value] : object) {
    const int field = field_of(key);
    if (field >= kAccount) set_account_field(follower.account, account_field_of(field), value);
    if ((field != kHandle && field != kName) || (field == kName && value.is_null())) continue;
    std::string_view text;
    if (value.get(text)) throw InvalidInput(fmt::format("'{}' is not a text", key));
    if (field == kHandle) {
      begin(follower, text);
      has_handle = true;
    } else {
      follower.full_name = text;
    }
  }
  if (!has_handle) throw InvalidInput("'follower_handle' is missing");
}

bool FollowerInput::Parser::parse_csv(std::string_view line, Follower& follower) {
  const std::vector<int>& columns = input_.await_header();
  split_csv(line, cells_);
  if (cells_.size() != columns.size())
    throw InvalidInput(fmt::format("{} cells, but the header has {}", cells_.size(), columns.size()));
  for (size_t c = 0; c < cells_.size(); ++c) {
    const std::string_view cell = cells_[c];
    if (columns[c] == kHandle) {
      if (cell == "follower_handle") return false;  // a further file's header
      begin(follower, cell);
    } else if (columns[c] == kName) {
      follower.full_name = cell;
    } else if (columns[c] >= kAccount) {
      set_account_field(follower.account, account_field_of(columns[c]), cell);
    }
  }
  return true;
}

void FollowerInput::set_header(std::string_view line) {
  std::string error;
  std::vector<int> columns;
  try {
    std::vector<std::string> cells;
    split_csv(line, cells);
    for (const std::string& cell : cells) {
      const int field = field_of(to_lower_ascii(trim(cell)));
      if (field != kNoField && std::count(columns.begin(), columns.end(), field) > 0)
        throw InvalidInput(fmt::format("'{}' is there twice", to_lower_ascii(trim(cell))));
      columns.push_back(field);
    }
    if (std::count(columns.begin(), columns.end(), kHandle) == 0) throw InvalidInput("no column 'follower_handle'");
  } catch (const InvalidInput& e) {
    error = fmt::format("line 1, the header: {}", e.what());
  }
  {
    const std::lock_guard lock(mutex_);
    columns_ = std::move(columns);
    error_ = error;
    ready_ = true;
  }
  known_.notify_all();
  if (!error.empty()) throw Permanent(error);
}

const std::vector<int>& FollowerInput::await_header() {
  std::unique_lock lock(mutex_);
  known_.wait(lock, [&] { return ready_; });
  if (!error_.empty()) throw Permanent(error_);
  return columns_;
}

void FollowerInput::refused(const insights::Line& line, std::string_view reason) {
  if (format_ != FollowerFormat::kCsv || line.number != 1) return;
  const std::string error = fmt::format("line 1, the header: {}", reason);
  {
    const std::lock_guard lock(mutex_);
    error_ = error;
    ready_ = true;
  }
  known_.notify_all();
  throw Permanent(error);
}

std::string FollowerInput::header_error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

void split_csv(std::string_view line, std::vector<std::string>& cells) {
  cells.clear();
  for (size_t at = 0;;) {
    std::string& cell = cells.emplace_back();
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) throw InvalidInput("a quote is left open");
        if (line[at] != '"') {
          cell.push_back(line[at]);
        } else if (at + 1 < line.size() && line[at + 1] == '"') {
          cell.push_back(line[++at]);
        } else {
          ++at;
          break;
        }
      }
    }
    const size_t comma = std::min(line.find(',', at), line.size());
    cell.append(line.substr(at, comma - at));
    if (comma == line.size()) return;
    at = comma + 1;
  }
}

}  // namespace dalgona::fake_follower
