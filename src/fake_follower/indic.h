// The nine Brahmic scripts of India, whose Unicode blocks share one layout, and Urdu.
#pragma once
#include <string>
#include <string_view>

namespace dalgona::fake_follower {

// Devanagari to Malayalam.
bool is_brahmic(char32_t c);
// Arabic letters as Urdu, Sindhi and Kashmiri write them.
bool is_urdu(char32_t c);

// A run of one word (joiners allowed) to lower-case ASCII.
std::string brahmic_to_latin(std::u32string_view word);
std::string urdu_to_latin(std::u32string_view word);

}  // namespace dalgona::fake_follower
