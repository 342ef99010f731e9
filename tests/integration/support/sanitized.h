// What a test can't measure in a build with a sanitizer.
#pragma once

namespace dalgona::test {

// Memory has another measure there: freed blocks are kept, and each byte has a shadow.
#ifdef DALGONA_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace dalgona::test
