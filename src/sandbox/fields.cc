#include "sandbox/fields.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/errors.h"

namespace dalgona::sandbox {
namespace {

constexpr int kDepth = 32;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':' || c == '@' || c == '$';
}

}  // namespace

class FieldParser {
 public:
  explicit FieldParser(std::string_view text) : text_(text) {}

  FieldMask whole() {
    FieldMask mask = list(0);
    if (at_ < text_.size()) fail();
    return mask;
  }

 private:
  FieldMask list(int depth) {
    if (depth > kDepth) throw InvalidInput("Invalid field selection: it is nested too deeply");
    FieldMask mask;
    do {
      const auto [name, below] = field(depth);
      // The same name twice selects the union; a bare name has everything already.
      const auto [known, is_new] = mask.children_.try_emplace(name, below);
      if (!is_new) {
        if (known->second.all() || below.all())
          known->second = FieldMask();
        else
          known->second.merge(below);
      }
    } while (accept(','));
    return mask;
  }

  std::pair<std::string, FieldMask> field(int depth) {
    if (depth > kDepth) throw InvalidInput("Invalid field selection: it is nested too deeply");
    skip_spaces();
    const size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '*') {
      ++at_;
    } else {
      while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    }
    if (at_ == start) fail();
    std::string name(text_.substr(start, at_ - start));
    if (accept('/')) {
      const auto [next, below] = field(depth + 1);
      FieldMask mask;
      mask.children_.emplace(next, below);
      return {std::move(name), std::move(mask)};
    }
    if (accept('(')) {
      FieldMask mask = list(depth + 1);
      if (!accept(')')) fail();
      return {std::move(name), std::move(mask)};
    }
    return {std::move(name), FieldMask()};
  }

  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  [[noreturn]] void fail() const {
    throw InvalidInput("Invalid field selection " + std::string(text_.substr(std::min(at_, text_.size()), 100)));
  }

  std::string_view text_;
  size_t at_ = 0;
};

FieldMask FieldMask::parse(std::string_view text) {
  return FieldParser(text).whole();
}

void FieldMask::merge(const FieldMask& other) {
  for (const auto& [name, below] : other.children_) {
    const auto [known, is_new] = children_.try_emplace(name, below);
    if (is_new) continue;
    if (known->second.all() || below.all())
      known->second = FieldMask();
    else
      known->second.merge(below);
  }
}

boost::json::value FieldMask::apply(const boost::json::value& value) const {
  if (all()) return value;
  if (value.is_array()) {
    boost::json::array out;
    out.reserve(value.as_array().size());
    for (const auto& element : value.as_array())
      if (element.is_structured()) out.push_back(apply(element));
    return out;
  }
  if (!value.is_object()) return value;
  const auto wildcard = children_.find("*");
  boost::json::object out;
  for (const auto& [key, inner] : value.as_object()) {
    const auto named = children_.find(std::string_view(key));
    if (named == children_.end() && wildcard == children_.end()) continue;
    FieldMask both;
    if (named != children_.end() && wildcard != children_.end() && !named->second.all() && !wildcard->second.all()) {
      both = named->second;
      both.merge(wildcard->second);
    } else if (named != children_.end() && (wildcard == children_.end() || !wildcard->second.all())) {
      both = named->second;
    } else if (named == children_.end()) {
      both = wildcard->second;
    }
    // A selection below something that has nothing below selects nothing of it.
    if (!both.all() && !inner.is_structured()) continue;
    boost::json::value kept = both.apply(inner);
    // What only a wildcard has found is there for what is below.
    const bool empty = kept.is_object() && kept.as_object().empty();
    if (named == children_.end() && !both.all() && empty) continue;
    out.emplace(key, std::move(kept));
  }
  return out;
}

std::string FieldMask::unknown_in(const FieldMask& schema) const {
  for (const auto& [name, below] : children_) {
    if (name == "*") {
      if (below.all()) continue;
      // Below a wildcard a name must exist somewhere.
      std::string first_unknown;
      bool known = schema.all();
      for (const auto& [schema_name, schema_below] : schema.children_) {
        const std::string unknown = schema_below.all() ? "?" : below.unknown_in(schema_below);
        known = known || unknown.empty();
        if (first_unknown.empty()) first_unknown = unknown;
      }
      if (!known) return fmt::format("{}/{}", name, first_unknown);
      continue;
    }
    auto found = schema.children_.find(name);
    if (found == schema.children_.end()) found = schema.children_.find("*");
    if (found == schema.children_.end()) return name;
    if (below.all()) continue;
    if (found->second.all()) return fmt::format("{}/{}", name, below.children_.begin()->first);
    if (const std::string unknown = below.unknown_in(found->second); !unknown.empty())
      return fmt::format("{}/{}", name, unknown);
  }
  return {};
}

}  // namespace dalgona::sandbox
