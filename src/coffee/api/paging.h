// Pages: `page` and `size`, or a cursor that stays with the row where it stood (keyset). A cursor is opaque to clients:
// base64url of a small JSON object, with a digest of the question it belongs to. It grants nothing and every value in
// it is bound as a parameter, so it is validated rather than signed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "coffee/api/body.h"

namespace dalgona::coffee {

inline constexpr int64_t kDefaultPageSize = 20;
inline constexpr int64_t kMaxPageSize = 100;
// page * size goes that deep; a cursor goes on.
inline constexpr int64_t kMaxDepthByPage = 10'000;
// Matches are counted so far.
inline constexpr int64_t kMaxCounted = 10'000;

std::string encode_base64url(std::string_view bytes);
// Throws InvalidInput.
std::string decode_base64url(std::string_view text);

// `question` is everything that the rows and their order depend on.
std::string encode_cursor(json::object position, std::string_view question);
// Throws InvalidInput for what encode_cursor() did not make, or made for another question.
json::object decode_cursor(std::string_view text, std::string_view question);

// Values of a position; throw InvalidInput when the cursor lacks them.
int64_t cursor_integer(const json::object& position, std::string_view key);
std::string cursor_text(const json::object& position, std::string_view key);
std::optional<std::string> cursor_optional_text(const json::object& position, std::string_view key);

struct Paging {
  int64_t size = kDefaultPageSize;
  int64_t offset = 0;  // rows before this page, when it is asked for by number
  std::optional<json::object> cursor;
};

// Reads `page`, `size` and `cursor` of a body.
Paging read_paging(const Body& body, std::string_view question);
// "ASC" or "DESC" of `sortDir`, in either case; true for ascending.
bool read_ascending(const Body& body, bool otherwise = false);

}  // namespace dalgona::coffee
