// Keys of the sources: rows of beat.credential. One is chosen at random among the enabled whose disabled_till is over;
// a disabled one comes back by itself when its time is over.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/postgres/postgres.h"

namespace dalgona::beat {

struct Credential {
  int64_t id = 0;
  std::string key;
};

// Thread-safe. Rows are read again after `refresh`, so that a key added by hand is used soon.
class Credentials {
 public:
  Credentials(postgres::Pool& pool, std::chrono::milliseconds refresh = std::chrono::seconds{1});

  struct Pick {
    std::optional<Credential> credential;
    // When there is none: how long until the first comes back; nothing when none ever does.
    std::optional<std::chrono::milliseconds> free_in;
    // Why that one is not free now, as it was told to disable_for().
    std::string reason;
  };
  Task<Pick> pick(std::string source);
  // Until the database's now + `time`, unless it is disabled for longer already.
  Task<void> disable_for(int64_t id, std::chrono::milliseconds time, std::string reason);
  // Until somebody enables it.
  Task<void> disable(int64_t id, std::string reason);

  // --- for tools ---
  // The same key of the same source is the same credential: it is enabled again.
  Task<int64_t> add(std::string source, std::string key, std::optional<std::string> handle);
  Task<bool> enable(int64_t id, bool enabled);
  // Each a JSON object, without the key.
  Task<std::vector<std::string>> list();

 private:
  using Moment = std::chrono::steady_clock::time_point;
  struct Entry {
    Credential credential;
    Moment free_at;
    std::string reason;
  };
  struct Cached {
    std::vector<Entry> entries;
    Moment read_at;
    bool reading = false;
    uint64_t version = 0;  // counts what disable() changed here, which a reading under way does not know
  };
  Task<void> read(std::string source);
  void forget(int64_t id, std::optional<Moment> until, const std::string& reason);

  postgres::Pool& pool_;
  std::chrono::milliseconds refresh_;
  std::mutex mutex_;
  std::map<std::string, Cached> cached_;
  std::mt19937_64 random_;
};

}  // namespace dalgona::beat
