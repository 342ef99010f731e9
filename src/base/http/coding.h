// Content codings: gzip, deflate and zstd, both ways, in pieces and with bounded memory.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dalgona::http {

enum class Coding { kIdentity, kGzip, kDeflate, kZstd };

// The coding that a Content-Encoding value names ("" and "identity" included, case ignored); nothing when we don't have
// it.
std::optional<Coding> coding_of(std::string_view name);
std::string_view name_of(Coding coding);

// What an Accept-Encoding value prefers of zstd and gzip (zstd when equal), kIdentity when neither is wanted.
Coding preferred_coding(std::string_view accept_encoding);

// Undoes a coding. Several gzip members or zstd frames in a row are one body. zstd windows above 8 MiB are refused, as
// RFC 9659 has it.
class Decoder {
 public:
  explicit Decoder(Coding coding);
  ~Decoder();
  Decoder(Decoder&&) noexcept;

  // Takes bytes from the front of `in` and appends decoded ones to `out`, until `in` is empty or `out` holds at least
  // `enough` bytes (by 64 KiB more at most). Call again with the same `in` while it gives true: there is more to come
  // from it. Throws InvalidInput when the bytes are not of the coding.
  bool decode(std::string_view& in, std::string& out, size_t enough);
  // Throws InvalidInput when the coded data ended in the middle.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Encoder {
 public:
  explicit Encoder(Coding coding);
  ~Encoder();
  Encoder(Encoder&&) noexcept;

  enum class Flush { kNo, kSync, kEnd };
  // Appends to `out`. kSync: everything given so far can be decoded from what was put out so far.
  void encode(std::string_view in, std::string& out, Flush flush);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::http
