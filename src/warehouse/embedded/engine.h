// The engine with one folder: statements run on threads of its own, side by side, each in a session that it finds as if
// it were new; any of them can be cancelled; nothing that hangs in the library holds up the rest.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "warehouse/embedded/chdb.h"
#include "warehouse/embedded/workers.h"

namespace dalgona::warehouse::embedded {

struct EngineOptions {
  std::filesystem::path library;  // libchdb.so
  std::filesystem::path folder;   // of the data; made when it is not there
  uint64_t memory = 0;            // bytes that all statements together may take
  int threads = 2;                // of one statement, and of the merges
  size_t concurrency = 64;        // statements that run side by side
  size_t waiting = 256;           // and those that may wait for one of them to end
  bool huge_pages = false;        // for the engine's code, where the system has them: 280 MB more memory
};

struct Query {
  std::string id;      // unique among those that run
  bool named = false;  // the client chose the id, so others may look for it
  std::string database;
  std::vector<std::pair<std::string, std::string>> settings;  // in order, later ones win
  std::vector<std::pair<std::string, std::string>> params;    // {name:Type} -> its text, as TabSeparated has it
  bool readonly = false;                                      // refuses whatever changes data
  bool stateless = false;  // leaves nothing in its session: no SET, no temporary table
  std::string sql, format;
  std::string session;  // empty: a session for this statement alone
  std::chrono::seconds session_timeout{60};
};

// A session that must exist does not, or is in use: thrown by Engine::start.
class SessionError : public std::runtime_error {
 public:
  SessionError(const std::string& what, int exception_code) : std::runtime_error(what), code(exception_code) {}
  int code;
};

class Engine {
 public:
  // Opens the folder. Throws InvalidInput when another process has it open (naming that), Permanent when the engine
  // can't be loaded or refuses the folder.
  explicit Engine(EngineOptions options);
  // close(), and when a statement hangs for ten seconds the process's end with exit code 1: every insert that was
  // answered is on disk.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs the statement on a thread of the pool; `done` is called there when it has ended, exactly once. Thread-safe.
  // Throws SessionError when too many statements wait already, or one of this id runs.
  void start(Query query, std::function<void(Answer)> done);
  // Asks the engine to end a statement; repeated until it has ended. Harmless when it has. Thread-safe.
  void cancel(const std::string& id);
  // True once the engine has taken note, so that the statement can't succeed any more, or it has ended.
  bool is_doomed(const std::string& id) const;
  // Statements that run or wait.
  size_t active() const;
  // True when the engine can take a statement now.
  bool responsive() const;

  // Takes nothing more and cancels what runs; returns at once.
  void begin_close();
  // The same, then waits for what runs and closes the engine; false when something did not end.
  bool close(std::chrono::milliseconds limit);

  const std::string& version() const { return version_; }
  const std::string& time_zone() const { return time_zone_; }

 private:
  struct Session {
    std::optional<Connection> connection;
    bool busy = false;
    std::chrono::steady_clock::time_point expires;
  };
  // A session that a stateless statement has left, for the next one with the same settings.
  struct Idle {
    std::string made_by, mark;
    Connection connection;
    std::chrono::steady_clock::time_point since;
  };
  struct Active {
    std::chrono::steady_clock::time_point since;
    bool begun = false;  // on its thread
    // What the engine knows it by, in log_comment, since it makes ids of its own: its id, or what a session's
    // statements without a name share; taken away before the session is another's. Empty: there is nothing to cancel.
    std::string mark = {};
  };
  void lock_folder();
  void write_profile() const;
  void remove_dropped() const;
  Answer run(const Query& query, Connection& connection, const std::string& mark, bool prepared) const;
  Answer run_stateless(const Query& query);
  void execute(const Query& query, const std::function<void(Answer)>& done);
  void keep_house();
  std::set<std::string> kill(const std::map<std::string, std::string>& marks);
  void purge_dropped_tables();

  EngineOptions options_;
  int lock_ = -1;
  std::unique_ptr<Library> library_;
  std::vector<std::string> arguments_;
  std::optional<Connection> anchor_;  // keeps the engine running between requests
  std::string version_, time_zone_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Active> active_;  // by id
  std::set<std::string> to_cancel_;       // ids of active_
  std::set<std::string> doomed_;          // those of them that the engine has marked
  std::map<std::string, std::shared_ptr<Session>> sessions_;
  std::vector<Idle> idle_;                                                // oldest first
  std::map<std::string, std::chrono::steady_clock::time_point> dropped_;  // tables' ids, since when we know of them
  bool closing_ = false;
  bool closed_ = false;
  std::unique_ptr<Workers> workers_;
  std::thread keeper_;  // cancels, expires sessions, removes dropped tables
};

}  // namespace dalgona::warehouse::embedded
