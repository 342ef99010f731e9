#include "fake_follower/transliterate.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include "fake_follower/indic.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

namespace unicode = insights::unicode;

// Greek as passports and the original spelled it; ICU follows another romanisation (ch for chi, y for upsilon).
constexpr std::string_view kGreekLetters[] = {"a", "b", "g", "d", "e", "z", "e", "th", "i",  "k",  "l",  "m", "n",
                                              "x", "o", "p", "r", "s", "s", "t", "u",  "ph", "kh", "ps", "o"};

std::string_view greek(char32_t c) {
  switch (c) {  // with tonos or dialytika
    case 0x386:
    case 0x3AC:
      return "a";
    case 0x388:
    case 0x389:
    case 0x3AD:
    case 0x3AE:
      return "e";
    case 0x38A:
    case 0x390:
    case 0x3AA:
    case 0x3AF:
    case 0x3CA:
      return "i";
    case 0x38C:
    case 0x38F:
    case 0x3CC:
    case 0x3CE:
      return "o";
    case 0x38E:
    case 0x3AB:
    case 0x3B0:
    case 0x3CB:
    case 0x3CD:
      return "u";
    default:
      break;
  }
  if (c >= 0x391 && c <= 0x3A9) return kGreekLetters[c - 0x391];
  if (c >= 0x3B1 && c <= 0x3C9) return kGreekLetters[c - 0x3B1];
  return {};
}

// One for each thread: ICU's transliterators are not to be shared.
class Icu {
 public:
  std::string run(std::u32string_view text) {
    if (!any_) {
      UErrorCode status = U_ZERO_ERROR;
      UParseError error;
      any_.reset(icu::Transliterator::createInstance("Any-Latin; Latin-ASCII", UTRANS_FORWARD, error, status));
      if (U_FAILURE(status)) any_.reset();
    }
    if (!any_) return {};
    icu::UnicodeString work =
        icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()), static_cast<int32_t>(text.size()));
    any_->transliterate(work);
    std::string out;
    for (int32_t i = 0; i < work.length(); ++i)
      if (work.charAt(i) < 0x80) out.push_back(static_cast<char>(work.charAt(i)));
    return out;
  }

  // One accented Latin letter; remembered, since the few hundred of them come again and again.
  const std::string& letter(char32_t c) {
    const auto [found, fresh] = letters_.try_emplace(c);
    if (fresh) found->second = run(std::u32string_view(&c, 1));
    return found->second;
  }

 private:
  std::unique_ptr<icu::Transliterator> any_;
  std::unordered_map<char32_t, std::string> letters_;
};

bool is_latin(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(c), &status) == USCRIPT_LATIN;
}

enum class Kind { kAscii, kLatin, kBrahmic, kUrdu, kGreek, kMark, kOther };

Kind kind_of(char32_t c) {
  if (c < 0x80) return Kind::kAscii;
  if (is_brahmic(c) && c != 0x964 && c != 0x965) return Kind::kBrahmic;
  if (is_urdu(c)) return Kind::kUrdu;
  if (!greek(c).empty()) return Kind::kGreek;
  if (unicode::is(c, unicode::kMark)) return Kind::kMark;
  if (!unicode::is(c, unicode::kAlpha)) return Kind::kMark;  // emoji, punctuation: no letters
  return is_latin(c) ? Kind::kLatin : Kind::kOther;
}

bool joins(char32_t c) {
  return c == 0x200C || c == 0x200D;
}

}  // namespace

std::string to_latin(std::u32string_view text) {
  static thread_local Icu icu;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = text[at];
    const Kind kind = kind_of(c);
    if (kind == Kind::kAscii) {
      out.push_back(static_cast<char>(c));
      ++at;
      continue;
    }
    if (kind == Kind::kMark) {
      if (unicode::is(c, unicode::kSpace)) out.push_back(' ');
      ++at;
      continue;
    }
    if (kind == Kind::kLatin) {
      out += icu.letter(c);
      ++at;
      continue;
    }
    if (kind == Kind::kGreek) {
      out += greek(c);
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < text.size() && (kind_of(text[end]) == kind || (joins(text[end]) && kind != Kind::kOther) ||
                                 (kind == Kind::kOther && unicode::is(text[end], unicode::kMark))))
      ++end;
    const std::u32string_view run = text.substr(at, end - at);
    if (kind == Kind::kBrahmic)
      out += brahmic_to_latin(run);
    else if (kind == Kind::kUrdu)
      out += urdu_to_latin(run);
    else
      out += icu.run(run);
    at = end;
  }
  return out;
}

bool has_foreign_script(std::u32string_view text) {
  return std::any_of(text.begin(), text.end(), [](char32_t c) {
    if (c < 0x370 || !unicode::is(c, unicode::kAlpha)) return false;
    UErrorCode status = U_ZERO_ERROR;
    switch (uscript_getScript(static_cast<UChar32>(c), &status)) {
      case USCRIPT_GREEK:
      case USCRIPT_ARMENIAN:
      case USCRIPT_GEORGIAN:
      case USCRIPT_HAN:
      case USCRIPT_HANGUL:
        return true;
      default:
        return false;
    }
  });
}

}  // namespace dalgona::fake_follower
