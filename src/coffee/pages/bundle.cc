#include "coffee/pages/bundle.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/errors.h"
#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::coffee {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMaxFile = 32ull << 20;
constexpr size_t kCompressFrom = 512;
constexpr std::chrono::seconds kLookEvery{1};

std::string etag_of(std::string_view bytes, std::string_view coding) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Permanent("SHA-256 failed");
  std::string hex;
  for (size_t i = 0; i < 12; ++i) hex += fmt::format("{:02x}", digest[i]);
  return coding.empty() ? fmt::format("\"{}\"", hex) : fmt::format("\"{}-{}\"", hex, coding);
}

bool compresses(std::string_view type) {
  return type.starts_with("text/") || type.starts_with("application/json") ||
         type.starts_with("application/manifest") || type.starts_with("image/svg");
}

PageFile file_of(std::string_view path, std::string bytes) {
  PageFile file;
  file.type = content_type_of(path);
  file.immutable = is_hashed_name(path);
  if (compresses(file.type) && bytes.size() >= kCompressFrom)
    for (const auto coding : {http::Coding::kGzip, http::Coding::kZstd}) {
      std::string packed;
      http::Encoder(coding).encode(bytes, packed, http::Encoder::Flush::kEnd);
      if (packed.size() < bytes.size()) {
        const std::string etag = etag_of(bytes, http::name_of(coding));
        file.forms[coding] = {std::move(packed), etag};
      }
    }
  std::string etag = etag_of(bytes, "");
  file.forms[http::Coding::kIdentity] = {std::move(bytes), std::move(etag)};
  return file;
}

bool is_inside(const fs::path& file, const fs::path& folder) {
  const auto [end, _] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end();
}

}  // namespace

std::string content_type_of(std::string_view path) {
  static const std::map<std::string, std::string, std::less<>> kTypes{{"html", "text/html; charset=utf-8"},
                                                                      {"js", "text/javascript; charset=utf-8"},
                                                                      {"mjs", "text/javascript; charset=utf-8"},
                                                                      {"css", "text/css; charset=utf-8"},
                                                                      {"txt", "text/plain; charset=utf-8"},
                                                                      {"json", "application/json"},
                                                                      {"map", "application/json"},
                                                                      {"webmanifest", "application/manifest+json"},
                                                                      {"svg", "image/svg+xml"},
                                                                      {"png", "image/png"},
                                                                      {"jpg", "image/jpeg"},
                                                                      {"jpeg", "image/jpeg"},
                                                                      {"webp", "image/webp"},
                                                                      {"avif", "image/avif"},
                                                                      {"ico", "image/x-icon"},
                                                                      {"woff", "font/woff"},
                                                                      {"woff2", "font/woff2"},
                                                                      {"wasm", "application/wasm"}};
  const size_t dot = path.rfind('.');
  if (dot != std::string_view::npos)
    if (const auto type = kTypes.find(to_lower_ascii(path.substr(dot + 1))); type != kTypes.end()) return type->second;
  return "application/octet-stream";
}

bool is_hashed_name(std::string_view path) {
  if (!path.starts_with("assets/")) return false;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  // The hash may itself hold '-', so its length tells where it begins.
  constexpr size_t kHash = 8;
  const std::string_view stem = name.substr(0, dot);
  if (stem.size() < kHash + 2 || stem[stem.size() - kHash - 1] != '-') return false;
  const std::string_view hash = stem.substr(stem.size() - kHash);
  return std::all_of(hash.begin(), hash.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  });
}

Bundle Bundle::read(const fs::path& folder) {
  Bundle bundle;
  std::error_code failed;
  const fs::path root = fs::canonical(folder, failed);
  if (failed || !fs::is_regular_file(root / "index.html", failed)) return bundle;
  for (auto entry = fs::recursive_directory_iterator(root, failed);
       !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
    const std::string path = entry->path().lexically_relative(root).generic_string();
    std::error_code unreadable;
    const fs::path real = fs::canonical(entry->path(), unreadable);
    if (unreadable || !fs::is_regular_file(real, unreadable)) continue;
    if (!is_inside(real, root) || fs::file_size(real, unreadable) > kMaxFile) {
      log::warn("msg=\"not served\" file={} reason=\"it is too large or leads out of the folder\"", log::quoted(path));
      continue;
    }
    try {
      bundle.files_[path] = file_of(path, read_file(real));
    } catch (const Error& e) {
      log::warn("msg=\"not served\" file={} reason={}", log::quoted(path), log::quoted(e.what()));
    }
  }
  return bundle;
}

const PageFile* Bundle::find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

Pages::Pages(fs::path folder) : folder_(std::move(folder)), bundle_(std::make_shared<Bundle>()) {}

std::shared_ptr<const Bundle> Pages::current(Time now) {
  const std::scoped_lock lock(mutex_);
  if (now < next_look_) return bundle_;
  next_look_ = now + kLookEvery;
  std::error_code failed;
  const auto changed = fs::last_write_time(folder_ / "index.html", failed);
  const bool there = !failed;
  if (there == there_ && (!there || changed == read_)) return bundle_;
  bundle_ = std::make_shared<Bundle>(Bundle::read(folder_));
  there_ = there;
  read_ = changed;
  log::info("msg=\"pages read\" files={}", bundle_->size());
  return bundle_;
}

}  // namespace dalgona::coffee
