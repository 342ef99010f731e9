// What is known of a follower's account beside its names: the inputs of the learned score.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dalgona::fake_follower {

// In the order in which weights, contributions and files hold them.
enum class Input : uint8_t {
  kHandleDigits,  // decimal digits in the handle, of any script
  kHandleLength,  // its characters
  kFollowers,
  kFollowings,
  kPosts,
  kBioLength,   // characters of the biography
  kHasPicture,  // 0 or 1
  kIsPrivate,   // 0 or 1
};
constexpr size_t kInputs = 8;

// The name that files and answers use: "handle_digits".
std::string_view name_of(Input input);

// The handle is always known; the rest may be missing, each on its own: a bit for each, set when it is known.
using Known = uint8_t;
constexpr Known kKnowsFollowers = 1, kKnowsFollowings = 2, kKnowsPosts = 4, kKnowsBio = 8, kKnowsPicture = 16,
                kKnowsPrivate = 32;
constexpr size_t kKnownSets = 64;
constexpr Known kKnowsHandleOnly = 0, kKnowsAll = kKnownSets - 1;
bool knows(Known known, Input input);

constexpr size_t kLongestHandle = 256;

struct Account {
  double handle_digits = 0, handle_length = 0;
  std::optional<double> followers, followings, posts, bio_length;  // not negative
  std::optional<bool> has_picture, is_private;

  // Any bytes; each ill-formed one counts as a character. Looks at the first kLongestHandle characters.
  static Account of_handle(std::string_view handle);
  // Takes the two figures of the handle from it and leaves the others as they are.
  void count_handle(std::string_view handle);
  Known known() const;
  // What is not known is 0.
  std::array<double, kInputs> inputs() const;
};

}  // namespace dalgona::fake_follower
