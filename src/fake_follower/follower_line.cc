#include "fake_follower/follower_line.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "fake_follower/account_fields.h"

namespace dalgona::fake_follower {

FollowerReader::FollowerReader(LineOptions options) : options_(std::move(options)) {}

FollowerLine FollowerReader::read(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // a byte order mark
  FollowerLine follower = options_.format == LineFormat::kNdjson ? read_json(line)
                          : options_.format == LineFormat::kCsv  ? read_csv(line)
                                                                 : read_text(line);
  if (follower.handle.empty() && !follower.header) throw InvalidInput("the handle is empty");
  return follower;
}

FollowerLine FollowerReader::read_json(std::string_view line) {
  simdjson::dom::element document;
  if (const auto error = parser_.parse(line.data(), line.size()).get(document))
    throw InvalidInput(fmt::format("not JSON: {}", simdjson::error_message(error)));
  simdjson::dom::object object;
  if (document.get(object)) throw InvalidInput("not a JSON object");
  FollowerLine follower;
  bool has_handle = false, has_name = false;
  for (const auto& [key, value] : object) {  // of a field given twice the first counts
    if (key == options_.handle_field && !has_handle) {
      if (value.get(follower.handle)) throw InvalidInput(fmt::format("field '{}' is no text", key));
      has_handle = true;
    } else if (key == options_.name_field && !has_name) {
      if (!value.is_null() && value.get(follower.full_name))
        throw InvalidInput(fmt::format("field '{}' is no text", key));
      has_name = true;
    } else if (options_.account) {
      if (const size_t field = account_field(key); field < kAccountFields.size())
        set_account_field(follower.account, field, value);
    }
  }
  if (!has_handle) throw InvalidInput(fmt::format("no field '{}'", options_.handle_field));
  if (!has_name) throw InvalidInput(fmt::format("no field '{}'", options_.name_field));
  return follower;
}

FollowerLine FollowerReader::read_csv(std::string_view line) {
  handle_.clear();
  name_.clear();
  size_t column = 0, at = 0;
  bool more = true;
  while (more) {
    ++column;
    std::string* into = column == options_.handle_column ? &handle_ : column == options_.name_column ? &name_ : nullptr;
    const auto take = [&](std::string_view piece) {
      if (into) into->append(piece);
    };
    if (at < line.size() && line[at] == '"') {
      for (++at;;) {
        const size_t quote = line.find('"', at);
        if (quote == std::string_view::npos)
          throw InvalidInput(fmt::format("column {}: the quote is not closed on its line", column));
        take(line.substr(at, quote - at));
        at = quote + 1;
        if (at >= line.size() || line[at] != '"') break;
        take("\"");
        ++at;
      }
      if (at < line.size() && line[at] != ',')
        throw InvalidInput(fmt::format("column {}: text behind the closing quote", column));
    } else {
      const size_t comma = std::min(line.find(',', at), line.size());
      take(line.substr(at, comma - at));
      at = comma;
    }
    more = at < line.size();
    ++at;
  }
  const size_t wanted = std::max(options_.handle_column, options_.name_column);
  if (column < wanted) throw InvalidInput(fmt::format("{} columns, {} are needed", column, wanted));
  return {handle_, name_, handle_ == options_.handle_field && name_ == options_.name_field, {}};
}

FollowerLine FollowerReader::read_text(std::string_view line) const {
  const size_t tab = line.find('\t');
  if (tab == std::string_view::npos) throw InvalidInput("no tab between handle and name");
  FollowerLine follower{line.substr(0, tab), line.substr(tab + 1), false, {}};
  follower.header = follower.handle == options_.handle_field && follower.full_name == options_.name_field;
  return follower;
}

}  // namespace dalgona::fake_follower
