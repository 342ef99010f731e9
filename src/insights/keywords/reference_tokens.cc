// The reference's tokenizer (segtok's rules) as plain scans.
#include <algorithm>

#include "insights/keywords/entities.h"
#include "insights/keywords/segment.h"
#include "insights/keywords/unicode.h"

namespace dalgona::insights {
namespace {

using unicode::is;
using View = std::u32string_view;

bool is_word_char(char32_t c) {
  return is(c, unicode::kWord);
}
bool is_reference_hyphen(char32_t c) {
  return c == '-' || c == 0xAD || c == 0x58A || c == 0x5BE || c == 0xF0C || c == 0x1400 || c == 0x1806 ||
         (c >= 0x2010 && c <= 0x2012) || c == 0x2E17 || c == 0x30A0;
}
bool is_reference_apostrophe(char32_t c) {
  return c == '\'' || c == 0xB4 || c == 0x2B9 || c == 0x2BC || c == 0x2019 || c == 0x2032;
}
bool is_line_break(char32_t c) {
  return c == '\r' || c == '\n' || c == 0x0B || c == 0x0C || c == 0x85 || c == 0x2028 || c == 0x2029;
}

// [\w] of Python: letters, numbers, underscore.
bool is_name_char(char32_t c) {
  return c == '_' || is(c, unicode::kAlpha | unicode::kNumber | unicode::kDigit);
}
bool opens_border(char32_t c) {
  return is(c, unicode::kSpace) || c == '<' || c == '"' || c == '\'' || c == '(' || c == '[' || c == '{';
}
bool closes_border(char32_t c) {
  return is(c, unicode::kSpace) || c == '>' || c == '"' || c == '\'' || c == ')' || c == ']' || c == '}';
}

// (label.)+label from `at`; its end, or `at` when there is none.
size_t host_end(View text, size_t at) {
  size_t end = at;
  size_t dots = 0;
  size_t from = at;
  while (true) {
    size_t label = from;
    while (label < text.size() && (is_name_char(text[label]) || text[label] == '-')) ++label;
    if (label == from) break;
    if (dots > 0) {
      size_t last = from;
      while (last < text.size() && is_name_char(text[last])) ++last;
      if (last > from) end = last;
    }
    if (label >= text.size() || text[label] != '.') break;
    ++dots;
    from = label + 1;
  }
  return end;
}

// Characters of a path, query or fragment up to white space or a closing quote or bracket.
size_t part_end(View text, size_t at, View stops) {
  while (at < text.size() && !is(text[at], unicode::kSpace) && stops.find(text[at]) == View::npos) ++at;
  return at;
}

size_t uri_end(View text, size_t at) {
  size_t scheme = at;
  while (scheme < text.size() && ((text[scheme] | 32) >= 'a' && (text[scheme] | 32) <= 'z')) ++scheme;
  if (scheme == at || text.substr(scheme, 3) != U"://") return at;
  const size_t rest = scheme + 3;
  size_t host = rest;
  for (size_t i = rest; i < text.size() && !is(text[i], unicode::kSpace) && text[i] != '/'; ++i) {
    if (text[i] == '@') host = i + 1;
  }
  size_t end = host_end(text, host);
  if (end == host) return at;
  if (end < text.size() && text[end] == ':') {
    size_t port = end + 1;
    while (port < text.size() && text[port] >= '0' && text[port] <= '9') ++port;
    if (port > end + 1) end = port;
  }
  if (end < text.size() && text[end] == '/') end = part_end(text, end + 1, U"?#'\">)]}");
  if (end < text.size() && text[end] == '?') end = part_end(text, end + 1, U"#'\">)]}");
  if (end < text.size() && text[end] == '#') end = part_end(text, end + 1, U"'\">)]}");
  return end == text.size() || closes_border(text[end]) ? end : at;
}

// RFC 5321 allows 64; a bound keeps hostile input linear.
constexpr size_t kLongestLocalPart = 256;

size_t reference_mail_end(View text, size_t at) {
  constexpr View kLocalMarks = U".#$%&'*+/=!?^`{|}~-";
  size_t local = at;
  const size_t limit = std::min(text.size(), at + kLongestLocalPart);
  while (local < limit && (is_name_char(text[local]) || kLocalMarks.find(text[local]) != View::npos)) ++local;
  if (local == at || local >= text.size() || text[local] != '@') return at;
  const size_t end = host_end(text, local + 1);
  if (end == local + 1) return at;
  return end == text.size() || closes_border(text[end]) ? end : at;
}

// The end of the word that starts at `at`, where a letter or number stands.
size_t reference_word_end(View text, size_t at) {
  const size_t start = at;
  size_t p = at + 1;
  const auto word_at = [&](size_t i) { return i < text.size() && is_word_char(text[i]); };
  while (p < text.size()) {
    const char32_t c = text[p];
    const uint16_t k = unicode::classes(c);
    if (k & unicode::kWord) {
      ++p;
      continue;
    }
    const bool after_word = is_word_char(text[p - 1]);
    if (c == '.') {
      if (!after_word || (p + 2 < text.size() && text[p + 1] == '.' && text[p + 2] == '.')) break;
      ++p;
      continue;
    }
    if (c == ',' || is_reference_hyphen(c)) {
      if (!after_word || !word_at(p + 1)) break;
      p += 2;
      continue;
    }
    if (c == ':') {
      if (!is(text[p - 1], unicode::kNumber) || p + 1 >= text.size() || !is(text[p + 1], unicode::kNumber)) break;
      p += 2;
      continue;
    }
    if (is_reference_apostrophe(c)) {
      if (!after_word) break;
      if (p + 2 < text.size() && is_reference_hyphen(text[p + 1]) && is_word_char(text[p + 2])) {
        p += 3;
        continue;
      }
      if (c == '\'') {
        if (word_at(p + 1) || text[p - 1] == 's') {
          ++p;
          continue;
        }
        break;
      }
      if (p + 1 < text.size() && is_reference_apostrophe(text[p + 1])) break;
      ++p;
      continue;
    }
    if ((c == 0xB9 || c == 0xB2 || c == 0xB3) && p - start <= 3 &&
        std::all_of(text.begin() + static_cast<long>(start), text.begin() + static_cast<long>(p),
                    [](char32_t l) { return is(l, unicode::kLetter); })) {
      ++p;
      break;
    }
    if (c >= 0x2080 && c <= 0x2089 && (after_word || (text[p - 1] >= 0x2080 && text[p - 1] <= 0x2089))) {
      ++p;
      continue;
    }
    break;
  }
  return p;
}

class Tokenizer {
 public:
  Tokenizer(Segments& out, uint32_t sentence) : out_(out), sentence_(sentence), first_(out.tokens.size()) {}

  void add(size_t begin, size_t end) {
    if (end > begin) {
      out_.tokens.push_back(
          {.begin = static_cast<uint32_t>(begin), .size = static_cast<uint32_t>(end - begin), .sentence = sentence_});
    }
  }

  // White-space separated pieces of out.chars[begin, end) to words and what lies between.
  void words(size_t begin, size_t end) {
    const View text = View(out_.chars).substr(0, end);
    for (size_t at = begin; at < end;) {
      while (at < end && is(text[at], unicode::kSpace)) ++at;
      size_t piece = at;
      while (piece < end && !is(text[piece], unicode::kSpace)) ++piece;
      const View chunk = text.substr(at, piece - at);
      for (size_t i = 0; i < chunk.size();) {
        size_t next = i;
        if (is_word_char(chunk[i])) {
          next = reference_word_end(chunk, i);
        } else {
          while (next < chunk.size() && !is_word_char(chunk[next])) ++next;
        }
        add(at + i, at + next);
        i = next;
      }
      at = piece;
    }
  }

  // The sentence's terminal becomes a token; then trailing commas and colons do. Runs of words() end here, as in the
  // reference, where a sentence with an address in it is tokenized piece by piece.
  void finish_run(size_t from) {
    splice_terminal(from);
    rebuild(from, [this](Token token, std::vector<Token>& to) {
      const View text = out_.text(token);
      uint32_t keep = token.size;
      while (keep > 1 && (text[keep - 1] == ',' || text[keep - 1] == ';' || text[keep - 1] == ':')) --keep;
      const uint32_t size = token.size;
      token.size = keep;
      to.push_back(token);
      for (uint32_t i = keep; i < size; ++i) {
        token.begin += token.size;
        token.size = 1;
        to.push_back(token);
      }
    });
  }

  void finish_sentence() {
    split_contractions();
    size_t kept = first_;
    for (size_t i = first_; i < out_.tokens.size(); ++i) {
      const View text = out_.text(out_.tokens[i]);
      if (text.size() > 1 && text[0] == '\'') continue;
      out_.tokens[kept++] = out_.tokens[i];
    }
    out_.tokens.resize(kept);
    for (size_t i = first_; i < kept; ++i) {
      Token& token = out_.tokens[i];
      token.first = i == first_;
      const View text = out_.text(token);
      token.ends_block = std::all_of(text.begin(), text.end(), [](char32_t c) { return is(c, unicode::kPunct); });
    }
  }

 private:
  void splice_terminal(size_t from) {
    for (size_t back = 1; back <= 3 && out_.tokens.size() >= from + back; ++back) {
      const size_t i = out_.tokens.size() - back;
      const View text = out_.text(out_.tokens[i]);
      const bool terminal = std::any_of(text.begin(), text.end(), [](char32_t c) { return is(c, unicode::kTerminal); });
      const bool word = is_word_char(text[0]);
      if (!terminal && !word) continue;
      if (text.size() == 1 || text == U"...") return;
      Token left = out_.tokens[i];
      Token right = left;
      if (is(text.back(), unicode::kTerminal)) {
        left.size -= 1;
      } else if (is(text.front(), unicode::kTerminal)) {
        left.size = 1;
      } else {
        return;
      }
      right.begin += left.size;
      right.size -= left.size;
      out_.tokens[i] = left;
      out_.tokens.insert(out_.tokens.begin() + static_cast<long>(i) + 1, right);
      return;
    }
  }

  // Where a word of the form WORD'(d|ll|m|re|s|t|ve) is cut, or 0.
  static size_t contraction(View text) {
    size_t at = text.size();
    while (at > 0 && text.size() - at < 3 && !is_reference_apostrophe(text[at - 1])) --at;
    if (at == 0 || at == text.size() || !is_reference_apostrophe(text[at - 1])) return 0;
    const View tail = text.substr(at);
    constexpr View kTails[] = {U"d", U"ll", U"m", U"re", U"s", U"t", U"ve"};
    const bool known = std::find(std::begin(kTails), std::end(kTails), tail) != std::end(kTails);
    if (!known) return 0;
    size_t cut = at - 1;
    if (cut == 0) return 0;
    if (tail == U"t" && text.size() > 2 && text[cut - 1] == 'n') --cut;
    return cut;
  }

  void split_contractions() {
    rebuild(first_, [this](Token token, std::vector<Token>& to) {
      const auto cut = static_cast<uint32_t>(contraction(out_.text(token)));
      if (cut > 0) {
        to.push_back({.begin = token.begin, .size = cut, .sentence = token.sentence});
        token.begin += cut;
        token.size -= cut;
      }
      to.push_back(token);
    });
  }

  // Every token from `from` on goes through `f`, which appends what becomes of it: linear, however many are split.
  template <typename F>
  void rebuild(size_t from, F f) {
    static thread_local std::vector<Token> made;
    made.clear();
    for (size_t i = from; i < out_.tokens.size(); ++i) f(out_.tokens[i], made);
    out_.tokens.resize(from);
    out_.tokens.insert(out_.tokens.end(), made.begin(), made.end());
  }

  Segments& out_;
  uint32_t sentence_;
  size_t first_;
};

// Copies a run into out.chars: references unescaped, a hyphenated line break healed.
Span copy_run(View run, Segments& out) {
  const size_t begin = out.chars.size();
  if (run.find(U'&') == View::npos)
    out.chars.append(run);
  else
    append_unescaped(run, out.chars);
  size_t to = begin;
  for (size_t at = begin; at < out.chars.size(); ++at) {
    if (at > begin && is_reference_hyphen(out.chars[at]) && is_word_char(out.chars[at - 1])) {
      size_t next = at + 1;
      while (next < out.chars.size() && (out.chars[next] == ' ' || out.chars[next] == '\t')) ++next;
      if (next < out.chars.size() && is_line_break(out.chars[next])) {
        while (next < out.chars.size() && is(out.chars[next], unicode::kSpace)) ++next;
        if (next < out.chars.size() && is_word_char(out.chars[next])) {
          at = next - 1;
          continue;
        }
      }
    }
    out.chars[to++] = out.chars[at];
  }
  out.chars.resize(to);
  return {begin, to};
}

}  // namespace

void reference_tokens(std::u32string_view sentence, uint32_t number, Segments& out) {
  Tokenizer tokenizer(out, number);
  const auto run = [&](View text) {
    if (text.empty()) return;
    const size_t from = out.tokens.size();
    const Span span = copy_run(text, out);
    tokenizer.words(span.begin, span.end);
    tokenizer.finish_run(from);
  };
  size_t done = 0;
  if (sentence.find(U'@') != View::npos || sentence.find(U"://") != View::npos) {
    for (size_t at = 0; at < sentence.size();) {
      if (at == 0 || opens_border(sentence[at - 1])) {
        size_t end = uri_end(sentence, at);
        if (end == at) end = reference_mail_end(sentence, at);
        if (end > at) {
          run(sentence.substr(done, at - done));
          const size_t begin = out.chars.size();
          out.chars.append(sentence.substr(at, end - at));
          tokenizer.add(begin, out.chars.size());
          at = done = end;
          continue;
        }
      }
      ++at;
    }
  }
  run(sentence.substr(done));
  tokenizer.finish_sentence();
}

void reference_segments(std::string_view utf8, Segments& out) {
  out.clear();
  std::u32string text = U"  ";
  unicode::decode(utf8, text);
  std::replace_if(
      text.begin(), text.end(), [](char32_t c) { return c == '\n' || c == '\t'; }, U' ');
  size_t first = 2;
  while (first < text.size() && is(text[first], unicode::kSpace)) ++first;
  const bool capital = first < text.size() && text[first] >= 'A' && text[first] <= 'Z';
  if (capital) text[0] = text[1] = '\n';
  const View whole = View(text).substr(capital ? 0 : 1);
  for (const Span& span : split_sentences(whole))
    reference_tokens(whole.substr(span.begin, span.end - span.begin), out.sentences++, out);
}

}  // namespace dalgona::insights
