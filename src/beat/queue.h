// The task queue: rows of beat.scrape_request_log and the edges between their states. The drawing is in docs/beat.md;
// every function here is one or two of its edges.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/postgres/postgres.h"

namespace dalgona::beat {

struct NewTask {
  std::optional<std::string> idempotency_key;
  std::string platform, flow;
  std::string params = "{}";  // JSON object
  int priority = 0;           // higher first
  std::optional<std::string> account_id;
  std::optional<Time> run_after;  // else at once
  std::optional<Time> deadline;   // not picked by then: FAILED, "expired"
  int max_attempts = 5;
};

struct Enqueued {
  int64_t id = 0;
  bool created = false;  // false: the idempotency key was known, this is the task that has it
};

// A picked task. `token` fences: once somebody else holds the task, nothing said with this token has any effect.
struct Lease {
  int64_t id = 0, token = 0;
  std::string platform, flow, params;
  int attempts = 0, max_attempts = 0;
  Time created_at{}, picked_at{}, eligible_at{};
};

// What became of a picked task.
struct Outcome {
  enum class Kind {
    kComplete,  // -> COMPLETE
    kFailed,    // -> FAILED: it would fail again
    kRetry,     // -> PENDING after `wait`, or FAILED when that was the last attempt
    kDefer,     // -> PENDING after `wait`; the attempt does not count: the task was not at fault
  };
  Kind kind = Kind::kComplete;
  std::string reason{};                      // empty for kComplete
  std::optional<std::string> data{};         // JSON; keeps what was there when missing
  std::chrono::milliseconds wait{0};         // for kRetry and kDefer
  std::optional<std::string> waiting_for{};  // kDefer: the source that has no credential or quota
};

struct Settled {
  Lease lease;
  Outcome outcome;
};

// Thread-safe. All times of the queue are the database's.
class Queue {
 public:
  Queue(postgres::Pool& pool, std::string owner, std::chrono::milliseconds lease);

  // Edges `enqueue`. All or none; in the order given. Throws InvalidInput naming the index of a task that the table
  // refuses.
  Task<std::vector<Enqueued>> enqueue(std::vector<NewTask> tasks);
  // Edge `claim`: at most `free` tasks of each flow and `limit` in all, highest priority first, then oldest.
  Task<std::vector<Lease>> claim(std::map<std::string, int> free, int limit);
  // Edges `complete`, `fail`, `retry`, `give up`, `defer`, in one statement. Gives the ids that were still ours.
  Task<std::vector<int64_t>> settle(std::vector<Settled> settled);
  // Edge `heartbeat`: extends; gives the ids that are still ours.
  Task<std::vector<int64_t>> heartbeat(std::vector<Lease> leases);
  struct Swept {
    uint64_t lapsed = 0, expired = 0;
  };
  // Edges `lapse` and `expire`, for whoever's tasks they are; at most 1000 of each.
  Task<Swept> sweep();
  // Edge `wake`: tasks that were put back for want of this source are due now.
  Task<uint64_t> wake(std::string source);

  Task<std::optional<std::string>> get(int64_t id);
  struct Filter {
    std::optional<std::string> status, flow;
    int limit = 100;
  };
  // Newest first, each a JSON object.
  Task<std::vector<std::string>> list(Filter filter);
  struct Count {
    std::string flow, status;
    int64_t tasks = 0;
  };
  Task<std::vector<Count>> counts();

  const std::string& owner() const { return owner_; }

 private:
  postgres::Pool& pool_;
  std::string owner_;
  std::chrono::milliseconds lease_;
};

}  // namespace dalgona::beat
