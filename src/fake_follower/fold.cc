#include "fake_follower/fold.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace dalgona::fake_follower {
namespace {

struct Range {
  char32_t first, last;
};
// Blocks whose members are letters and digits in another dress; Unicode's own compatibility mapping undresses most.
constexpr Range kDressed[] = {
    {0x00AA, 0x00AA},    // feminine ordinal
    {0x00B2, 0x00B3},    // superscript two and three
    {0x00B9, 0x00BA},    // superscript one, masculine ordinal
    {0x02B0, 0x02B8},    // modifier letters
    {0x02E0, 0x02E4},    //
    {0x1D2C, 0x1D6A},    // phonetic modifier letters
    {0x1D78, 0x1D78},    //
    {0x1D9B, 0x1DBF},    //
    {0x2070, 0x209C},    // superscripts and subscripts
    {0x2100, 0x214F},    // letter-like symbols
    {0x2160, 0x217F},    // Roman numerals of one letter
    {0x2460, 0x24EA},    // circled, parenthesised, with a full stop
    {0x2C7C, 0x2C7D},    // subscript j, modifier V
    {0xA7F2, 0xA7F9},    // modifier capitals
    {0xAB5C, 0xAB69},    //
    {0xFB00, 0xFB06},    // ligatures
    {0xFF01, 0xFF5E},    // full-width
    {0x1D400, 0x1D7FF},  // mathematical alphanumerics: bold, italic, script, fraktur, double-struck, sans, monospace
    {0x1F100, 0x1F12E},  // parenthesised, bracketed, circled
    {0x1F130, 0x1F149},  // squared
    {0x1FBF0, 0x1FBF9},  // segmented digits
};

// Small capitals a to z; Unicode sees them as phonetic letters and maps them to nothing.
constexpr char32_t kSmallCapitals[26] = {0x1D00, 0x0299, 0x1D04, 0x1D05, 0x1D07, 0xA730, 0x0262, 0x029C, 0x026A,
                                         0x1D0A, 0x1D0B, 0x029F, 0x1D0D, 0x0274, 0x1D0F, 0x1D18, 0xA7AF, 0x0280,
                                         0xA731, 0x1D1B, 0x1D1C, 0x1D20, 0x1D21, 0,      0x028F, 0x1D22};

bool is_plain_alphanumeric(char32_t c) {
  return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

// What the compatibility mapping of `c` holds of letters and digits: "(a)" gives a, "10." gives 10.
void append_mapped(char32_t c, std::u32string& out) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  icu::UnicodeString mapped;
  if (U_FAILURE(status) || !nfkc->getDecomposition(static_cast<UChar32>(c), mapped)) {
    out.push_back(c);
    return;
  }
  bool any = false;
  for (int32_t i = 0; i < mapped.length(); ++i) any = any || is_plain_alphanumeric(mapped.charAt(i));
  for (int32_t i = 0; i < mapped.length();) {
    const auto m = static_cast<char32_t>(mapped.char32At(i));
    i += U16_LENGTH(static_cast<UChar32>(m));
    if (!any || is_plain_alphanumeric(m)) out.push_back(m);
  }
}

void append_folded(char32_t c, std::u32string& out) {
  if (c < 0xAA) {
    out.push_back(c);
    return;
  }
  for (size_t i = 0; i < 26; ++i) {
    if (kSmallCapitals[i] == c) {
      out.push_back('a' + static_cast<char32_t>(i));
      return;
    }
  }
  if (c >= 0x1F150 && c <= 0x1F169) return out.push_back('A' + (c - 0x1F150));  // negative circled
  if (c >= 0x1F170 && c <= 0x1F189) return out.push_back('A' + (c - 0x1F170));  // negative squared
  if (c >= 0x1F1E6 && c <= 0x1F1FF) return out.push_back('A' + (c - 0x1F1E6));  // regional indicators
  if (c == 0x24FF) return out.push_back('0');                                   // negative circled digits
  if (c >= 0x24F5 && c <= 0x24FD) return out.push_back('1' + (c - 0x24F5));
  if (c >= 0x2776 && c <= 0x277E) return out.push_back('1' + (c - 0x2776));
  if (c >= 0x2780 && c <= 0x2788) return out.push_back('1' + (c - 0x2780));     // circled sans-serif digits
  if (c >= 0x278A && c <= 0x2792) return out.push_back('1' + (c - 0x278A));     // the same, negative
  if (c >= 0x1CCD6 && c <= 0x1CCEF) return out.push_back('A' + (c - 0x1CCD6));  // outlined (Unicode 16, which ICU 72
  if (c >= 0x1CCF0 && c <= 0x1CCF9) return out.push_back('0' + (c - 0x1CCF0));  // does not know)
  for (const Range& range : kDressed)
    if (c >= range.first && c <= range.last) return append_mapped(c, out);
  out.push_back(c);
}

}  // namespace

std::u32string fold(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_folded(c, out);
  return out;
}

char32_t fold(char32_t c) {
  std::u32string out;
  append_folded(c, out);
  return out.size() == 1 ? out[0] : c;
}

}  // namespace dalgona::fake_follower
