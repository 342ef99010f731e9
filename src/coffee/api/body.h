// Reading of requests: bodies, path parameters and the words in them, each complaint naming its field and the nearest
// known word. All throw InvalidInput.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/clock.h"
#include "base/http/server.h"

namespace dalgona::coffee {

namespace json = boost::json;

// Longest text taken from outside, in bytes: identifiers of every platform and what one types into a search box.
inline constexpr size_t kMaxText = 512;
// Of a request, in bytes: room for a filter of 1,000 ids.
inline constexpr uint64_t kMaxBody = 64 * 1024;

// A JSON object with known keys only. An empty body is {}. A body that is declared as something other than JSON is
// refused as 415: it keeps forms of foreign pages out.
class Body {
 public:
  Body(const http::Request& request, std::vector<std::string> known);

  // Missing and null are nothing.
  std::optional<std::string> text(std::string_view key, size_t max = kMaxText) const;
  std::optional<int64_t> integer(std::string_view key, int64_t low, int64_t high) const;
  std::optional<Time> date(std::string_view key) const;
  const json::array* list(std::string_view key) const;

 private:
  const json::value* find(std::string_view key) const;
  json::object object_;
};

// A text from outside: UTF-8, at most `max` bytes, without control characters. `what` names it in the complaint.
std::string checked_text(std::string text, std::string_view what, size_t max = kMaxText);
// A path parameter, checked so and not empty.
std::string path_text(const http::Request& request, std::string_view name);
// `word` when it is one of `known`, else a complaint "what: unknown KIND 'word', did you mean 'x'? Known: a, b".
std::string known_word(const std::string& word, std::span<const std::string> known, std::string_view what,
                       std::string_view kind);
// "YYYY-MM-DD" only, years 1 to 9999.
Time parse_date(std::string_view text, std::string_view what);

}  // namespace dalgona::coffee
