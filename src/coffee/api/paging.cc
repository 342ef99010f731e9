#include "coffee/api/paging.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::coffee {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// The digest in a cursor, in characters: a mix-up is noticed, nothing is protected by it.
constexpr size_t kDigest = 12;
// A cursor holds two identifiers at most, escaped and in base64.
constexpr size_t kMaxCursor = 8 * kMaxText;

std::string digest(std::string_view question) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_Digest(question.data(), question.size(), bytes.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Permanent("SHA-256 failed");
  return encode_base64url({reinterpret_cast<const char*>(bytes.data()), size}).substr(0, kDigest);
}

[[noreturn]] void bad_cursor() {
  throw InvalidInput("cursor: not one that this API gave; ask without a cursor to begin anew");
}

}  // namespace

std::string encode_base64url(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) text += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kAlphabet[bits << (6 - count) & 63];
  return text;
}

std::string decode_base64url(std::string_view text) {
  if (text.size() % 4 == 1) throw InvalidInput("not base64url");
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) throw InvalidInput("not base64url");
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count & 255);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) throw InvalidInput("not base64url");
  return bytes;
}

std::string encode_cursor(json::object position, std::string_view question) {
  position["q"] = digest(question);
  return encode_base64url(json::serialize(position));
}

json::object decode_cursor(std::string_view text, std::string_view question) {
  json::value value;
  try {
    boost::system::error_code failed;
    value = json::parse(decode_base64url(text), failed);
    if (failed || !value.is_object()) bad_cursor();
  } catch (const InvalidInput&) {
    bad_cursor();
  }
  json::object position = std::move(value.as_object());
  const json::value* made_for = position.if_contains("q");
  if (!made_for || !made_for->is_string()) bad_cursor();
  const auto& given = made_for->get_string();
  if (std::string_view(given.data(), given.size()) != digest(question))
    throw InvalidInput("cursor: it belongs to another question; only the cursor may differ from the page before");
  position.erase("q");
  return position;
}

int64_t cursor_integer(const json::object& position, std::string_view key) {
  const json::value* value = position.if_contains(key);
  if (!value || !value->is_int64()) bad_cursor();
  return value->get_int64();
}

std::string cursor_text(const json::object& position, std::string_view key) {
  auto text = cursor_optional_text(position, key);
  if (!text) bad_cursor();
  return *text;
}

std::optional<std::string> cursor_optional_text(const json::object& position, std::string_view key) {
  const json::value* value = position.if_contains(key);
  if (!value || value->is_null()) return {};
  if (!value->is_string() || value->get_string().size() > kMaxText) bad_cursor();
  std::string text(value->get_string());
  if (text.find('\0') != std::string::npos) bad_cursor();
  return text;
}

Paging read_paging(const Body& body, std::string_view question) {
  Paging paging;
  paging.size = body.integer("size", 1, kMaxPageSize).value_or(kDefaultPageSize);
  const auto page = body.integer("page", 1, kMaxDepthByPage);
  if (const auto cursor = body.text("cursor", kMaxCursor); cursor && !cursor->empty()) {
    if (page) throw InvalidInput("page and cursor exclude one another");
    paging.cursor = decode_cursor(*cursor, question);
    return paging;
  }
  paging.offset = (page.value_or(1) - 1) * paging.size;
  if (paging.offset + paging.size > kMaxDepthByPage && page.value_or(1) > 1)
    throw InvalidInput(fmt::format("page: pages reach {} rows deep, go on with status.nextCursor", kMaxDepthByPage));
  return paging;
}

bool read_ascending(const Body& body, bool otherwise) {
  const auto text = body.text("sortDir");
  if (!text) return otherwise;
  static const std::vector<std::string> kKnown{"ASC", "DESC"};
  std::string upper = *text;
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return known_word(upper, kKnown, "sortDir", "direction") == "ASC";
}

}  // namespace dalgona::coffee
