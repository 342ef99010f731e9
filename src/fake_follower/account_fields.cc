#include "fake_follower/account_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/text.h"
#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {
namespace {

enum Field : size_t { kFollowers, kFollowings, kPosts, kBiography, kBioLength, kHasPicture, kIsPrivate };

constexpr double kMostCount = 1e12;

bool is_flag(size_t field) {
  return field == kHasPicture || field == kIsPrivate;
}

void set_number(Account& account, size_t field, double number) {
  const std::string_view name = kAccountFields[field];
  if (is_flag(field)) {
    if (number != 0 && number != 1) throw InvalidInput(fmt::format("'{}' is neither true nor false", name));
    (field == kHasPicture ? account.has_picture : account.is_private) = number == 1;
    return;
  }
  if (!(number >= 0 && number <= kMostCount) || number != std::floor(number))
    throw InvalidInput(fmt::format("'{}' is not a count", name));
  (field == kFollowers    ? account.followers
   : field == kFollowings ? account.followings
   : field == kPosts      ? account.posts
                          : account.bio_length) = number;
}

void set_biography(Account& account, std::string_view text) {
  account.bio_length = static_cast<double>(insights::unicode::from_utf8(text).size());
}

double number_of(std::string_view cell, std::string_view field) {
  if (cell == "true") return 1;
  if (cell == "false") return 0;
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc{} || end != cell.data() + cell.size())
    throw InvalidInput(fmt::format("'{}' is not a number", field));
  return number;
}

}  // namespace

size_t account_field(std::string_view name) {
  return static_cast<size_t>(std::find(kAccountFields.begin(), kAccountFields.end(), name) - kAccountFields.begin());
}

void set_account_field(Account& account, size_t field, const simdjson::dom::element& value) {
  if (value.is_null()) return;
  const std::string_view name = kAccountFields[field];
  std::string_view text;
  double number = 0;
  bool flag = false;
  if (field == kBiography) {
    if (value.get(text)) throw InvalidInput(fmt::format("'{}' is not a text", name));
    set_biography(account, text);
  } else if (!value.get(flag)) {
    if (!is_flag(field)) throw InvalidInput(fmt::format("'{}' is not a count", name));
    set_number(account, field, flag ? 1 : 0);
  } else if (!value.get(number)) {
    set_number(account, field, number);
  } else {
    throw InvalidInput(fmt::format("'{}' is not a number", name));
  }
}

void set_account_field(Account& account, size_t field, std::string_view cell) {
  if (cell.empty()) return;
  if (field == kBiography)
    set_biography(account, cell);
  else
    set_number(account, field, number_of(trim(cell), kAccountFields[field]));
}

}  // namespace dalgona::fake_follower
