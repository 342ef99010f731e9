// Where events of a stream go that do not end in the warehouse: a table in PostgreSQL, or somebody's HTTP interface.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/config.h"
#include "base/http/client.h"
#include "base/postgres/postgres.h"
#include "event_grpc/store.h"
#include "events/catalogue.h"
#include "warehouse/native_block.h"

namespace dalgona::event_grpc {

// What became of one event.
struct Outcome {
  enum class Kind {
    kDone,
    kAgain,   // may succeed later
    kRefused  // will not succeed however often it is tried
  } kind = Kind::kAgain;
  std::string reason;
};

// Events on their way out: rows of a block in the order of the stream's fields, with each one's own text.
struct Outgoing {
  warehouse::Block block;
  std::vector<std::string> bodies;
  std::vector<Outcome> outcomes;  // of each row, once delivered
};

// Thread-safe.
class Outlet {
 public:
  virtual ~Outlet() = default;
  // Sets every outcome, then calls `done` once, on a runtime thread. The same event may be given again: a second
  // delivery must change nothing.
  virtual void deliver(std::shared_ptr<Outgoing> events, std::function<void()> done) = 0;
};

// INSERT ... ON CONFLICT (id) DO NOTHING, all rows in one statement; rows that PostgreSQL refuses are found by halving.
// When it is away, or the table is missing, the events wait.
class PostgresOutlet : public Outlet {
 public:
  PostgresOutlet(Runtime& runtime, postgres::Pool& pool, const events::Stream& stream, StopFlag& stop);
  void deliver(std::shared_ptr<Outgoing> events, std::function<void()> done) override;

 private:
  Task<void> insert(Outgoing& events, size_t from, size_t to);
  Runtime& runtime_;
  postgres::Pool& pool_;
  const events::Stream& stream_;
  StopFlag& stop_;
  std::string sql_;
};

// POST of the event's own text, with its id as Idempotency-Key, so that a receiver can tell a second delivery.
// 2xx is done; 408, 425, 429, 401, 403 (a token that must be renewed), 5xx and no answer may succeed later.
class HttpOutlet : public Outlet {
 public:
  // `url` and `bearer` (may be empty) are the values of the config keys that the stream names.
  HttpOutlet(Runtime& runtime, http::Client& client, const events::Stream& stream, std::string url, std::string bearer);
  void deliver(std::shared_ptr<Outgoing> events, std::function<void()> done) override;

 private:
  Task<Outcome> post(std::string id, std::string body);
  Runtime& runtime_;
  http::Client& client_;
  const events::Stream& stream_;
  std::string url_, bearer_;
};

// The column of a postgres target as SQL: "uuid", "text", "jsonb"...
std::string_view postgres_type(events::FieldType type);

}  // namespace dalgona::event_grpc
