#include "insights/keywords/keywords.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/errors.h"
#include "insights/keywords/similarity.h"
#include "insights/keywords/unicode.h"

namespace dalgona::insights {
namespace {

using unicode::is;
using View = std::u32string_view;
constexpr uint32_t kNone = 0xFFFFFFFF;

enum class Tag : uint8_t { kPlain, kDigits, kUnparsable, kAcronym, kName };

// What a token is, from its own characters: see section 3 of the paper and docs/insights.md.
Tag tag_of(View token, bool first) {
  size_t digits = 0, alphas = 0, uppers = 0, lowers = 0, puncts = 0, commas = 0, dots = 0;
  for (const char32_t c : token) {
    const uint16_t k = unicode::classes(c);
    digits += (k & unicode::kDigit) != 0;
    alphas += (k & unicode::kAlpha) != 0;
    uppers += (k & unicode::kUpper) != 0;
    lowers += (k & (unicode::kLower | unicode::kTitle)) != 0 && (k & unicode::kUpper) == 0;
    puncts += (k & unicode::kPunct) != 0;
    commas += c == ',';
    dots += c == '.';
  }
  if (digits > 0 && dots <= 1 && digits + commas + dots == token.size()) return Tag::kDigits;
  if ((digits > 0 && alphas > 0) || (digits == 0 && alphas == 0) || puncts > 1) return Tag::kUnparsable;
  if (uppers > 0 && lowers == 0) return Tag::kAcronym;
  if (token.size() > 1 && !first && uppers == 1 && is(token[0], unicode::kUpper)) return Tag::kName;
  return Tag::kPlain;
}

// Sums of squares are added in the order in which numpy adds them (pairwise, eight lanes), since equal scores must come
// out equal.
double pairwise_sum(const double* a, size_t n) {
  if (n < 8) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += a[i];
    return sum;
  }
  if (n <= 128) {
    double lane[8];
    for (size_t j = 0; j < 8; ++j) lane[j] = a[j];
    size_t i = 8;
    for (; i < n - n % 8; i += 8)
      for (size_t j = 0; j < 8; ++j) lane[j] += a[i + j];
    double sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    for (; i < n; ++i) sum += a[i];
    return sum;
  }
  size_t half = n / 2;
  half -= half % 8;
  return pairwise_sum(a, half) + pairwise_sum(a + half, n - half);
}

uint64_t mix(uint64_t h) {
  h ^= h >> 32;
  h *= 0xD6E8FEB86659FD93ull;
  h ^= h >> 32;
  return h;
}

size_t table_size(size_t entries) {
  size_t size = 64;
  while (size < entries * 2) size *= 2;
  return size;
}

struct Word {  // a lower-cased token
  uint32_t begin = 0, size = 0;
  uint32_t term = 0;
};

struct Term {
  uint32_t begin = 0, size = 0;
  bool stop = false;
  uint32_t tf = 0, acronyms = 0, names = 0;
  uint32_t first_sentence = kNone, last_sentence = kNone, sentences = 0;
  uint32_t left_terms = 0, left_sum = 0, right_terms = 0, right_sum = 0;
  double h = 0;
};

struct Edge {
  uint64_t key = 0;
  uint32_t count = 0;  // 0: free
};

struct Candidate {
  uint32_t first = 0;  // the first sight's first token, in words_
  uint32_t size = 0;   // in words
  uint32_t tf = 0;
  double score = 0;
};

}  // namespace

struct KeywordExtractor::State {
  KeywordOptions options;
  std::shared_ptr<const StopWords> stop_words;

  Segments segments;
  std::u32string lower;
  std::vector<Word> words;
  std::vector<Term> terms;
  std::vector<Candidate> candidates;
  std::vector<uint32_t> token_word;   // for each token: its word; kNone for what ends a block
  std::vector<uint8_t> token_linked;  // tag neither u nor d
  std::vector<uint32_t> word_table, term_table, candidate_table;
  std::vector<Edge> edges;
  size_t edge_count = 0;
  // (term, sentence) pairs of terms that are in several sentences, for the median.
  std::vector<uint32_t> occurrence_next, occurrence_sentence, occurrence_head;
  std::vector<double> scratch;
  std::vector<uint32_t> sentences_of;
  std::vector<std::u32string> kept;

  View lower_text(uint32_t begin, uint32_t size) const { return View(lower).substr(begin, size); }

  void reset() {
    const size_t tokens = segments.tokens.size();
    lower.clear();
    words.clear();
    terms.clear();
    candidates.clear();
    token_word.assign(tokens, kNone);
    token_linked.assign(tokens, 0);
    word_table.assign(table_size(tokens), kNone);
    term_table.assign(table_size(tokens), kNone);
    candidate_table.assign(table_size(tokens), kNone);
    edges.assign(table_size(tokens), Edge{});
    edge_count = 0;
    occurrence_next.clear();
    occurrence_sentence.clear();
    occurrence_head.clear();
  }

  bool too_short(View term) const {
    size_t letters = 0;
    for (const char32_t c : term) letters += !is(c, unicode::kPunct);
    if (letters >= 3) return false;
    // Ours: two characters make a word in scripts of syllables and ideographs.
    if (options.mode == TextMode::kProduct && letters == 2)
      return !std::any_of(term.begin(), term.end(), [](char32_t c) { return is(c, unicode::kShortWords); });
    return true;
  }

  uint32_t term_of(uint32_t begin, uint32_t size) {
    const bool plural = size > 3 && lower[begin + size - 1] == 's';
    const uint32_t term_size = plural ? size - 1 : size;
    const View text = lower_text(begin, term_size);
    const size_t mask = term_table.size() - 1;
    size_t at = unicode::hash(text) & mask;
    for (; term_table[at] != kNone; at = (at + 1) & mask) {
      const Term& term = terms[term_table[at]];
      if (lower_text(term.begin, term.size) == text) return term_table[at];
    }
    Term made;
    made.begin = begin;
    made.size = term_size;
    made.stop =
        stop_words->contains(lower_text(begin, size)) || (plural && stop_words->contains(text)) || too_short(text);
    term_table[at] = static_cast<uint32_t>(terms.size());
    terms.push_back(made);
    occurrence_head.push_back(kNone);
    return term_table[at];
  }

  uint32_t word_of(View token) {
    const auto begin = static_cast<uint32_t>(lower.size());
    unicode::append_lower(token, lower);
    const auto size = static_cast<uint32_t>(lower.size()) - begin;
    const View text = lower_text(begin, size);
    const size_t mask = word_table.size() - 1;
    size_t at = unicode::hash(text) & mask;
    for (; word_table[at] != kNone; at = (at + 1) & mask) {
      const Word& word = words[word_table[at]];
      if (lower_text(word.begin, word.size) == text) {
        lower.resize(begin);
        return word_table[at];
      }
    }
    word_table[at] = static_cast<uint32_t>(words.size());
    words.push_back({begin, size, term_of(begin, size)});
    return word_table[at];
  }

  void count(uint32_t term_id, Tag tag, uint32_t sentence) {
    Term& term = terms[term_id];
    ++term.tf;
    term.acronyms += tag == Tag::kAcronym;
    term.names += tag == Tag::kName;
    if (term.last_sentence == sentence) return;
    if (term.sentences == 0) term.first_sentence = sentence;
    term.last_sentence = sentence;
    ++term.sentences;
    occurrence_next.push_back(occurrence_head[term_id]);
    occurrence_sentence.push_back(sentence);
    occurrence_head[term_id] = static_cast<uint32_t>(occurrence_next.size() - 1);
  }

  Edge& edge(uint32_t left, uint32_t right) {
    const uint64_t key = uint64_t{left} << 32 | right;
    const size_t mask = edges.size() - 1;
    size_t at = mix(key) & mask;
    while (edges[at].count != 0 && edges[at].key != key) at = (at + 1) & mask;
    if (edges[at].count == 0) edges[at].key = key;
    return edges[at];
  }
  uint32_t edge_count_of(uint32_t left, uint32_t right) { return edge(left, right).count; }

  void link(uint32_t left, uint32_t right) {
    if (edge_count * 2 >= edges.size()) {  // a window above 1 makes more edges than tokens
      std::vector<Edge> old(edges.size() * 2);
      old.swap(edges);
      for (const Edge& e : old)
        if (e.count != 0) edge(static_cast<uint32_t>(e.key >> 32), static_cast<uint32_t>(e.key)) = e;
    }
    Edge& e = edge(left, right);
    if (e.count++ == 0) {
      ++edge_count;
      ++terms[left].right_terms;
      ++terms[right].left_terms;
    }
    ++terms[left].right_sum;
    ++terms[right].left_sum;
  }

  uint64_t candidate_hash(uint32_t first, uint32_t size) const {
    uint64_t h = size;
    for (uint32_t i = 0; i < size; ++i) h = mix(h * 31 + token_word[first + i] + 1);
    return h;
  }

  void see_candidate(uint32_t first, uint32_t size) {
    if (candidates.size() * 2 >= candidate_table.size()) {
      candidate_table.assign(candidate_table.size() * 2, kNone);
      const size_t wide = candidate_table.size() - 1;
      for (uint32_t i = 0; i < candidates.size(); ++i) {
        size_t at = candidate_hash(candidates[i].first, candidates[i].size) & wide;
        while (candidate_table[at] != kNone) at = (at + 1) & wide;
        candidate_table[at] = i;
      }
    }
    const size_t mask = candidate_table.size() - 1;
    size_t at = candidate_hash(first, size) & mask;
    for (; candidate_table[at] != kNone; at = (at + 1) & mask) {
      Candidate& known = candidates[candidate_table[at]];
      if (known.size == size && std::equal(token_word.begin() + known.first, token_word.begin() + known.first + size,
                                           token_word.begin() + first)) {
        ++known.tf;
        return;
      }
    }
    candidate_table[at] = static_cast<uint32_t>(candidates.size());
    candidates.push_back({.first = first, .size = size, .tf = 1});
  }

  // Terms, edges and candidates, in one pass. A candidate with a token that is digits or unparsable, or with a stop
  // word at an end, is never valid whatever else is seen, since both depend on its lower-cased words alone: it is not
  // made.
  void read() {
    const auto& tokens = segments.tokens;
    const auto n = static_cast<uint32_t>(options.n);
    const auto window = static_cast<uint32_t>(options.window);
    uint32_t block = 0;  // first token of the block
    for (uint32_t i = 0; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.first) block = i;
      if (token.ends_block) {
        block = i + 1;
        continue;
      }
      const View text = segments.text(token);
      const Tag tag = tag_of(text, token.first);
      const uint32_t word = word_of(text);
      const uint32_t term = words[word].term;
      token_word[i] = word;
      count(term, tag, token.sentence);
      if (tag == Tag::kUnparsable || tag == Tag::kDigits) continue;
      token_linked[i] = 1;
      for (uint32_t k = std::max(block, i - std::min(i, window)); k < i; ++k)
        if (token_linked[k]) link(words[token_word[k]].term, term);
      if (terms[term].stop) continue;
      see_candidate(i, 1);
      for (uint32_t size = 2; size <= n && i + 1 >= block + size; ++size) {
        const uint32_t first = i + 1 - size;
        if (!token_linked[first]) break;
        if (!terms[words[token_word[first]].term].stop) see_candidate(first, size);
      }
    }
  }

  double median_sentence(uint32_t term_id) {
    const Term& term = terms[term_id];
    if (term.sentences == 1) return term.first_sentence;
    if (term.sentences == 2) return (static_cast<double>(term.first_sentence) + term.last_sentence) / 2;
    sentences_of.clear();  // last to first
    for (uint32_t at = occurrence_head[term_id]; at != kNone; at = occurrence_next[at])
      sentences_of.push_back(occurrence_sentence[at]);
    const size_t middle = sentences_of.size() / 2;
    if (sentences_of.size() % 2) return sentences_of[middle];
    return (static_cast<double>(sentences_of[middle]) + sentences_of[middle - 1]) / 2;
  }

  void score_terms() {
    scratch.clear();
    uint32_t max_tf = 0;
    double total = 0;
    for (const Term& term : terms) {
      max_tf = std::max(max_tf, term.tf);
      if (term.stop) continue;
      scratch.push_back(term.tf);
      total += term.tf;
    }
    if (scratch.empty()) return;
    const auto count_of = static_cast<double>(scratch.size());
    const double mean = total / count_of;
    for (double& x : scratch) x = (x - mean) * (x - mean);
    const double deviation = std::sqrt(pairwise_sum(scratch.data(), scratch.size()) / count_of);
    for (uint32_t i = 0; i < terms.size(); ++i) {
      Term& t = terms[i];
      if (t.stop) continue;
      const double tf = t.tf;
      const double pwl = t.left_sum ? static_cast<double>(t.left_terms) / t.left_sum : 0;
      const double pwr = t.right_sum ? static_cast<double>(t.right_terms) / t.right_sum : 0;
      const double rel = (0.5 + (pwl * (tf / max_tf))) + (0.5 + (pwr * (tf / max_tf)));
      const double freq = tf / (mean + deviation);
      const double spread = static_cast<double>(t.sentences) / segments.sentences;
      const double casing = std::max(t.acronyms, t.names) / (1.0 + (t.tf == 1 ? 0.0 : std::log(tf)));
      const double pos = std::log(std::log(3.0 + median_sentence(i)));
      t.h = (pos * rel) / (casing + (freq / rel) + (spread / rel));
    }
  }

  void score(Candidate& candidate) {
    double sum = 0, product = 1;
    const auto term_at = [&](uint32_t i) -> const Term& { return terms[words[token_word[candidate.first + i]].term]; };
    const auto id_at = [&](uint32_t i) { return words[token_word[candidate.first + i]].term; };
    for (uint32_t i = 0; i < candidate.size; ++i) {
      const Term& term = term_at(i);
      if (!term.stop) {
        sum += term.h;
        product *= term.h;
        continue;
      }
      // Never the first nor the last.
      const double before = static_cast<double>(edge_count_of(id_at(i - 1), id_at(i))) / term_at(i - 1).tf;
      const double after = static_cast<double>(edge_count_of(id_at(i), id_at(i + 1))) / term_at(i + 1).tf;
      const double p = before * after;
      product *= 1 + (1 - p);
      sum -= 1 - p;
    }
    const double score = product / ((sum + 1) * candidate.tf);
    // Two stop words in a long keyword can bring the divisor to 0; such a candidate is the least relevant.
    candidate.score = std::isfinite(score) ? score : std::numeric_limits<double>::max();
  }

  std::u32string lower_form(const Candidate& candidate) const {
    std::u32string out;
    for (uint32_t i = 0; i < candidate.size; ++i) {
      if (i > 0) out.push_back(' ');
      const Word& word = words[token_word[candidate.first + i]];
      out.append(lower_text(word.begin, word.size));
    }
    return out;
  }
  std::string shown_form(const Candidate& candidate) const {
    std::string out;
    for (uint32_t i = 0; i < candidate.size; ++i) {
      if (i > 0) out.push_back(' ');
      unicode::encode(segments.text(segments.tokens[candidate.first + i]), out);
    }
    return out;
  }

  bool too_similar(View a, View b) const {
    if (options.dedup == Dedup::kJaro) return jaro(a, b) > options.dedup_limit;
    const size_t longer = std::max(a.size(), b.size());
    if (longer == 0) return 1.0 > options.dedup_limit;
    const auto similarity = [longer](size_t distance) {
      return 1.0 - static_cast<double>(distance) / static_cast<double>(longer);
    };
    // The lengths alone bound it from above.
    if (!(similarity(longer - std::min(a.size(), b.size())) > options.dedup_limit)) return false;
    return similarity(levenshtein(a, b)) > options.dedup_limit;
  }

  std::vector<Keyword> choose() {
    std::vector<uint32_t> heap(candidates.size());
    for (uint32_t i = 0; i < heap.size(); ++i) heap[i] = i;
    const auto worse = [this](uint32_t a, uint32_t b) {
      const double x = candidates[a].score, y = candidates[b].score;
      return x != y ? x > y : a > b;
    };
    std::make_heap(heap.begin(), heap.end(), worse);
    std::vector<Keyword> chosen;
    kept.clear();
    const auto top = static_cast<size_t>(options.top);
    while (!heap.empty() && chosen.size() < top) {
      std::pop_heap(heap.begin(), heap.end(), worse);
      const Candidate& candidate = candidates[heap.back()];
      heap.pop_back();
      std::u32string form = lower_form(candidate);
      if (options.dedup_limit >= 1) {
        chosen.push_back({unicode::to_utf8(form), candidate.score});
        continue;
      }
      if (std::any_of(kept.begin(), kept.end(), [&](const auto& other) { return too_similar(form, other); })) continue;
      chosen.push_back({shown_form(candidate), candidate.score});
      kept.push_back(std::move(form));
    }
    return chosen;
  }
};

KeywordExtractor::KeywordExtractor(KeywordOptions options, std::shared_ptr<const StopWords> stop_words)
    : state_(std::make_unique<State>()) {
  if (options.n < 1 || options.n > 16) throw InvalidInput("n must be 1 to 16");
  if (options.window < 1 || options.window > 64) throw InvalidInput("window must be 1 to 64");
  if (options.top < 0) throw InvalidInput("top must not be negative");
  if (!(options.dedup_limit >= 0)) throw InvalidInput("the deduplication limit must be 0 or more");
  state_->options = options;
  state_->stop_words = std::move(stop_words);
}
KeywordExtractor::~KeywordExtractor() = default;
KeywordExtractor::KeywordExtractor(KeywordExtractor&&) noexcept = default;

std::vector<Keyword> KeywordExtractor::extract(std::string_view utf8) {
  if (utf8.size() >= kNone) throw InvalidInput("a text of 4 GiB or more");
  State& s = *state_;
  if (s.options.mode == TextMode::kReference)
    reference_segments(utf8, s.segments);
  else
    product_segments(utf8, s.segments);
  s.reset();
  s.read();
  s.score_terms();
  for (auto& candidate : s.candidates) s.score(candidate);
  return s.choose();
}

Dedup parse_dedup(std::string_view name) {
  if (name == "seqm") return Dedup::kSeqm;
  if (name == "levs" || name == "leve") return Dedup::kLevs;
  if (name == "jaro") return Dedup::kJaro;
  throw InvalidInput("no deduplication function '" + std::string(name) + "'; there are seqm, levs and jaro");
}

}  // namespace dalgona::insights
