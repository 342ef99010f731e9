#include "fake_follower/follower_input.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/errors.h"
#include "base/text.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

enum Field {
  kHandle,
  kName,
  kFollowers,
  kFollowings,
  kPosts,
  kBiography,
  kBioLength,
  kHasPicture,
  kIsPrivate,
  kFields
};
constexpr std::array<std::string_view, kFields> kNames{
    "follower_handle", "follower_full_name", "followers",   "followings", "posts",
    "biography",       "bio_length",         "has_picture", "is_private"};
int field_of(std::string_view name) {
  return static_cast<int>(std::find(kNames.begin(), kNames.end(), name) - kNames.begin());
}

constexpr double kMostCount = 1e12;

void set_number(Account& account, int field, double number) {
  const std::string_view name = kNames[static_cast<size_t>(field)];
  if (field == kHasPicture || field == kIsPrivate) {
    if (number != 0 && number != 1) throw InvalidInput(fmt::format("'{}' is neither true nor false", name));
    (field == kHasPicture ? account.has_picture : account.is_private) = number == 1;
    return;
  }
  if (!(number >= 0 && number <= kMostCount) || number != std::floor(number))
    throw InvalidInput(fmt::format("'{}' is not a count", name));
  (field == kFollowers    ? account.followers
   : field == kFollowings ? account.followings
   : field == kPosts      ? account.posts
                          : account.bio_length) = number;
}

void set_text(Follower& follower, int field, std::string_view text) {
  if (field == kName) follower.full_name = text;
  if (field == kBiography) follower.account.bio_length = static_cast<double>(insights::unicode::from_utf8(text).size());
}

// The figures that follow from the handle, beside what the line told.
void begin(Follower& follower, std::string_view handle) {
  if (trim(handle).empty()) throw InvalidInput("'follower_handle' is empty");
  follower.handle = handle;
  const Account of = Account::of_handle(handle);
  follower.account.handle_digits = of.handle_digits;
  follower.account.handle_length = of.handle_length;
}

double number_of(std::string_view cell, std::string_view field) {
  if (cell == "true") return 1;
  if (cell == "false") return 0;
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc{} || end != cell.data() + cell.size())
    throw InvalidInput(fmt::format("'{}' is not a number", field));
  return number;
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
    if (field == kFields || (value.is_null() && field != kHandle)) continue;
    std::string_view text;
    double number = 0;
    bool flag = false;
    if (field == kHandle || field == kName || field == kBiography) {
      if (value.get(text)) throw InvalidInput(fmt::format("'{}' is not a text", key));
      if (field == kHandle) {
        begin(follower, text);
        has_handle = true;
      } else {
        set_text(follower, field, text);
      }
    } else if (!value.get(flag)) {
      if (field != kHasPicture && field != kIsPrivate) throw InvalidInput(fmt::format("'{}' is not a count", key));
      set_number(follower.account, field, flag ? 1 : 0);
    } else if (!value.get(number)) {
      set_number(follower.account, field, number);
    } else {
      throw InvalidInput(fmt::format("'{}' is not a number", key));
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
      if (cell == kNames[kHandle]) return false;  // a further file's header
      begin(follower, cell);
    } else if (columns[c] < 0 || cell.empty()) {
      continue;
    } else if (columns[c] == kName || columns[c] == kBiography) {
      set_text(follower, columns[c], cell);
    } else {
      const std::string_view trimmed = trim(cell);
      set_number(follower.account, columns[c], number_of(trimmed, kNames[static_cast<size_t>(columns[c])]));
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
      if (field < kFields && std::count(columns.begin(), columns.end(), field) > 0)
        throw InvalidInput(fmt::format("'{}' is there twice", kNames[static_cast<size_t>(field)]));
      columns.push_back(field < kFields ? field : -1);
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
