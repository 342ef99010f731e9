// The fields of an input line that tell of the account beside its names: followers, followings, posts (counts),
// biography (text) or bio_length (its characters), has_picture, is_private (true, false, 1, 0).
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include <simdjson.h>

#include "fake_follower/account.h"

namespace dalgona::fake_follower {

constexpr std::array<std::string_view, 7> kAccountFields{"followers",  "followings",  "posts",     "biography",
                                                         "bio_length", "has_picture", "is_private"};

// Its place in kAccountFields, or kAccountFields.size() for any other field.
size_t account_field(std::string_view name);

// Each takes a place in kAccountFields and throws InvalidInput naming the field when the value does not fit: counts are
// whole numbers from 0 to 1e12. null and a cell without text mean not known.
void set_account_field(Account& account, size_t field, const simdjson::dom::element& value);
void set_account_field(Account& account, size_t field, std::string_view cell);

}  // namespace dalgona::fake_follower
