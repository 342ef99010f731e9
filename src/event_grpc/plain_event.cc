#include "event_grpc/plain_event.h"

#include <bit>
#include <cstring>

#include <emmintrin.h>
#include <simdjson.h>

#include "base/errors.h"

namespace dalgona::event_grpc {

namespace {

using events::Field;
using events::FieldType;

constexpr int kSafeDigits = 18;   // of a whole number: below 2^63 whatever they are
constexpr int kExactDigits = 15;  // of a whole number that a double holds as it is
constexpr int64_t kMostMicros = 100'000'000'000'000'000;

class PlainReader {
 public:
  PlainReader(FieldTree& tree, std::string_view text)
      : tree_(tree), begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  bool read() {
    skip_space();
    if (!take('{') || !object(tree_.nodes[0])) return false;
    skip_space();
    if (at_ != end_) return false;
    return !beyond_ascii_ || simdjson::validate_utf8(begin_, size_t(end_ - begin_));
  }

 private:
  void skip_space() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  // White space is rare between the tokens of an event, so it is looked for only when something else is missing.
  bool take(char c) {
    if (at_ < end_ && *at_ == c) {
      ++at_;
      return true;
    }
    skip_space();
    if (at_ >= end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  // The rest of a string without escapes, behind its opening quote.
  bool string(std::string_view& text) {
    const char* const from = at_;
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (const char* p = at_; p < end_; p += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                           _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
      const auto found = unsigned(_mm_movemask_epi8(special));
      // Bytes behind the quote may count as well; then the text is checked without need.
      beyond_ascii_ |= _mm_movemask_epi8(bytes) != 0;
      if (found == 0) continue;
      p += std::countr_zero(found);
      if (p >= end_ || *p != '"') return false;
      text = {from, size_t(p - from)};
      at_ = p + 1;
      return true;
    }
    return false;
  }

  // A whole number of at most `most` digits that JSON allows, and no fraction or exponent behind it.
  bool whole(int64_t& n, int most = kSafeDigits) {
    const bool negative = at_ < end_ && *at_ == '-';
    const char* p = at_ + (negative ? 1 : 0);
    const char* const first = p;
    uint64_t value = 0;
    for (; p < end_ && unsigned(*p - '0') < 10 && p - first < most; ++p) value = value * 10 + unsigned(*p - '0');
    const auto digits = p - first;
    // "-0" is a number of its own kind, "012" none.
    if (digits == 0 || (*first == '0' && (digits > 1 || negative)) || p >= end_) return false;
    if (*p != ',' && *p != '}' && *p != ' ' && *p != '\t' && *p != '\n' && *p != '\r') return false;
    n = negative ? -int64_t(value) : int64_t(value);
    at_ = p;
    return true;
  }

  bool word(std::string_view expected) {
    if (size_t(end_ - at_) <= expected.size() || std::memcmp(at_, expected.data(), expected.size()) != 0) return false;
    at_ += expected.size();
    return true;  // what follows must be a comma or bracket, which the caller asks for
  }

  // What follows an opening bracket.
  bool object(FieldNode& node) {
    if (take('}')) return true;
    do {
      if (!take('"')) return false;
      const auto left = size_t(end_ - at_);
      FieldNode* child = tree_.find(node, [&](const FieldNode::Child& c) {
        if (!c.is_at(at_, left)) return false;
        at_ += c.quoted.size();
        return true;
      });
      if (child) {
        if (!take(':') || !known(*child)) return false;
      } else {
        std::string_view key;
        if (!string(key) || !take(':') || !unknown(node, key)) return false;
      }
    } while (take(','));
    return take('}');
  }

  bool known(FieldNode& node) {
    skip_space();
    if (at_ >= end_) return false;
    if (node.leaf < 0) {
      if (*at_ == 'n') return word("null");
      return take('{') && object(node);
    }
    const Field& f = tree_.stream.fields[size_t(node.leaf)];
    FieldSlot& slot = tree_.slots[size_t(node.leaf)];
    if (slot.seen) return false;
    slot.seen = true;
    if (*at_ == 'n') return word("null");
    slot.given = true;
    switch (f.type) {
      case FieldType::kUuid: {
        std::string_view text;
        if (!take('"') || !string(text)) return false;
        try {
          slot.uuid = Uuid::parse(text);
        } catch (const InvalidInput&) {
          return false;
        }
        return true;
      }
      case FieldType::kString:
        return take('"') && string(slot.text) && slot.text.size() <= f.max_length;
      case FieldType::kKeyword:
        return take('"') && string(slot.text) && slot.text.size() <= std::min<size_t>(f.max_length, kMaxKeyword);
      case FieldType::kInt64:
        return whole(slot.integer);
      case FieldType::kFloat64: {
        int64_t n = 0;
        if (!whole(n, kExactDigits)) return false;
        slot.real = double(n);
        return true;
      }
      case FieldType::kBool:
        slot.integer = *at_ == 't';
        return word(*at_ == 't' ? "true" : "false");
      case FieldType::kTime:
        return time(slot.integer);
      case FieldType::kJson:
      case FieldType::kRest:
        break;
    }
    return false;
  }

  bool time(int64_t& micros) {
    if (*at_ == '"') {
      std::string_view text;
      ++at_;
      if (!string(text)) return false;
      const auto plain = plain_time(text);
      if (!plain) return false;
      micros = *plain;
    } else {
      int64_t n = 0;
      if (!whole(n) || n > kMostMicros) return false;
      micros = time_of_number(n);
    }
    return micros >= 0 && micros <= kMaxTime;
  }

  // A member that no field names: a plain value goes into the rest as it stands.
  bool unknown(FieldNode& node, std::string_view key) {
    skip_space();
    if (at_ >= end_ || node.rest < 0) return false;
    const char* const from = at_;
    std::string_view text;
    int64_t n = 0;
    switch (*at_) {
      case '"':
        ++at_;
        if (!string(text)) return false;
        break;
      case 't':
        if (!word("true")) return false;
        break;
      case 'f':
        if (!word("false")) return false;
        break;
      case 'n':
        if (!word("null")) return false;
        break;
      default:
        if (!whole(n)) return false;
    }
    auto& out = tree_.scratch[size_t(node.rest)];
    const std::string_view value(from, size_t(at_ - from));
    if (out.size() > kMaxRest) return false;
    if (!out.empty()) out += ',';
    out += '"';
    out.append(key);
    out.append("\":", 2);
    out.append(value);
    return true;
  }

  FieldTree& tree_;
  const char* const begin_;
  const char* at_;
  const char* const end_;
  bool beyond_ascii_ = false;
};

}  // namespace

bool read_plain_event(FieldTree& tree, std::string_view text) {
  return PlainReader(tree, text).read();
}

}  // namespace dalgona::event_grpc
