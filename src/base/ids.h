// Event ids: made once, kept over retries, ordered by time so that they compress and prune well.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace dalgona {

// A UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits; within one thread it never
// goes backwards.
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  std::string text() const;
  // Accepts the 36-character form in either case. Throws InvalidInput.
  static Uuid parse(std::string_view text);
};

Uuid make_uuid7(Time now);

}  // namespace dalgona
