// Code points and what keyword extraction must know of each. ICU is asked once for the basic plane and its answers kept
// in a table, since every character of every text is looked up several times.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dalgona::insights::unicode {

enum Class : uint16_t {
  kLetter = 1 << 0,       // Lu, Ll, Lt, Lm
  kNumber = 1 << 1,       // Nd, Nl
  kOtherLetter = 1 << 2,  // Lo: Indic scripts, CJK, Arabic
  kMark = 1 << 3,         // Mn, Mc, Me
  kSpace = 1 << 4,        // White_Space and the ASCII information separators
  kUpper = 1 << 5,        // Uppercase
  kLower = 1 << 6,        // Ll
  kDigit = 1 << 7,        // Numeric_Type Decimal or Digit (superscripts too)
  kPunct = 1 << 8,        // the 32 ASCII marks
  kTerminal = 1 << 9,     // ends a sentence: . ! ? and the doubled, ideographic, small and full-width ones
  kNoSpaces = 1 << 10,    // of a script written without spaces between words: Han, Kana, Thai, Lao, Khmer, Burmese
  kShortWords = 1 << 11,  // of a script in which two characters make a full word: the ones above and Hangul
  kTitle = 1 << 12,       // Lu or Lt
};

constexpr uint16_t kWord = kLetter | kNumber;
constexpr uint16_t kAlpha = kLetter | kOtherLetter;

namespace internal {
const uint16_t* basic_plane();
uint16_t beyond(char32_t c);
}  // namespace internal

inline uint16_t classes(char32_t c) {
  static const uint16_t* const table = internal::basic_plane();
  return c < 0x10000 ? table[c] : internal::beyond(c);
}
inline bool is(char32_t c, uint16_t wanted) {
  return (classes(c) & wanted) != 0;
}

// Appends the code points of `bytes`; every ill-formed byte becomes U+FFFD.
void decode(std::string_view bytes, std::u32string& out);
void encode(std::u32string_view text, std::string& out);
std::string to_utf8(std::u32string_view text);
std::u32string from_utf8(std::string_view bytes);

// Appends the lower-case form, one code point to one or more (İ), with the final sigma.
void append_lower(std::u32string_view text, std::u32string& out);
// Normalisation form C, in place.
void compose(std::u32string& text);

uint64_t hash(std::u32string_view text);

}  // namespace dalgona::insights::unicode
