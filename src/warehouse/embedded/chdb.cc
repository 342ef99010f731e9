#include "warehouse/embedded/chdb.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "base/errors.h"
#include "base/log.h"
#include "warehouse/embedded/huge_pages.h"

namespace dalgona::warehouse::embedded {

namespace {

// The package ships no header; these are the declarations of chdb.h of the pinned version.
struct Result;
using Handle = void*;

struct Dlclose {
  void operator()(void*) const {}  // the engine has threads of its own to the end: it is never unloaded
};

}  // namespace

struct Library::Functions {
  std::unique_ptr<void, Dlclose> library;
  Handle* (*connect)(int, char**) = nullptr;
  void (*close)(Handle*) = nullptr;
  Result* (*query)(Handle, const char*, size_t, const char*, size_t) = nullptr;
  void (*destroy)(Result*) = nullptr;
  char* (*buffer)(Result*) = nullptr;
  size_t (*length)(Result*) = nullptr;
  const char* (*error)(Result*) = nullptr;
  uint64_t (*rows_read)(Result*) = nullptr;
  uint64_t (*bytes_read)(Result*) = nullptr;
  uint64_t (*storage_rows_read)(Result*) = nullptr;
  uint64_t (*storage_bytes_read)(Result*) = nullptr;
  uint64_t (*rows_written)(Result*) = nullptr;
  uint64_t (*bytes_written)(Result*) = nullptr;
  void (*set_signal_handlers)(int) = nullptr;

  template <typename F>
  void resolve(F& function, const char* name) {
    function = reinterpret_cast<F>(::dlsym(library.get(), name));
    if (!function) throw Permanent(fmt::format("the engine's library has no function {}", name));
  }
};

Library::Library(const std::filesystem::path& file, bool huge_pages) : functions_(std::make_unique<Functions>()) {
  functions_->library.reset(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!functions_->library)
    throw Permanent(fmt::format("can't load the warehouse's engine: {}; run `./run setup`", ::dlerror()));
  if (huge_pages && has_huge_pages() && move_code_into_huge_pages(file.filename().string()) == 0)
    log::warn("msg=\"the system does not let the engine's code be moved into huge pages\"");
  functions_->resolve(functions_->connect, "chdb_connect");
  functions_->resolve(functions_->close, "chdb_close_conn");
  functions_->resolve(functions_->query, "chdb_query_n");
  functions_->resolve(functions_->destroy, "chdb_destroy_query_result");
  functions_->resolve(functions_->buffer, "chdb_result_buffer");
  functions_->resolve(functions_->length, "chdb_result_length");
  functions_->resolve(functions_->error, "chdb_result_error");
  functions_->resolve(functions_->rows_read, "chdb_result_rows_read");
  functions_->resolve(functions_->bytes_read, "chdb_result_bytes_read");
  functions_->resolve(functions_->storage_rows_read, "chdb_result_storage_rows_read");
  functions_->resolve(functions_->storage_bytes_read, "chdb_result_storage_bytes_read");
  functions_->resolve(functions_->rows_written, "chdb_result_rows_written");
  functions_->resolve(functions_->bytes_written, "chdb_result_bytes_written");
  functions_->resolve(functions_->set_signal_handlers, "chdb_set_signal_handlers_enabled");
  functions_->set_signal_handlers(0);  // SIGTERM is ours
}

Library::~Library() = default;

Connection Library::connect(const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), "clickhouse");
  std::vector<char*> pointers;
  pointers.reserve(words.size());
  for (auto& word : words) pointers.push_back(word.data());
  Handle* handle = functions_->connect(int(pointers.size()), pointers.data());
  if (!handle || !*handle) throw Permanent("the warehouse's engine does not open its folder");
  Connection connection;
  connection.handle_ = {handle, CloseConnection{this}};
  return connection;
}

void CloseConnection::operator()(void* handle) const {
  library->functions_->close(static_cast<Handle*>(handle));
}

Answer Connection::query(std::string_view sql, std::string_view format) {
  const auto& f = *handle_.get_deleter().library->functions_;
  struct Destroy {
    const Library::Functions* functions;
    void operator()(Result* result) const { functions->destroy(result); }
  };
  const std::unique_ptr<Result, Destroy> result(
      f.query(*static_cast<Handle*>(handle_.get()), sql.data(), sql.size(), format.data(), format.size()), Destroy{&f});
  Answer answer;
  if (!result) {
    answer.error = "Code: 49. DB::Exception: the engine gave no result. (LOGICAL_ERROR)";
    return answer;
  }
  if (const char* error = f.error(result.get())) {  // the counters are not set then
    answer.error = *error ? error : "Code: 1002. DB::Exception: unknown failure. (UNKNOWN_EXCEPTION)";
    return answer;
  }
  if (const size_t length = f.length(result.get())) answer.data.assign(f.buffer(result.get()), length);
  answer.result_rows = f.rows_read(result.get());
  answer.read_rows = f.storage_rows_read(result.get());
  answer.read_bytes = f.storage_bytes_read(result.get());
  answer.written_rows = f.rows_written(result.get());
  answer.written_bytes = f.bytes_written(result.get());
  return answer;
}

}  // namespace dalgona::warehouse::embedded
