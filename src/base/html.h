// Text in HTML.
#pragma once
#include <string>
#include <string_view>

namespace dalgona {

// & < > " ' as character references, good in elements and in quoted attributes; everything else as it is.
std::string html_escaped(std::string_view text);

}  // namespace dalgona
