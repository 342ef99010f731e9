#include "support/certificate.h"

#include <cstdio>
#include <memory>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/errors.h"

namespace dalgona::test {

namespace {

void check(bool good, const char* what) {
  if (!good) throw Permanent(std::string("no certificate: ") + what);
}

template <typename F>
void write_pem(const std::filesystem::path& path, F write) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose);
  check(file && write(file.get()) == 1, path.c_str());
}

}  // namespace

Certificate make_certificate(const std::filesystem::path& folder, const std::string& name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x(X509_new(), X509_free);
  check(key && x, "memory");
  X509_set_version(x.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), 86'400);
  X509_set_pubkey(x.get(), key.get());
  auto* subject = X509_get_subject_name(x.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(x.get(), subject);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"), X509_EXTENSION_free);
  check(names && X509_add_ext(x.get(), names.get(), -1) == 1, "names");
  check(X509_sign(x.get(), key.get(), EVP_sha256()) > 0, "signature");
  Certificate made{folder / (name + ".crt"), folder / (name + ".key")};
  write_pem(made.certificate, [&](std::FILE* f) { return PEM_write_X509(f, x.get()); });
  write_pem(made.key,
            [&](std::FILE* f) { return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return made;
}

}  // namespace dalgona::test
