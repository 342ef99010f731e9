// Our own reading of text, right for all scripts. Marks belong to the letter before them; addresses, mentions and emoji
// separate; a hashtag is a keyword of its own; scripts without spaces are cut by ICU's dictionaries.
#include <algorithm>
#include <memory>

#include <unicode/brkiter.h>
#include <unicode/unistr.h>

#include "insights/keywords/entities.h"
#include "insights/keywords/segment.h"
#include "insights/keywords/unicode.h"

namespace dalgona::insights {
namespace {

using unicode::is;
using View = std::u32string_view;

constexpr uint16_t kBody = unicode::kAlpha | unicode::kNumber | unicode::kMark | unicode::kDigit;

bool is_body(char32_t c) {
  return is(c, kBody);
}
bool starts_word(char32_t c) {
  return is(c, unicode::kAlpha | unicode::kNumber | unicode::kDigit);
}
bool is_joiner(char32_t c) {
  return c == 0x200C || c == 0x200D;
}
bool is_apostrophe(char32_t c) {
  return c == '\'' || c == 0x2019 || c == 0x2BC;
}
bool is_hyphen(char32_t c) {
  return c == '-' || c == 0x2010 || c == 0x2011;
}
// Characters that say nothing to a reader: soft hyphen, byte order mark, direction marks and isolates. (The joiners
// stay: they change what a word is.)
bool is_invisible(char32_t c) {
  return c == 0xAD || c == 0xFEFF || c == 0x200E || c == 0x200F || c == 0x200B || c == 0x2060 || c == 0x61C ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}
// Ends a sentence with or without a space behind it: danda, Urdu full stop and question mark, ideographic and
// full-width marks, Ethiopic, Burmese, Khmer.
bool ends_without_space(char32_t c) {
  switch (c) {
    case 0x964:
    case 0x965:
    case 0x6D4:
    case 0x61F:
    case 0x3002:
    case 0xFF01:
    case 0xFF1F:
    case 0xFF61:
    case 0x1362:
    case 0x104B:
    case 0x17D4:
      return true;
    default:
      return false;
  }
}

bool is_ascii_letter(char32_t c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}

// "https://..." or "www...." from `at`: up to white space, without the marks that close a sentence behind it.
size_t address_end(View text, size_t at) {
  size_t from = at;
  while (from < text.size() && is_ascii_letter(text[from]) && from - at < 16) ++from;
  const bool scheme = from > at && text.substr(from, 3) == U"://";
  const View www = text.substr(at, 4);
  const bool plain = www.size() == 4 && (www[0] | 32) == 'w' && (www[1] | 32) == 'w' && (www[2] | 32) == 'w' &&
                     www[3] == '.' && at + 4 < text.size() && is_body(text[at + 4]);
  if (!scheme && !plain) return at;
  size_t end = at;
  while (end < text.size() && !is(text[end], unicode::kSpace) && text[end] != '<' && text[end] != '>' &&
         text[end] != '"')
    ++end;
  return end;
}

// The end of an e-mail address whose local part is the ASCII word that starts at `at`; `at` when it is none.
size_t mail_end(View text, size_t at) {
  size_t local = at;
  const size_t limit = std::min(text.size(), at + 64);
  const auto is_local = [](char32_t c) {
    return is_ascii_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '+';
  };
  while (local < limit && is_local(text[local])) ++local;
  if (local == at || local + 1 >= text.size() || text[local] != '@') return at;
  size_t end = local + 1;
  bool dot = false;
  while (end < text.size() &&
         (is_ascii_letter(text[end]) || (text[end] >= '0' && text[end] <= '9') || text[end] == '-' ||
          (text[end] == '.' && end + 1 < text.size() && is_body(text[end + 1])))) {
    dot = dot || text[end] == '.';
    ++end;
  }
  return dot ? end : at;
}

size_t name_end(View text, size_t at) {
  while (at < text.size() && (is_body(text[at]) || is_joiner(text[at]) || text[at] == '_')) ++at;
  return at;
}

// The end of the word at `at`.
size_t word_end(View text, size_t at) {
  size_t p = at + 1;
  const auto body_at = [&](size_t i) { return i < text.size() && is_body(text[i]); };
  const auto number_at = [&](size_t i) { return i < text.size() && is(text[i], unicode::kNumber); };
  while (p < text.size()) {
    const char32_t c = text[p];
    if (is_body(c)) {
      ++p;
    } else if (is_joiner(c) && !is(text[p - 1], unicode::kPunct)) {
      ++p;  // a trailing one is cut below
    } else if ((is_hyphen(c) || is_apostrophe(c)) && body_at(p + 1)) {
      p += 2;
    } else if ((c == '.' || c == ',') && number_at(p - 1) && number_at(p + 1)) {
      p += 2;
    } else if (c == '.' && (p - at == 1 || text[p - 2] == '.') && body_at(p + 1)) {
      p += 2;  // U.S.A
    } else {
      break;
    }
  }
  while (p > at + 1 && is_joiner(text[p - 1])) --p;
  return p;
}

class SegmentReader {
 public:
  explicit SegmentReader(Segments& out) : out_(out) {}

  void sentence(size_t begin, size_t end) {
    const size_t before = out_.tokens.size();
    const View text = View(out_.chars).substr(0, end);
    for (size_t at = begin; at < end;) {
      const char32_t c = text[at];
      if (is(c, unicode::kSpace)) {
        ++at;
        continue;
      }
      const bool border = at == begin || !is_body(text[at - 1]);
      if ((c == '@' || c == 0xFF20) && border) {
        at = mention_end(text, at + 1);
        separate();
        continue;
      }
      if ((c == '#' || c == 0xFF03) && border && name_end(text, at + 1) > at + 1) {
        const size_t stop = name_end(text, at + 1);
        separate();
        word(at + 1, stop);
        separate();
        at = stop;
        continue;
      }
      if (starts_word(c)) {
        size_t stop = is_ascii_letter(c) ? address_end(text, at) : at;
        if (stop == at) stop = mail_end(text, at);
        if (stop > at) {
          separate();
          at = stop;
          continue;
        }
        if (is(c, unicode::kNoSpaces)) {
          stop = at;
          while (stop < end && (is(text[stop], unicode::kNoSpaces) || is(text[stop], unicode::kMark))) ++stop;
          cut(at, stop);
          at = stop;
          continue;
        }
        stop = word_end(text, at);
        for (size_t i = at + 1; i < stop; ++i)
          if (is(text[i], unicode::kNoSpaces)) stop = i;
        word(at, without_contraction(text, at, stop));
        at = stop;
        continue;
      }
      separate();
      ++at;
    }
    // A sentence without a word is none.
    const auto is_word = [](const Token& token) { return !token.ends_block; };
    const auto first = out_.tokens.begin() + static_cast<long>(before);
    if (std::none_of(first, out_.tokens.end(), is_word)) {
      out_.tokens.erase(first, out_.tokens.end());
      return;
    }
    first->first = true;
    for (auto token = first; token != out_.tokens.end(); ++token) token->sentence = out_.sentences;
    const auto first_word = std::find_if(first, out_.tokens.end(), is_word);
    first_word->first = true;
    ++out_.sentences;
  }

 private:
  static size_t mention_end(View text, size_t at) {
    while (at < text.size() &&
           (is_body(text[at]) || text[at] == '_' || (text[at] == '.' && at + 1 < text.size() && is_body(text[at + 1]))))
      ++at;
    return at;
  }

  void word(size_t begin, size_t end) {
    out_.tokens.push_back({.begin = static_cast<uint32_t>(begin), .size = static_cast<uint32_t>(end - begin)});
  }
  void separate() {
    if (out_.tokens.empty() || !out_.tokens.back().ends_block) out_.tokens.push_back({.ends_block = true});
  }

  // "Butler's" is Butler, "they'll" is they; "don't" stays, stop lists have it.
  static size_t without_contraction(View text, size_t begin, size_t end) {
    constexpr View kTails[] = {U"s", U"d", U"m", U"ll", U"re", U"ve"};
    for (const View tail : kTails) {
      if (end - begin <= tail.size() + 1) continue;
      const size_t at = end - tail.size();
      if (!is_apostrophe(text[at - 1])) continue;
      bool same = true;
      for (size_t i = 0; i < tail.size(); ++i) same = same && (text[at + i] | 32) == tail[i];
      if (same) return at - 1;
    }
    return end;
  }

  // A run of a script without spaces, to words.
  void cut(size_t begin, size_t end) {
    if (!words_) {
      UErrorCode status = U_ZERO_ERROR;
      words_.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
      if (U_FAILURE(status)) words_.reset();
    }
    if (!words_) {
      word(begin, end);
      return;
    }
    const View run = View(out_.chars).substr(begin, end - begin);
    const icu::UnicodeString text =
        icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(run.data()), static_cast<int32_t>(run.size()));
    words_->setText(text);
    size_t at = begin;
    int32_t unit = words_->first();
    for (int32_t next = words_->next(); next != icu::BreakIterator::DONE; unit = next, next = words_->next()) {
      const auto size = static_cast<size_t>(text.countChar32(unit, next - unit));
      word(at, at + size);
      at += size;
    }
  }

  static thread_local std::unique_ptr<icu::BreakIterator> words_;
  Segments& out_;
};

thread_local std::unique_ptr<icu::BreakIterator> SegmentReader::words_;

// A single newline ends a sentence unless the next line goes on in lower case, as hard-wrapped prose does.
bool line_ends_sentence(View text, size_t newline) {
  size_t next = newline + 1;
  while (next < text.size() && (text[next] == ' ' || text[next] == '\t')) ++next;
  return next >= text.size() || !is(text[next], unicode::kLower);
}

}  // namespace

void product_segments(std::string_view utf8, Segments& out) {
  out.clear();
  std::u32string text;
  unicode::decode(utf8, text);
  if (text.find(U'&') != View::npos) {
    std::u32string unescaped;
    append_unescaped(text, unescaped);
    text.swap(unescaped);
  }
  unicode::compose(text);
  size_t to = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (is_invisible(c)) continue;
    text[to++] = c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029 ? U'\n' : c;
  }
  text.resize(to);
  out.chars = std::move(text);
  SegmentReader reader(out);
  const size_t size = out.chars.size();
  size_t begin = 0;
  const auto flush = [&](size_t end) {
    if (end > begin) {
      const View part = View(out.chars).substr(begin, end - begin);
      for (const Span& span : split_sentences(part)) reader.sentence(begin + span.begin, begin + span.end);
    }
  };
  for (size_t i = 0; i < size; ++i) {
    const char32_t c = out.chars[i];
    if ((c == '\n' && line_ends_sentence(out.chars, i)) || ends_without_space(c)) {
      flush(c == '\n' ? i : i + 1);
      begin = i + 1;
    }
  }
  flush(size);
}

}  // namespace dalgona::insights
