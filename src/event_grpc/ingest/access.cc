#include "event_grpc/ingest/access.h"

#include <array>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/text.h"

namespace dalgona::event_grpc {

namespace {

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

bool ApiKeys::allows(std::string_view key) const {
  if (open()) return true;
  bool found = false;
  for (const auto& known : keys_) found |= equal(known, key);
  return found;
}

bool ApiKeys::allows_authorization(std::string_view value) const {
  if (open()) return true;
  constexpr size_t kWord = 7;  // "Bearer "
  return value.size() > kWord && to_lower_ascii(value.substr(0, kWord)) == "bearer " &&
         allows(trim(value.substr(kWord)));
}

bool signature_matches(events::Ingest::Signature kind, std::string_view secret, std::string_view body,
                       std::string_view given) {
  if (secret.empty()) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), secret.data(), int(secret.size()), reinterpret_cast<const unsigned char*>(body.data()),
            body.size(), digest.data(), &size))
    return false;
  std::string expected;
  if (kind == events::Ingest::Signature::kBase64) {
    expected.resize(4 * ((size + 2) / 3) + 1);
    expected.resize(
        size_t(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(expected.data()), digest.data(), int(size))));
    return equal(expected, trim(given));
  }
  for (unsigned i = 0; i < size; ++i) expected += fmt::format("{:02x}", digest[i]);
  return equal(expected, to_lower_ascii(trim(given)));
}

}  // namespace dalgona::event_grpc
