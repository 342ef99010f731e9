#include "warehouse/embedded/engine.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"
#include "warehouse/client.h"
#include "warehouse/embedded/deduplication_log.h"
#include "warehouse/embedded/merge_threads.h"

namespace dalgona::warehouse::embedded {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

namespace {

// A dropped table's files are removed after that time, when every statement that may have seen it is over.
constexpr std::chrono::minutes kDroppedRest{2};
constexpr std::chrono::seconds kLookForDropped{30}, kFirstLook{5};
constexpr std::chrono::milliseconds kKillAgain{50};
// Sessions that wait for a statement with their settings, and how long. Opening one and setting it up takes 0.3 ms of
// the 2 ms that a small SELECT takes.
constexpr size_t kMostIdle = 16;
constexpr std::chrono::seconds kIdleRest{60};

// The engine's profile. A server's defaults reserve gigabytes for caches and start pools for a machine that is its
// own; this one shares a small machine with everything else.
constexpr std::string_view kProfile = R"(<clickhouse>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <primary_index_cache_size>67108864</primary_index_cache_size>
  <mmap_cache_size>64</mmap_cache_size>
  <compiled_expression_cache_size>16777216</compiled_expression_cache_size>
  <query_cache><max_size_in_bytes>16777216</max_size_in_bytes></query_cache>
  <background_pool_size>{threads}</background_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <max_thread_pool_free_size>16</max_thread_pool_free_size>
  <database_atomic_delay_before_drop_table_sec>0</database_atomic_delay_before_drop_table_sec>
  <timezone>UTC</timezone>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <auto_statistics_types></auto_statistics_types>
  </merge_tree>
</clickhouse>
)";

// Settings of every session unless the client says otherwise.
// use_statistics: loading column statistics took 40 ms of planning in every point query (docs/traps.md); for the same
// reason none are made (auto_statistics_types above): nobody would read them.
// The thresholds for external sort and group keep a big statement within the memory limit by going to disk.
std::vector<std::pair<std::string, std::string>> default_settings(const EngineOptions& options) {
  return {{"use_statistics", "0"},
          {"max_threads", std::to_string(options.threads)},
          {"max_bytes_before_external_group_by", std::to_string(options.memory / 3)},
          {"max_bytes_before_external_sort", std::to_string(options.memory / 3)},
          {"async_insert", "0"},
          {"output_format_parallel_formatting", "0"},
          {"database_atomic_wait_for_drop_and_detach_synchronously", "0"}};
}

// What a session has been told, but for the values of the parameters and the id, which every statement brings anew.
std::string made_by(const Query& query) {
  std::string key = fmt::format("{} {}", query.named ? "named" : "nameless", query.database);
  for (const auto& [name, value] : query.settings) key += fmt::format("\n{}={}{}", name, value.size(), value);
  std::set<std::string> names;
  for (const auto& [name, value] : query.params) names.insert(name);
  for (const auto& name : names) key += "\n{" + name + "}";
  return key;
}

bool is_setting_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  });
}

std::string exception(int code, std::string_view text, std::string_view name) {
  return fmt::format("Code: {}. DB::Exception: {}. ({})", code, text, name);
}

}  // namespace

Engine::Engine(EngineOptions options) : options_(std::move(options)) {
  std::signal(SIGPIPE, SIG_IGN);  // a result's reader may leave
  fs::create_directories(options_.folder / "data");
  fs::permissions(options_.folder, fs::perms::owner_all);
  lock_folder();
  remove_dropped();
  if (const size_t damaged = repair_deduplication_logs(options_.folder / "data"))
    log::warn("msg=\"put the memory of inserts' tokens right after a kill or a loss of power\" tables={}", damaged);
  write_profile();
  library_ = std::make_unique<Library>(options_.library, options_.huge_pages);
  arguments_ = {"--path=" + (options_.folder / "data").string(),
                "--config-file=" + (options_.folder / "engine.xml").string()};
  anchor_ = library_->connect(arguments_);
  const Answer about = anchor_->query("SELECT version(), timezone()", "TabSeparated");
  if (!about.error.empty()) throw Permanent("the warehouse's engine does not answer: " + about.error);
  const auto fields = split(trim(about.data), '\t');
  version_ = fields.at(0);
  time_zone_ = fields.at(1);
  workers_ = std::make_unique<Workers>(options_.concurrency);
  keeper_ = std::thread([this] { keep_house(); });
}

Engine::~Engine() {
  // A thread that hangs in the library can't be ended, and what it uses must not be taken from it.
  if (!close(std::chrono::seconds{10})) std::_Exit(1);
  if (lock_ >= 0) ::close(lock_);
}

void Engine::lock_folder() {
  const fs::path file = options_.folder / "lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) throw Permanent(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const std::string holder(trim(read_file(file)));
    ::close(std::exchange(lock_, -1));
    throw InvalidInput(fmt::format("{} is open in another warehouse process{}; only one can have it",
                                   options_.folder.string(), holder.empty() ? "" : ", pid " + holder));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, pid.data(), pid.size(), 0) != ssize_t(pid.size()))
    throw Retryable(fmt::format("{}: {}", file.string(), std::strerror(errno)));
}

void Engine::write_profile() const {
  write_file(options_.folder / "engine.xml",
             fmt::format(fmt::runtime(kProfile), fmt::arg("memory", options_.memory),
                         fmt::arg("marks", std::min<uint64_t>(256 << 20, options_.memory / 8)),
                         fmt::arg("threads", options_.threads)),
             0600);
}

// The library never starts the worker that removes the files of dropped tables, neither at run time nor at its start
// (docs/traps.md). What the run before has left is removed here, before the engine looks.
void Engine::remove_dropped() const {
  const fs::path data = options_.folder / "data";
  std::error_code error;
  size_t removed = 0;
  for (const auto& entry : fs::directory_iterator(data / "metadata_dropped", error)) {
    const std::string stem = entry.path().stem().string();  // database.table.uuid
    const std::string uuid = stem.substr(stem.rfind('.') + 1);
    try {
      (void)Uuid::parse(uuid);
    } catch (const InvalidInput&) {
      continue;
    }
    fs::remove_all(data / "store" / uuid.substr(0, 3) / uuid, error);
    if (!error) fs::remove(entry.path(), error);
    ++removed;
  }
  if (removed) log::info("msg=\"removed dropped tables\" tables={}", removed);
}

void Engine::start(Query query, std::function<void(Answer)> done) {
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) throw SessionError("the warehouse is stopping", 236);
    if (active_.size() >= options_.concurrency + options_.waiting)
      throw SessionError(fmt::format("Too many simultaneous queries: {} run or wait", active_.size()), 202);
    if (!active_.try_emplace(query.id, Active{SteadyClock::now(), false}).second)
      throw SessionError(fmt::format("Query with id = {} is already running", query.id), 216);
  }
  workers_->post([this, query = std::move(query), done = std::move(done)] { execute(query, done); });
}

void Engine::execute(const Query& query, const std::function<void(Answer)>& done) {
  Answer answer;
  bool cancelled = false;
  std::shared_ptr<Session> session;
  {
    const std::scoped_lock lock(mutex_);
    cancelled = to_cancel_.contains(query.id);
    Active& active = active_[query.id];
    active.begun = true;
    active.mark = query.id;
    if (!query.session.empty() && !cancelled) {
      auto& slot = sessions_[query.session];
      if (!slot) slot = std::make_shared<Session>();
      if (slot->busy) {
        answer.error = exception(373, fmt::format("Session {} is locked by a concurrent client", query.session),
                                 "SESSION_IS_LOCKED");
      } else {
        session = slot;
        session->busy = true;
      }
    }
  }
  try {
    if (cancelled) {
      answer.error = exception(394, "Query was cancelled", "QUERY_WAS_CANCELLED");
    } else if (session) {
      if (!session->connection) session->connection = library_->connect(arguments_);
      answer = run(query, *session->connection, query.id, false);
    } else if (answer.error.empty()) {
      if (query.stateless && !query.readonly) {
        answer = run_stateless(query);
      } else {
        Connection connection = library_->connect(arguments_);
        answer = run(query, connection, query.id, false);
      }
    }
  } catch (const std::exception& e) {
    answer.error = exception(1002, e.what(), "UNKNOWN_EXCEPTION");
  }
  bool awaited = false;  // waking the keeper for nothing is a switch of threads in every statement
  {
    const std::scoped_lock lock(mutex_);
    awaited = closing_ || !to_cancel_.empty();
    active_.erase(query.id);
    to_cancel_.erase(query.id);
    doomed_.erase(query.id);
    if (session) {
      session->busy = false;
      session->expires = SteadyClock::now() + query.session_timeout;
    }
  }
  if (awaited) changed_.notify_all();
  done(std::move(answer));
}

// In a session of one before it with the same settings, or in a new one. A statement that failed takes its session with
// it.
Answer Engine::run_stateless(const Query& query) {
  const std::string key = made_by(query);
  std::optional<Connection> connection;
  std::string mark;
  {
    const std::scoped_lock lock(mutex_);
    const auto at = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& idle) { return idle.made_by == key; });
    if (at != idle_.rend()) {
      connection = std::move(at->connection);
      mark = std::move(at->mark);
      idle_.erase(std::next(at).base());
    } else {
      mark = make_uuid7(system_clock().now()).text();  // that no client chooses for a name
    }
    if (query.named) mark = query.id;
    active_[query.id].mark = mark;
  }
  const bool prepared = connection.has_value();
  if (!prepared) connection = library_->connect(arguments_);
  Answer answer = run(query, *connection, mark, prepared);
  std::optional<Connection> oldest;  // closed without the lock
  {
    const std::scoped_lock lock(mutex_);
    // Whoever is cancelling this statement may be on its way to the engine: the next one must not be met in its place.
    const bool cancelled = to_cancel_.contains(query.id);
    active_[query.id].mark.clear();
    if (!answer.error.empty() || cancelled || closing_) return answer;
    if (idle_.size() >= kMostIdle) {
      oldest = std::move(idle_.front().connection);
      idle_.erase(idle_.begin());
    }
    idle_.push_back({key, std::move(mark), std::move(*connection), SteadyClock::now()});
  }
  return answer;
}

// `prepared`: database, settings and a mark that sessions share stand already, and the parameters' names are the ones
// that stand. A statement without name and parameters then needs nothing to be told, which would be a second statement.
Answer Engine::run(const Query& query, Connection& connection, const std::string& mark, bool prepared) const {
  if (!query.database.empty() && !prepared) {
    Answer chosen = connection.query("USE " + identifier(query.database), "Null");
    if (!chosen.error.empty()) return chosen;
  }
  std::string set;
  const auto add = [&](std::string_view name, std::string_view value) {
    set += fmt::format("{}{} = {}", set.empty() ? "SET " : ", ", name, literal(value));
  };
  if (!prepared)
    for (const auto& [name, value] : default_settings(options_)) add(name, value);
  for (const auto& [name, value] : query.settings) {
    if (prepared) break;
    if (!is_setting_name(name)) {
      Answer refused;
      refused.error = exception(115, fmt::format("Unknown setting '{}'", name), "UNKNOWN_SETTING");
      return refused;
    }
    add(name, value);
  }
  for (const auto& [name, value] : query.params) {
    if (!is_setting_name(name)) {
      Answer refused;
      refused.error = exception(36, fmt::format("Bad parameter name '{}'", name), "BAD_ARGUMENTS");
      return refused;
    }
    add("param_" + name, value);
  }
  if (!prepared || query.named) add("log_comment", mark);
  if (query.readonly) add("readonly", "2");
  if (!set.empty()) {
    Answer told = connection.query(set, "Null");
    if (!told.error.empty()) return told;
  }
  return connection.query(query.sql, query.format);
}

void Engine::cancel(const std::string& id) {
  {
    const std::scoped_lock lock(mutex_);
    if (!active_.contains(id)) return;
    to_cancel_.insert(id);
  }
  changed_.notify_all();
}

size_t Engine::active() const {
  const std::scoped_lock lock(mutex_);
  return active_.size();
}

bool Engine::responsive() const {
  const std::scoped_lock lock(mutex_);
  return !closing_ && active_.size() < options_.concurrency + options_.waiting;
}

bool Engine::is_doomed(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const auto at = active_.find(id);
  return at == active_.end() || doomed_.contains(id) || (!at->second.begun && to_cancel_.contains(id));
}

// `marks` by id. Gives the ids that the engine has taken note of.
std::set<std::string> Engine::kill(const std::map<std::string, std::string>& marks) {
  std::string list;
  for (const auto& [id, mark] : marks) list += (list.empty() ? "" : ",") + literal(mark);
  // A statement that is not in the list of processes yet, or has just left it, is not found; we ask again.
  Connection connection = library_->connect(arguments_);
  const Answer answer =
      connection.query("KILL QUERY WHERE Settings['log_comment'] IN (" + list + ") ASYNC", "TabSeparated");
  if (!answer.error.empty()) log::warn("msg=\"cancelling failed\" error={}", log::quoted(answer.error));
  std::set<std::string> noted;
  for (const auto& [id, mark] : marks) {
    const Answer found = connection.query(
        "SELECT count() FROM system.processes WHERE is_cancelled AND Settings['log_comment'] = " + literal(mark),
        "TabSeparated");
    if (trim(found.data) != "0" && found.error.empty()) noted.insert(id);
  }
  return noted;
}

// Tables that were dropped keep their files (see remove_dropped); once every statement that may read them is over, the
// files go.
void Engine::purge_dropped_tables() {
  Connection connection = library_->connect(arguments_);
  const Answer answer = connection.query("SELECT uuid FROM system.dropped_tables", "TabSeparated");
  if (!answer.error.empty()) return;
  const auto now = SteadyClock::now();
  auto oldest = now;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, statement] : active_) oldest = std::min(oldest, statement.since);
  }
  decltype(dropped_) still;
  for (const auto line : split(answer.data, '\n')) {
    if (line.size() != 36) continue;
    const std::string uuid(line);
    const auto known = dropped_.find(uuid);
    const auto since = known == dropped_.end() ? now : known->second;
    still[uuid] = since;
    if (now - since < kDroppedRest || since >= oldest) continue;
    std::error_code error;
    fs::remove_all(options_.folder / "data" / "store" / uuid.substr(0, 3) / uuid, error);
  }
  dropped_ = std::move(still);
}

void Engine::keep_house() {
  auto look = SteadyClock::now() + kFirstLook;
  std::unique_lock lock(mutex_);
  while (!closed_) {
    std::map<std::string, std::string> marks;
    for (const auto& id : to_cancel_)
      if (const Active& active = active_.at(id); !active.mark.empty()) marks.emplace(id, active.mark);
    std::vector<std::shared_ptr<Session>> expired;
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      if (!at->second->busy && at->second->expires < SteadyClock::now()) {
        expired.push_back(std::move(at->second));
        at = sessions_.erase(at);
      } else {
        ++at;
      }
    }
    std::vector<Idle> rested;
    const auto fresh = std::find_if(idle_.begin(), idle_.end(),
                                    [](const Idle& idle) { return SteadyClock::now() - idle.since < kIdleRest; });
    std::move(idle_.begin(), fresh, std::back_inserter(rested));
    idle_.erase(idle_.begin(), fresh);
    const bool due = SteadyClock::now() >= look;
    if (!marks.empty() || due || !expired.empty() || !rested.empty()) {
      std::set<std::string> noted;
      lock.unlock();
      expired.clear();
      rested.clear();
      try {
        if (!marks.empty()) noted = kill(marks);
        if (due) purge_dropped_tables();
        if (due) lower_merge_threads();
      } catch (const std::exception& e) {
        log::warn("msg=\"housekeeping failed\" error={}", log::quoted(e.what()));
      }
      if (due) look = SteadyClock::now() + kLookForDropped;
      lock.lock();
      for (const auto& id : noted)
        if (active_.contains(id)) doomed_.insert(id);
    }
    if (closed_) break;
    if (to_cancel_.empty())
      changed_.wait_for(lock, std::chrono::seconds{5}, [this] { return closed_ || !to_cancel_.empty(); });
    else
      changed_.wait_for(lock, kKillAgain, [this] { return closed_; });
  }
}

void Engine::begin_close() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    for (const auto& [id, statement] : active_) to_cancel_.insert(id);
  }
  changed_.notify_all();
}

bool Engine::close(std::chrono::milliseconds limit) {
  begin_close();
  bool ended = false;
  {
    std::unique_lock lock(mutex_);
    if (closed_) return active_.empty();
    ended = changed_.wait_for(lock, limit, [this] { return active_.empty(); });
    closed_ = true;
  }
  changed_.notify_all();
  if (!ended) {
    log::error("msg=\"statements do not end\" count={}", active());
    return false;
  }
  if (keeper_.joinable()) keeper_.join();
  if (workers_) workers_->join();
  sessions_.clear();
  idle_.clear();
  anchor_.reset();  // the engine ends with its last connection
  return true;
}

}  // namespace dalgona::warehouse::embedded
