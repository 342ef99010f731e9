// The engine as a library: chDB, loaded at run time, and the lifetimes of its handles. The only place that knows its
// C interface. Private to this room.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::warehouse::embedded {

// What one statement gave. `error` is empty when it succeeded, else the engine's text "Code: 60. DB::Exception: ...".
struct Answer {
  std::string error;
  std::string data;
  uint64_t read_rows = 0, read_bytes = 0, written_rows = 0, written_bytes = 0, result_rows = 0;
};

class Library;

struct CloseConnection {
  const Library* library = nullptr;
  void operator()(void* handle) const;
};

// A session with the engine: its own settings, parameters, current database and temporary tables. One thread at a time.
// Opening costs 0.2 ms once the engine runs, so a request takes a fresh one and leaves nothing behind.
class Connection {
 public:
  // Blocks until the statement is done.
  Answer query(std::string_view sql, std::string_view format);

 private:
  friend class Library;
  std::unique_ptr<void, CloseConnection> handle_;
};

class Library {
 public:
  // `huge_pages`: its code is moved into such where the system allows it. Throws Permanent when the file can't be
  // loaded or lacks a function.
  Library(const std::filesystem::path& file, bool huge_pages);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // The first connection starts the engine on the folder that the arguments name ("--path=..."), the last one to be
  // closed ends it. Throws Permanent when the engine refuses.
  Connection connect(const std::vector<std::string>& arguments) const;

 private:
  friend class Connection;
  friend struct CloseConnection;
  struct Functions;
  std::unique_ptr<Functions> functions_;
};

}  // namespace dalgona::warehouse::embedded
