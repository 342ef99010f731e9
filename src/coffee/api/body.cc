#include "coffee/api/body.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "coffee/api/refusal.h"

namespace dalgona::coffee {
namespace {

// Deeper than any body of ours.
constexpr size_t kMaxDepth = 8;
// Of what was sent, so much is repeated in a complaint.
constexpr size_t kShown = 64;

std::string shown(std::string_view text) {
  std::string short_text = to_utf8_lossy(text.substr(0, kShown));
  if (text.size() > kShown) short_text += "…";
  return short_text;
}

bool is_json(const http::Request& request) {
  const auto type = request.headers.get("Content-Type");
  if (!type) return true;
  const std::string bare(trim(std::string_view(*type).substr(0, type->find(';'))));
  const std::string lower = to_lower_ascii(bare);
  return lower == "application/json" || (lower.starts_with("application/") && lower.ends_with("+json"));
}

}  // namespace

Body::Body(const http::Request& request, std::vector<std::string> known) {
  if (trim(request.body).empty()) return;
  if (!is_json(request)) throw Refusal(415, "Unsupported Media Type", "Content-Type must be application/json");
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code failed;
  json::value value = json::parse(request.body, failed, {}, options);
  if (failed) throw InvalidInput("the body is no JSON that is taken here: " + failed.message());
  if (!value.is_object()) throw InvalidInput("the body must be a JSON object");
  object_ = std::move(value.as_object());
  for (const auto& field : object_) {
    const std::string key(field.key());
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw InvalidInput(fmt::format("unknown key '{}'{}", shown(key), did_you_mean(key.substr(0, kMaxText), known)));
  }
}

const json::value* Body::find(std::string_view key) const {
  const json::value* value = object_.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

std::optional<std::string> Body::text(std::string_view key, size_t max) const {
  const json::value* value = find(key);
  if (!value) return {};
  if (!value->is_string()) throw InvalidInput(fmt::format("{} must be a text", key));
  return checked_text(std::string(value->get_string()), key, max);
}

std::optional<int64_t> Body::integer(std::string_view key, int64_t low, int64_t high) const {
  const json::value* value = find(key);
  if (!value) return {};
  if (!value->is_int64() || value->get_int64() < low || value->get_int64() > high)
    throw InvalidInput(fmt::format("{} must be a whole number from {} to {}", key, low, high));
  return value->get_int64();
}

std::optional<Time> Body::date(std::string_view key) const {
  const auto value = text(key);
  if (!value) return {};
  return parse_date(*value, key);
}

const json::array* Body::list(std::string_view key) const {
  const json::value* value = find(key);
  if (!value) return nullptr;
  if (!value->is_array()) throw InvalidInput(fmt::format("{} must be a list", key));
  return &value->get_array();
}

std::string checked_text(std::string text, std::string_view what, size_t max) {
  if (text.size() > max) throw InvalidInput(fmt::format("{} is longer than {} bytes", what, max));
  if (!is_utf8(text)) throw InvalidInput(fmt::format("{} is not UTF-8", what));
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      throw InvalidInput(fmt::format("{} holds a control character", what));
  return text;
}

std::string path_text(const http::Request& request, std::string_view name) {
  std::string text = checked_text(request.param(name), name);
  if (text.empty()) throw InvalidInput(fmt::format("{} is empty", name));
  return text;
}

std::string known_word(const std::string& word, std::span<const std::string> known, std::string_view what,
                       std::string_view kind) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return word;
  std::string all;
  for (const auto& each : known) all += (all.empty() ? "" : ", ") + each;
  throw InvalidInput(fmt::format("{}: unknown {} '{}'{} Known: {}", what, kind, shown(word),
                                 nearest(word, known).empty() ? "." : did_you_mean(word, known),
                                 all.empty() ? "none yet" : all));
}

Time parse_date(std::string_view text, std::string_view what) {
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  bool good = text.size() == 10;
  for (size_t i = 0; good && i < 10; ++i) good = i == 4 || i == 7 ? text[i] == '-' : digit(i);
  if (good) {
    try {
      return parse_time(text);
    } catch (const InvalidInput&) {
      good = false;
    }
  }
  throw InvalidInput(fmt::format("{} must be a date YYYY-MM-DD, not '{}'", what, shown(text)));
}

}  // namespace dalgona::coffee
