#include "base/ids.h"

#include <random>

#include <fmt/format.h>
#include <sys/random.h>

#include "base/errors.h"

namespace dalgona {

std::string Uuid::text() const {
  std::string out;
  out.reserve(36);
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
  return out;
}

Uuid Uuid::parse(std::string_view text) {
  Uuid id;
  const auto bad = [&] { return InvalidInput(fmt::format("not a UUID: '{}'", text.substr(0, 64))); };
  if (text.size() != 36) throw bad();
  // 0xff for what is no hexadecimal digit, which shows in the upper half of `wrong`.
  static constexpr auto kNibbles = [] {
    std::array<uint8_t, 256> table{};
    table.fill(0xff);
    for (uint8_t i = 0; i < 10; ++i) table['0' + i] = i;
    for (uint8_t i = 0; i < 6; ++i) table['a' + i] = table['A' + i] = uint8_t(10 + i);
    return table;
  }();
  static constexpr std::array<uint8_t, 16> kPlaces{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  uint8_t wrong = 0;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    const uint8_t high = kNibbles[p[kPlaces[i]]], low = kNibbles[p[kPlaces[i] + 1]];
    wrong |= high | low;
    id.bytes[i] = uint8_t(high << 4 | low);
  }
  if ((wrong & 0xf0) || p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-') throw bad();
  return id;
}

Uuid make_uuid7(Time now) {
  // Seeded by the kernel once a thread; mt19937_64 is enough here, for ids must be distinct, not secret.
  thread_local std::mt19937_64 engine = [] {
    uint64_t seed[4];
    if (getrandom(seed, sizeof seed, 0) != ssize_t(sizeof seed)) throw Permanent("getrandom failed");
    std::seed_seq sequence{uint32_t(seed[0]), uint32_t(seed[0] >> 32), uint32_t(seed[1]), uint32_t(seed[1] >> 32),
                           uint32_t(seed[2]), uint32_t(seed[2] >> 32), uint32_t(seed[3]), uint32_t(seed[3] >> 32)};
    return std::mt19937_64{sequence};
  }();
  thread_local uint64_t last = 0;
  // Method 3 of RFC 9562, section 6.2: 12 bits of sub-millisecond time stand in rand_a; a step of one keeps ids of one
  // instant in order.
  const auto micros = uint64_t(std::max<int64_t>(0, now.time_since_epoch().count()));
  uint64_t stamp = (micros / 1000) << 12 | (micros % 1000) * 4096 / 1000;
  if (stamp <= last) stamp = last + 1;
  last = stamp;
  const uint64_t random = engine();
  Uuid id;
  for (int i = 0; i < 6; ++i) id.bytes[size_t(i)] = uint8_t(stamp >> (52 - 8 * i));
  id.bytes[6] = uint8_t(0x70 | ((stamp >> 8) & 0x0F));
  id.bytes[7] = uint8_t(stamp);
  for (size_t i = 0; i < 8; ++i) id.bytes[8 + i] = uint8_t(random >> (8 * i));
  id.bytes[8] = uint8_t((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

}  // namespace dalgona
