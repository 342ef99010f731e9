// From the warehouse to PostgreSQL: each model as JSON lines into an object, from there into a twin table, and then all
// twins take the names of the live tables in one transaction. Readers see the old or the new whole.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/objects/objects.h"
#include "base/postgres/postgres.h"
#include "stir/compiler.h"
#include "stir/dags.h"
#include "warehouse/client.h"

namespace dalgona::stir {

struct Published {
  std::string table, model, object;
  uint64_t rows = 0, before = 0;
  double seconds = 0;
};

struct PublishOptions {
  std::string snapshot_id;  // a UUID, the same for all tables of one publish
  bool force = false;       // publish although the guard says no
  // Of stir.run: the swap commits only while the run is active. A process that slept through its lease thus cannot put
  // old rows over those of its successor. 0: no run.
  int64_t run = 0;
  // An attempt waits that long for its locks, and always for less than the server's deadlock_timeout.
  std::chrono::milliseconds lock_timeout{700};
  int lock_attempts = 30;
};

// Throws Permanent when the guard refuses or when something depends on the live table that a swap would break (a
// materialised view, a foreign key); Retryable when a store is away, another publish of the table runs, or readers hold
// it all the time. Nothing that readers see has changed then.
Task<std::vector<Published>> publish(const Compiler& compiler, warehouse::Client& warehouse, objects::Store& objects,
                                     postgres::Pool& pool, std::vector<PublishTarget> targets, PublishOptions options);

// JSON lines as COPY's text format wants them: backslashes doubled, and \u0000, which PostgreSQL has no room for, as
// U+FFFD. Lines may come in pieces.
class CopyLines {
 public:
  std::string take(std::string_view piece);

 private:
  bool escaped_ = false;  // an odd number of backslashes before
  std::string held_;      // what may become \u0000
};

}  // namespace dalgona::stir
