// HTML character references, as browsers and html.unescape of Python read them.
#pragma once
#include <string>
#include <string_view>

namespace dalgona::insights {

// Appends `text` with named and numeric references replaced.
void append_unescaped(std::u32string_view text, std::u32string& out);

}  // namespace dalgona::insights
