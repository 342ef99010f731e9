// The similarities that keep near-doubles out of a list of keywords.
#pragma once
#include <cstddef>
#include <string_view>

namespace dalgona::insights {

// Edit distance with insertions, deletions and substitutions of one code point each; bit-parallel (Myers 1999, in
// Hyyro's form), O(|a| * |b| / 64).
size_t levenshtein(std::u32string_view a, std::u32string_view b);

// Jaro's similarity, 0 to 1.
double jaro(std::u32string_view a, std::u32string_view b);

}  // namespace dalgona::insights
