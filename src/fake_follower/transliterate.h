// Names in other scripts as their bearers usually spell them in Latin letters: ten scripts of India by rules of our own
// (inherent vowels and their deletion, aspirates, the southern th), the rest by ICU.
#pragma once
#include <string>
#include <string_view>

namespace dalgona::fake_follower {

// Lower-case or mixed ASCII; what no rule knows is dropped. Latin letters keep their case and lose their accents.
std::string to_latin(std::u32string_view text);

// Greek, Armenian, Georgian, Han or Hangul letters: scripts that the followers of an Indian creator do not write.
bool has_foreign_script(std::u32string_view text);

}  // namespace dalgona::fake_follower
