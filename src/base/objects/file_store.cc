// Objects as files. A put writes into a folder of its own beside the objects, syncs, and renames over the key, so that
// a reader sees the old or the new object whole, also after a crash.
#include <atomic>
#include <cerrno>
#include <cstring>

#include <boost/asio/thread_pool.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/objects/keys.h"

namespace dalgona::objects {
namespace {
namespace fs = std::filesystem;

constexpr std::string_view kUploads = ".uploads";

[[noreturn]] void fail(const fs::path& path, std::string_view step, int reason) {
  const auto text = fmt::format("{}: {}: {}", path.string(), step, std::strerror(reason));
  if (reason == EACCES || reason == EPERM || reason == EROFS || reason == ENAMETOOLONG || reason == ENOTDIR ||
      reason == EISDIR)
    throw Permanent(text);
  throw Retryable(text);
}

void sync_folder(const fs::path& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) fail(folder, "sync", errno);
}

// Makes the folder and all above it, each one durable in its parent.
void make_folders(const fs::path& folder) {
  if (fs::is_directory(folder)) return;
  if (folder.has_parent_path() && folder.parent_path() != folder) make_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) fail(folder, "mkdir", errno);
  sync_folder(folder.parent_path());
}

// A file under .uploads that is removed again unless it was published.
class Upload {
 public:
  explicit Upload(const fs::path& folder)
      : path_(folder / kUploads / fmt::format("{}.{}", ::getpid(), counter_.fetch_add(1))),
        fd_((make_folders(path_.parent_path()),
             ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC, 0644))) {
    // A file left by a killed process of the same id is nobody's.
    if (!fd_.ok() && errno == EEXIST) {
      ::unlink(path_.c_str());
      throw Retryable(path_.string() + ": left over from a killed process, removed");
    }
    if (!fd_.ok()) fail(path_, "create", errno);
  }
  ~Upload() {
    if (!published_) ::unlink(path_.c_str());
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail(path_, "write", errno);
      bytes.remove_prefix(size_t(put));
    }
  }
  void publish(const fs::path& target) {
    if (::fsync(fd_.get()) != 0) fail(path_, "sync", errno);
    make_folders(target.parent_path());
    if (::rename(path_.c_str(), target.c_str()) != 0) fail(target, "rename", errno);
    published_ = true;
    sync_folder(target.parent_path());
  }

 private:
  static inline std::atomic<uint64_t> counter_{0};
  fs::path path_;
  Descriptor fd_;
  bool published_ = false;
};

class FileStore : public Store {
 public:
  FileStore(fs::path folder, asio::thread_pool& blocking) : folder_(std::move(folder)), blocking_(blocking) {}

  Task<uint64_t> put(std::string key, std::function<Task<std::string>()> next, std::string) override {
    const fs::path target = path_of(key);
    auto upload = co_await on_thread(blocking_, [this] { return std::make_shared<Upload>(folder_); });
    uint64_t size = 0;
    for (;;) {
      auto bytes = co_await next();
      if (bytes.empty()) break;
      size += bytes.size();
      auto write = [upload, bytes = std::move(bytes)] { upload->write(bytes); };
      co_await on_thread(blocking_, std::move(write));
    }
    auto publish = [upload, target] { upload->publish(target); };
    co_await on_thread(blocking_, std::move(publish));
    co_return size;
  }

  Task<void> get(std::string key, std::function<Task<void>(std::string_view)> piece) override {
    const fs::path path = path_of(key);
    auto file = co_await on_thread(blocking_, [&path, &key] {
      auto opened = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      struct stat status {};
      if (!opened->ok() && errno != ENOENT && errno != ENOTDIR) fail(path, "open", errno);
      if (!opened->ok() || ::fstat(opened->get(), &status) != 0 || !S_ISREG(status.st_mode))
        throw InvalidInput("there is no object '" + key + "'");
      return opened;
    });
    const auto read = [&file, &path] {
      std::string buffer(256 * 1024, '\0');
      ssize_t got = 0;
      do got = ::read(file->get(), buffer.data(), buffer.size());
      while (got < 0 && errno == EINTR);
      if (got < 0) fail(path, "read", errno);
      buffer.resize(size_t(got));
      return buffer;
    };
    for (;;) {
      const std::string bytes = co_await on_thread(blocking_, read);
      if (bytes.empty()) co_return;
      co_await piece(bytes);
    }
  }

  Task<std::optional<Info>> head(std::string key) override {
    const fs::path path = path_of(key);
    auto look = [path, key]() -> std::optional<Info> {
      struct stat status {};
      if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        fail(path, "stat", errno);
      }
      if (!S_ISREG(status.st_mode)) return {};
      return Info{.key = key, .size = uint64_t(status.st_size)};
    };
    co_return co_await on_thread(blocking_, std::move(look));
  }

  Task<std::vector<Info>> list(std::string prefix) override {
    auto walk = [folder = folder_, prefix] {
      std::vector<Info> found;
      std::error_code error;
      // A file that goes while we walk is simply not listed.
      for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string key = at->path().lexically_relative(folder).generic_string();
        if (at->is_directory(error)) {
          const std::string below = key + "/";
          if (key == kUploads || (!below.starts_with(prefix) && !prefix.starts_with(below)))
            at.disable_recursion_pending();
          continue;
        }
        if (!key.starts_with(prefix)) continue;
        const auto size = at->file_size(error);
        if (!error) found.push_back({.key = key, .size = size});
        error.clear();
      }
      if (error && error != std::errc::no_such_file_or_directory) fail(folder, "list", error.value());
      std::sort(found.begin(), found.end(), [](const Info& a, const Info& b) { return a.key < b.key; });
      return found;
    };
    co_return co_await on_thread(blocking_, std::move(walk));
  }

  Task<void> remove(std::string key) override {
    const fs::path path = path_of(key);
    auto unlink = [path] {
      if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR && errno != EISDIR)
        fail(path, "remove", errno);
    };
    co_await on_thread(blocking_, std::move(unlink));
  }

 private:
  fs::path path_of(std::string_view key) const {
    check_key(key);
    if (key == kUploads || key.starts_with(std::string(kUploads) + "/"))
      throw InvalidInput("object keys under '.uploads' are the store's own");
    return folder_ / key;
  }

  fs::path folder_;
  asio::thread_pool& blocking_;
};

}  // namespace

std::unique_ptr<Store> open_file_store(const fs::path& folder, asio::thread_pool& blocking) {
  return std::make_unique<FileStore>(fs::absolute(folder).lexically_normal(), blocking);
}

}  // namespace dalgona::objects
