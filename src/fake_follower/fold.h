// Letters in fancy dress, undressed: what people put into display names to look bold, bubbly or wide.
#pragma once
#include <string>
#include <string_view>

namespace dalgona::fake_follower {

// Mathematical, letter-like, enclosed (circled, squared, parenthesised, negative ones, regional indicators),
// full-width, superscript, subscript and small-capital letters and digits become plain ones; all else stays as it is.
// The decorated letters' case is kept.
std::u32string fold(std::u32string_view text);

// The plain form of one code point; the code point itself when it is plain.
char32_t fold(char32_t c);

}  // namespace dalgona::fake_follower
