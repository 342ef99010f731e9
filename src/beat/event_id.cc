#include "beat/event_id.h"

#include <algorithm>

#include <openssl/evp.h>

#include "base/errors.h"

namespace dalgona::beat {

Uuid event_uuid(Time at, std::string_view name) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(name.data(), name.size(), digest, &size, EVP_sha256(), nullptr) != 1 || size < 16)
    throw Permanent("SHA-256 failed");
  const auto millis = uint64_t(std::max<int64_t>(0, at.time_since_epoch().count() / 1000));
  Uuid id;
  std::copy_n(digest, 16, id.bytes.begin());
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = uint8_t(millis >> (40 - 8 * i));
  id.bytes[6] = uint8_t(0x70 | (id.bytes[6] & 0x0F));
  id.bytes[8] = uint8_t(0x80 | (id.bytes[8] & 0x3F));
  return id;
}

}  // namespace dalgona::beat
