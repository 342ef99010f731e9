#include "insights/keywords/unicode.h"

#include <memory>

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

namespace dalgona::insights::unicode {
namespace {

bool is_terminal(char32_t c) {
  switch (c) {
    case '.':
    case '!':
    case '?':
    case 0x203C:
    case 0x203D:
    case 0x2047:
    case 0x2048:
    case 0x2049:
    case 0x3002:
    case 0xFE52:
    case 0xFE57:
    case 0xFF01:
    case 0xFF0E:
    case 0xFF1F:
    case 0xFF61:
      return true;
    default:
      return false;
  }
}

bool is_ascii_mark(char32_t c) {
  return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) || (c >= 0x7B && c <= 0x7E);
}

uint16_t ask_icu(char32_t code) {
  const auto c = static_cast<UChar32>(code);
  uint16_t found = 0;
  switch (u_charType(c)) {
    case U_UPPERCASE_LETTER:
    case U_TITLECASE_LETTER:
      found |= kLetter | kTitle;
      break;
    case U_LOWERCASE_LETTER:
      found |= kLetter | kLower;
      break;
    case U_MODIFIER_LETTER:
      found |= kLetter;
      break;
    case U_OTHER_LETTER:
      found |= kOtherLetter;
      break;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
      found |= kNumber;
      break;
    case U_NON_SPACING_MARK:
    case U_COMBINING_SPACING_MARK:
    case U_ENCLOSING_MARK:
      found |= kMark;
      break;
    default:
      break;
  }
  if (u_isUWhiteSpace(c) || (c >= 0x1C && c <= 0x1F)) found |= kSpace;
  if (u_isUUppercase(c)) found |= kUpper;
  const int32_t numeric = u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE);
  if (numeric == U_NT_DECIMAL || numeric == U_NT_DIGIT) found |= kDigit;
  if (is_ascii_mark(code)) found |= kPunct;
  if (is_terminal(code)) found |= kTerminal;
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(c, &status)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
      found |= kNoSpaces | kShortWords;
      break;
    case USCRIPT_HANGUL:
      found |= kShortWords;
      break;
    default:
      break;
  }
  return found;
}

icu::UnicodeString to_icu(std::u32string_view text) {
  return icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                       static_cast<int32_t>(text.size()));
}

void append_icu(const icu::UnicodeString& from, std::u32string& out) {
  for (int32_t i = 0; i < from.length();) {
    const UChar32 c = from.char32At(i);
    out.push_back(static_cast<char32_t>(c));
    i += U16_LENGTH(c);
  }
}

}  // namespace

namespace internal {

const uint16_t* basic_plane() {
  static const std::unique_ptr<uint16_t[]> table = [] {
    auto made = std::make_unique<uint16_t[]>(0x10000);
    for (char32_t c = 0; c < 0x10000; ++c) made[c] = ask_icu(c);
    return made;
  }();
  return table.get();
}

uint16_t beyond(char32_t c) {
  return c < 0x110000 ? ask_icu(c) : 0;
}

}  // namespace internal

void decode(std::string_view bytes, std::u32string& out) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = p + bytes.size();
  const size_t base = out.size();
  out.resize(base + bytes.size());
  char32_t* to = out.data() + base;
  const auto follows = [end](const unsigned char* q) { return q < end && (*q & 0xC0) == 0x80; };
  while (p < end) {
    const unsigned char c = *p;
    if (c < 0x80) {
      *to++ = c;
      ++p;
    } else if (c >= 0xC2 && c <= 0xDF && follows(p + 1)) {
      *to++ = static_cast<char32_t>((c & 0x1F) << 6 | (p[1] & 0x3F));
      p += 2;
    } else if ((c & 0xF0) == 0xE0 && follows(p + 1) && follows(p + 2) && !(c == 0xE0 && p[1] < 0xA0) &&
               !(c == 0xED && p[1] > 0x9F)) {
      *to++ = static_cast<char32_t>((c & 0x0F) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F));
      p += 3;
    } else if (c >= 0xF0 && c <= 0xF4 && follows(p + 1) && follows(p + 2) && follows(p + 3) &&
               !(c == 0xF0 && p[1] < 0x90) && !(c == 0xF4 && p[1] > 0x8F)) {
      *to++ = static_cast<char32_t>((c & 0x07) << 18 | (p[1] & 0x3F) << 12 | (p[2] & 0x3F) << 6 | (p[3] & 0x3F));
      p += 4;
    } else {
      *to++ = 0xFFFD;
      ++p;
    }
  }
  out.resize(static_cast<size_t>(to - out.data()));
}

void encode(std::u32string_view text, std::string& out) {
  for (const char32_t c : text) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      out.push_back(static_cast<char>(0xC0 | c >> 6));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
      out.push_back(static_cast<char>(0xE0 | c >> 12));
      out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    } else {
      out.push_back(static_cast<char>(0xF0 | c >> 18));
      out.push_back(static_cast<char>(0x80 | (c >> 12 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
  }
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  encode(text, out);
  return out;
}

std::u32string from_utf8(std::string_view bytes) {
  std::u32string out;
  decode(bytes, out);
  return out;
}

void append_lower(std::u32string_view text, std::u32string& out) {
  const size_t base = out.size();
  for (const char32_t c : text) {
    if (c < 0x80) {
      out.push_back(c >= 'A' && c <= 'Z' ? c + 32 : c);
    } else if (c == 0x130 || c == 0x3A3) {  // the two whose lower case depends on more than themselves
      out.resize(base);
      append_icu(to_icu(text).toLower(icu::Locale::getRoot()), out);
      return;
    } else {
      out.push_back(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))));
    }
  }
}

void compose(std::u32string& text) {
  bool plain = true;  // nothing below U+0300 composes
  for (const char32_t c : text) plain = plain && c < 0x300;
  if (plain) return;
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return;
  const icu::UnicodeString before = to_icu(text);
  if (nfc->isNormalized(before, status) || U_FAILURE(status)) return;
  const icu::UnicodeString after = nfc->normalize(before, status);
  if (U_FAILURE(status)) return;
  text.clear();
  append_icu(after, text);
}

uint64_t hash(std::u32string_view text) {
  uint64_t h = 0x9E3779B97F4A7C15ull ^ text.size();
  for (const char32_t c : text) h = (h ^ c) * 0xFF51AFD7ED558CCDull, h ^= h >> 32;
  return h;
}

}  // namespace dalgona::insights::unicode
