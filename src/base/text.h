// Small pure functions over strings that more than one room needs.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona {

// The element of `known` with the smallest Levenshtein distance to `word`, or "" when nothing is within half of the
// word's length (at least 2).
std::string nearest(std::string_view word, std::span<const std::string> known);
// ", did you mean 'x'?" or "" when nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

// Splits at every `at`; keeps empty pieces; "" gives one empty piece.
std::vector<std::string_view> split(std::string_view text, char at);
// Without ASCII white space at both ends.
std::string_view trim(std::string_view text);
std::string to_lower_ascii(std::string_view text);

// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view bytes);
// Every ill-formed byte becomes U+FFFD.
std::string to_utf8_lossy(std::string_view bytes);

// Random bytes from the kernel, as lower-case hex, 2 characters a byte. For secrets.
std::string random_hex(size_t bytes);

}  // namespace dalgona
