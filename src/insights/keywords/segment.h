// Text to sentences to tokens, in two ways that the scorer takes alike: the reference's (segtok's rules, blind to
// combining marks) and ours, which is right for all scripts and knows what a caption is made of.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::insights {

struct Token {
  uint32_t begin = 0, size = 0;  // in Segments::chars
  uint32_t sentence = 0;
  bool first = false;       // of its sentence
  bool ends_block = false;  // not a term: punctuation, or (ours) an address, a mention, an emoji
};

struct Segments {
  std::u32string chars;
  std::vector<Token> tokens;
  uint32_t sentences = 0;

  std::u32string_view text(const Token& token) const {
    return std::u32string_view(chars).substr(token.begin, token.size);
  }
  void clear() {
    chars.clear();
    tokens.clear();
    sentences = 0;
  }
};

struct Span {
  size_t begin = 0, end = 0;
};

// Sentences of `text` by segtok's rules, stripped, empty ones dropped. `text` is taken as it is (see prepare in
// reference_segments).
std::vector<Span> split_sentences(std::u32string_view text);

// As the reference: see facts of YAKE 0.6.0 in docs/insights.md. `out` is cleared first and keeps its memory.
void reference_segments(std::string_view utf8, Segments& out);
// Ours, the default.
void product_segments(std::string_view utf8, Segments& out);

// One sentence by the reference's tokenizer; appends. Exposed for product text only through the two above and for
// tests of single rules.
void reference_tokens(std::u32string_view sentence, uint32_t number, Segments& out);

}  // namespace dalgona::insights
