// The built pages (web/dist) in memory: each file with its type, its entity tags and its compressed forms, made once. A
// request never touches the disk, so no path leads out of the folder.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http/coding.h"

namespace dalgona::coffee {

struct PageFile {
  std::string type;  // Content-Type
  bool immutable = false;
  // Bodies by coding; identity is always there, others where they are smaller. Strong entity tags, quoted.
  struct Form {
    std::string bytes, etag;
  };
  std::map<http::Coding, Form> forms;
};

// Immutable once read.
class Bundle {
 public:
  // A folder without index.html gives an empty bundle. Files over 32 MiB, links that lead out and what can't be read
  // are left out with a warning.
  static Bundle read(const std::filesystem::path& folder);

  // `path` relative to the folder, with '/'. Null when there is none.
  const PageFile* find(std::string_view path) const;
  bool empty() const { return files_.empty(); }
  size_t size() const { return files_.size(); }

 private:
  std::map<std::string, PageFile, std::less<>> files_;
};

// "text/html; charset=utf-8" for "index.html"; application/octet-stream when unknown.
std::string content_type_of(std::string_view path);
// A name with a hash of its content in it, as Vite makes them under assets/: "assets/index-BxW3k9_f.js".
bool is_hashed_name(std::string_view path);

// The bundle of a folder, read anew when its index.html has changed: a build while the role runs shows. Thread-safe.
class Pages {
 public:
  explicit Pages(std::filesystem::path folder);
  std::shared_ptr<const Bundle> current(Time now);

 private:
  std::filesystem::path folder_;
  std::mutex mutex_;
  std::shared_ptr<const Bundle> bundle_;
  std::filesystem::file_time_type read_{};
  bool there_ = false;
  Time next_look_{};
};

}  // namespace dalgona::coffee
