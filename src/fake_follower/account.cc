#include "fake_follower/account.h"

#include <algorithm>

#include "insights/keywords/unicode.h"

namespace dalgona::fake_follower {

std::string_view name_of(Input input) {
  static constexpr std::array<std::string_view, kInputs> kNames{
      "handle_digits", "handle_length", "followers", "followings", "posts", "bio_length", "has_picture", "is_private"};
  return kNames[static_cast<size_t>(input)];
}

bool knows(Known known, Input input) {
  switch (input) {
    case Input::kHandleDigits:
    case Input::kHandleLength:
      return true;
    case Input::kFollowers:
      return known & kKnowsFollowers;
    case Input::kFollowings:
      return known & kKnowsFollowings;
    case Input::kPosts:
      return known & kKnowsPosts;
    case Input::kBioLength:
      return known & kKnowsBio;
    case Input::kHasPicture:
      return known & kKnowsPicture;
    case Input::kIsPrivate:
      return known & kKnowsPrivate;
  }
  return false;
}

Account Account::of_handle(std::string_view handle) {
  Account account;
  account.count_handle(handle);
  return account;
}

void Account::count_handle(std::string_view handle) {
  std::u32string text = insights::unicode::from_utf8(handle.substr(0, kLongestHandle * 4));
  if (text.size() > kLongestHandle) text.resize(kLongestHandle);
  handle_length = static_cast<double>(text.size());
  handle_digits = static_cast<double>(std::count_if(
      text.begin(), text.end(), [](char32_t c) { return insights::unicode::is(c, insights::unicode::kDigit); }));
}

Known Account::known() const {
  return static_cast<Known>((followers ? kKnowsFollowers : 0) | (followings ? kKnowsFollowings : 0) |
                            (posts ? kKnowsPosts : 0) | (bio_length ? kKnowsBio : 0) |
                            (has_picture ? kKnowsPicture : 0) | (is_private ? kKnowsPrivate : 0));
}

std::array<double, kInputs> Account::inputs() const {
  return {handle_digits,
          handle_length,
          followers.value_or(0),
          followings.value_or(0),
          posts.value_or(0),
          bio_length.value_or(0),
          has_picture.value_or(false) ? 1.0 : 0.0,
          is_private.value_or(false) ? 1.0 : 0.0};
}

}  // namespace dalgona::fake_follower
