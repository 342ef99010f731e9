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
  const auto nibble = [&](char c) -> uint8_t {
    if (c >= '0' && c <= '9') return uint8_t(c - '0');
    if (c >= 'a' && c <= 'f') return uint8_t(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return uint8_t(c - 'A' + 10);
    throw bad();
  };
  size_t at = 0;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      if (text[at++] != '-') throw bad();
    }
    id.bytes[i] = uint8_t(nibble(text[at]) << 4 | nibble(text[at + 1]));
    at += 2;
  }
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
