// segtok's rules for the ends of sentences, written as plain scans: no regular expression engine, so time is linear.
#include <algorithm>
#include <array>

#include "insights/keywords/segment.h"
#include "insights/keywords/unicode.h"

namespace dalgona::insights {
namespace {

using unicode::is;
using View = std::u32string_view;

constexpr size_t kShortSentence = 55;

bool is_quote(char32_t c) {
  return c == '\'' || c == '"' || c == 0x2019 || c == 0x201D;
}
bool is_closing_bracket(char32_t c) {
  return c == ')' || c == ']';
}
bool is_word(char32_t c) {
  return c == '_' || is(c, unicode::kAlpha | unicode::kNumber | unicode::kDigit);
}
bool is_ascii_upper(char32_t c) {
  return c >= 'A' && c <= 'Z';
}
bool is_capital(char32_t c) {
  return is(c, unicode::kTitle);
}
bool is_small(char32_t c) {
  return is(c, unicode::kLower);
}

char32_t lower_ascii(char32_t c) {
  return is_ascii_upper(c) ? c + 32 : c;
}

// `word` stands at the end of `text` behind a word border; only its first letter may differ in case.
bool ends_in_word(View text, View word) {
  if (text.size() < word.size()) return false;
  const View tail = text.substr(text.size() - word.size());
  if (tail.substr(1) != word.substr(1)) return false;
  if (tail[0] != word[0] && lower_ascii(tail[0]) != word[0]) return false;
  const size_t before = text.size() - word.size();
  return before == 0 || !is_word(text[before - 1]);
}

// In lower case or with a capital.
constexpr std::array kAbbreviations =
    std::to_array<View>({U"approx", U"cf", U"col", U"fig",  U"figs", U"e.g", U"i.e",  U"i.v", U"f.e", U"mag", U"med",
                         U"nat",    U"nr", U"p.e", U"phil", U"rer",  U"sci", U"univ", U"vol", U"vs",  U"z.B"});
// Only as written: "the answer is no. Then" and "a month ago. The" are ends.
constexpr std::array kCapitalised =
    std::to_array<View>({U"Capt", U"Dr",  U"Gen", U"Mr",  U"Mrs", U"Mt",  U"No",  U"Prof", U"Sgt",  U"Sr",  U"St",
                         U"Jan",  U"Feb", U"Mar", U"Apr", U"Jun", U"Jul", U"Aug", U"Sep",  U"Sept", U"Oct", U"Nov",
                         U"Dec",  U"Mär", U"Mai", U"Okt", U"Dez", U"Ene", U"Abr", U"Ago",  U"Dic"});
constexpr std::array kStates = std::to_array<View>({U"E.U", U"U.K", U"U.S"});

constexpr std::array kBeforeInitials =
    std::to_array<View>({U"by", U"captain", U"doctor", U"general", U"mister", U"professor", U"senor", U"senora",
                         U"senorita", U"señor", U"señora", U"señorita"});

bool ends_in_abbreviation(View text) {
  for (const View word : kAbbreviations)
    if (ends_in_word(text, word)) return true;
  const auto stands = [&](View word) {
    return text.ends_with(word) && (text.size() == word.size() || !is_word(text[text.size() - word.size() - 1]));
  };
  return std::any_of(kCapitalised.begin(), kCapitalised.end(), stands) ||
         std::any_of(kStates.begin(), kStates.end(), stands);
}

bool is_lone_mark_or_number(View text) {
  if (text.size() == 1) return !is(text[0], unicode::kSpace);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char32_t c) { return is(c, unicode::kNumber); });
}

// One or two capitals at the end of `text` that stand where initials stand: after a title, in a list of authors,
// behind an opening bracket.
bool ends_in_initials(View text) {
  size_t at = text.size();
  while (at > 0 && text.size() - at < 3 && is_capital(text[at - 1])) --at;
  const size_t capitals = text.size() - at;
  if (capitals == 0 || capitals > 2 || at == 0) return false;
  if (text[at - 1] == '-' && at >= 2 && is_capital(text[at - 2])) {  // J-P
    at -= 2;
    if (at == 0) return true;
  }
  const char32_t before = text[at - 1];
  if (before == '(' || before == '[') return true;
  if (!is(before, unicode::kSpace)) return false;
  const View head = text.substr(0, at - 1);
  if (head.empty()) return false;
  if (head.back() == ',' || ends_in_word(head, U"and")) return true;
  return std::any_of(kBeforeInitials.begin(), kBeforeInitials.end(),
                     [&](View word) { return ends_in_word(head, word); });
}

// [a-z] then letters, digits and hyphens, to the very end.
bool is_lone_small_word(View text) {
  if (text.empty() || !is_small(text[0])) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char32_t c) { return is_small(c) || is(c, unicode::kNumber) || c == '-'; });
}

constexpr std::array kMonths =
    std::to_array<View>({U"Jan", U"Feb", U"Mar", U"Mär", U"Apr", U"May", U"Mai", U"Jun", U"Jul", U"Aug",
                         U"Sep", U"Oct", U"Okt", U"Nov", U"Dec", U"Dez", U"Ene", U"Abr", U"Ago", U"Dic"});

bool is_day_before_month(View before, View after) {
  size_t digits = 0;
  while (digits < before.size() && before[before.size() - 1 - digits] >= '0' &&
         before[before.size() - 1 - digits] <= '9')
    ++digits;
  if (digits == 0 || digits > 2) return false;
  if (digits < before.size() && is_word(before[before.size() - 1 - digits])) return false;
  for (const View month : kMonths) {
    if (after.size() < month.size()) continue;
    const View head = after.substr(0, month.size());
    if (head.substr(1) == month.substr(1) && (head[0] == month[0] || head[0] == lower_ascii(month[0]))) return true;
  }
  return false;
}

// "John F" before "Kennedy".
bool is_middle_initial(View before, View after) {
  if (after.size() < 2 || !is_capital(after[0]) || !is_small(after[1])) return false;
  size_t at = before.size();
  if (at < 4 || !is_capital(before[at - 1]) || !is(before[at - 2], unicode::kSpace)) return false;
  at -= 2;
  size_t small = 0;
  while (at > 0 && is_small(before[at - 1])) --at, ++small;
  if (small == 0 || at == 0 || !is_capital(before[at - 1])) return false;
  return at == 1 || !is_word(before[at - 2]);
}

// The first sentence's tail allows the second to go on in lower case: a quoted or bracketed terminal, "spp." or an
// abbreviation of one or two letters.
bool may_go_on_small(View first) {
  size_t end = first.size();
  while (end > 0 && is(first[end - 1], unicode::kSpace)) --end;
  if (end == first.size() || end < 2) return false;
  const char32_t last = first[end - 1];
  const auto plain_terminal = [](char32_t c) { return c == '.' || c == '!' || c == '?'; };
  if (last == '\'' || last == '"' || is_closing_bracket(last) || last == '}') return plain_terminal(first[end - 2]);
  if (last != '.') return false;
  size_t at = end - 1;
  size_t letters = 0;
  while (at > 0 && is(first[at - 1], unicode::kAlpha) && letters < 4) --at, ++letters;
  if (letters == 0 || (at > 0 && is_word(first[at - 1]))) return false;
  if (letters == 1) return true;
  if (letters == 2) return is_small(first[at + 1]);
  return first.substr(at, letters) == U"spp";
}

// Unclosed brackets of a growing sentence; carried along, so that joining many pieces stays linear.
struct OpenBrackets {
  int round = 0, square = 0;
  void read(View text) {
    for (const char32_t c : text) {
      if (c == '(') ++round;
      if (c == ')' && round > 0) --round;
      if (c == '[') ++square;
      if (c == ']' && square > 0) --square;
    }
  }
};
bool closes_unopened(View text, char32_t open, char32_t close) {
  int depth = 0;
  for (const char32_t c : text) {
    if (c == open) ++depth;
    if (c == close && --depth < 0) return true;
  }
  return false;
}

bool ends_in_capitalised_word_and_dot(View first) {
  size_t end = first.size();
  while (end > 0 && is(first[end - 1], unicode::kSpace)) --end;
  if (end == first.size() || end < 2 || first[end - 1] != '.') return false;
  size_t at = end - 1;
  while (at > 0 && is(first[at - 1], unicode::kAlpha)) --at;
  return at < end - 1 && is_capital(first[at]);
}

// A capitalised word or a number, behind a year in brackets or not, then one of . , :
bool starts_like_a_reference(View second) {
  size_t at = 0;
  if (second.size() > 7 && second[0] == '(') {
    size_t digits = 1;
    while (digits < second.size() && is(second[digits], unicode::kNumber)) ++digits;
    if (digits == 5 && second[digits] == ')') {
      at = digits + 1;
      while (at < second.size() && is(second[at], unicode::kSpace)) ++at;
    }
  }
  if (at >= second.size()) return false;
  const size_t start = at;
  if (is_capital(second[at])) {
    while (at < second.size() && is(second[at], unicode::kAlpha)) ++at;
  } else {
    while (at < second.size() && is(second[at], unicode::kNumber)) ++at;
  }
  return at > start && at < second.size() && (second[at] == '.' || second[at] == ',' || second[at] == ':');
}

constexpr std::array kContinuations =
    std::to_array<View>({U"and", U"are", U"between", U"by", U"from", U"has", U"into", U"is", U"of", U"or", U"than",
                         U"that", U"through", U"via", U"was", U"were", U"whether", U"with"});

bool starts_with_continuation(View text) {
  size_t end = 0;
  while (end < text.size() && text[end] >= 'a' && text[end] <= 'z') ++end;
  if (end == 0 || (end < text.size() && is_word(text[end]))) return false;
  return std::find(kContinuations.begin(), kContinuations.end(), text.substr(0, end)) != kContinuations.end();
}

bool belong_together(View first, const OpenBrackets& open, View second) {
  if (!second.empty() && is_small(second[0]) && may_go_on_small(first)) return true;
  if (first.size() < kShortSentence || second.size() < kShortSentence) {
    if (open.round > 0 || open.square > 0) {
      if (closes_unopened(second, '(', ')') || closes_unopened(second, '[', ']')) return true;
      if (first.ends_with(U" et al. ")) return true;
      if (ends_in_capitalised_word_and_dot(first) && starts_like_a_reference(second)) return true;
    }
  }
  return starts_with_continuation(second);
}

// Where a candidate end starts (its terminal or its newlines) and where what follows begins.
struct SentenceEnd {
  size_t begin = 0, end = 0;
};

bool candidate_at(View text, size_t at, SentenceEnd& found) {
  const size_t size = text.size();
  if (text[at] == '\n') {
    size_t end = at;
    while (end < size && text[end] == '\n') ++end;
    if (end - at < 2) return false;
    found = {at, end};
    return true;
  }
  if (!is(text[at], unicode::kTerminal)) return false;
  size_t end = at + 1;
  if (end < size && is_quote(text[end])) ++end;
  while (end < size && is_closing_bracket(text[end])) ++end;
  const size_t spaces = end;
  while (end < size && is(text[end], unicode::kSpace)) ++end;
  if (end == spaces) return false;
  found = {at, end};
  return true;
}

bool is_end(View before, char32_t mark, View after) {
  if (!before.empty() && is(before.back(), unicode::kSpace)) return false;
  if (mark != '.') return true;
  return !ends_in_abbreviation(before) && !is_lone_mark_or_number(before) && !ends_in_initials(before) &&
         !is_lone_small_word(after) && !is_day_before_month(before, after) && !is_middle_initial(before, after);
}

}  // namespace

std::vector<Span> split_sentences(std::u32string_view text) {
  std::vector<SentenceEnd> candidates;
  for (size_t at = 0; at < text.size();) {
    SentenceEnd found;
    const char32_t c = text[at];
    if ((c == '\n' || is(c, unicode::kTerminal)) && candidate_at(text, at, found)) {
      candidates.push_back(found);
      at = found.end;
    } else {
      ++at;
    }
  }
  std::vector<Span> pieces;
  size_t start = 0;
  size_t before = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const SentenceEnd& end = candidates[i];
    const size_t next = i + 1 < candidates.size() ? candidates[i + 1].begin : text.size();
    if (is_end(text.substr(before, end.begin - before), text[end.begin], text.substr(end.end, next - end.end))) {
      pieces.push_back({start, end.end});
      start = end.end;
    }
    before = end.end;
  }
  if (start < text.size()) pieces.push_back({start, text.size()});

  std::vector<Span> sentences;
  OpenBrackets open;
  for (const Span& piece : pieces) {
    const View second = text.substr(piece.begin, piece.end - piece.begin);
    if (!sentences.empty()) {
      Span& last = sentences.back();
      if (belong_together(text.substr(last.begin, last.end - last.begin), open, second)) {
        last.end = piece.end;
        open.read(second);
        continue;
      }
    }
    sentences.push_back(piece);
    open = {};
    open.read(second);
  }
  size_t kept = 0;
  for (Span span : sentences) {
    while (span.begin < span.end && is(text[span.begin], unicode::kSpace)) ++span.begin;
    while (span.end > span.begin && is(text[span.end - 1], unicode::kSpace)) --span.end;
    if (span.begin < span.end) sentences[kept++] = span;
  }
  sentences.resize(kept);
  return sentences;
}

}  // namespace dalgona::insights
