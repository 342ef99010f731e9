// Rules of this room alone: keys, and the two kinds of store behind objects::open().
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/objects/objects.h"

namespace dalgona::objects {

// Multipart uploads and ranged downloads work in pieces of this size; S3 asks for at least 5 MiB a part.
inline constexpr size_t kPartSize = 8u << 20;

// Throws InvalidInput for an empty key, "." or "..", an empty segment, NUL, bytes that are not UTF-8, or over 1024
// bytes (the limit of S3).
void check_key(std::string_view key);

std::unique_ptr<Store> open_file_store(const std::filesystem::path& folder, asio::thread_pool& blocking);

struct S3Options {
  std::string base_url;  // scheme://host:port
  std::string bucket, access_key, secret_key, region;
};
// Takes s3://access:secret@host:port/bucket?region=R&tls=false. Throws InvalidInput naming what is wrong, never the
// secret.
S3Options parse_s3_url(std::string_view url);
std::unique_ptr<Store> open_s3_store(S3Options options, http::Client& client);

}  // namespace dalgona::objects
