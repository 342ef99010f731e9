// A certificate of the test's own, made with OpenSSL's library.
#pragma once
#include <filesystem>
#include <string>

namespace dalgona::test {

// Self-signed, for the names given ("localhost", "127.0.0.1"), good for a day: PEM files.
struct Certificate {
  std::filesystem::path certificate, key;
};
// Made anew in `folder`, under `name`.
Certificate make_certificate(const std::filesystem::path& folder, const std::string& name);

}  // namespace dalgona::test
