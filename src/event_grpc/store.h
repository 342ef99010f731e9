// What the sink asks of the warehouse, with the patience it needs: everything is tried again until it succeeds or the
// process stops.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "event_grpc/parser.h"
#include "events/catalogue.h"
#include "warehouse/client.h"
#include "warehouse/native_block.h"

namespace dalgona::event_grpc {

// Thrown out of any wait when the process stops. What is not acknowledged by then is delivered again.
class Stopping : public Cancelled {};

// A flag that waits can be cut short by. Thread-safe.
class StopFlag {
 public:
  void stop();
  bool stopped() const { return stopped_; }
  // Throws Stopping when stopped meanwhile.
  void wait(std::chrono::milliseconds time);

 private:
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct ParkedEvent {
  Uuid id;  // of stream and bytes: parking the same event again replaces its row
  Rejected why;
  uint32_t count = 1;  // how often it was parked
  std::string exchange, routing_key, headers;
};

// Thread-safe.
class Store {
 public:
  Store(warehouse::Client& client, std::string cluster, StopFlag& stop);

  // Runs the catalogue's DDL of the stream (and the shared tables).
  void prepare(const events::Stream& stream);
  // Durable when it returns, each row once, whatever becomes of the warehouse and of the way to it meanwhile. `token`
  // is new for every block.
  // `encoded` is its working memory, kept by the caller from block to block.
  void insert(const events::Stream& stream, const warehouse::Block& block, const std::string& token,
              std::shared_ptr<std::string>& encoded);
  void park(const events::Stream& stream, const std::vector<ParkedEvent>& events);
  // Of the given rows those whose event id is in the stream's table already. Waits for the stream's inserts that are
  // running first: one whose sink was killed may still be under way.
  std::vector<size_t> present(const events::Stream& stream, const warehouse::Block& block,
                              const std::vector<size_t>& rows);
  // For events that are in the table already: sees to it that the rollups have them too. A kill between the two parts
  // of an insert leaves that undone.
  void repair_rollups(const events::Stream& stream, const warehouse::Block& block, const std::vector<size_t>& rows);
  // The newest ids of the table, about `limit` and at most twice as many, none older than a day, in no order.
  // `take` gets them in pieces.
  void recent_ids(const events::Stream& stream, size_t limit, const std::function<void(std::span<const Uuid>)>& take);

 private:
  template <typename F>
  auto patiently(const events::Stream& stream, const char* doing, F f);
  // When the table has some of the block's rows: puts the rollups right for these, and the others into `rest`, which
  // may hold the block itself. Else nothing.
  void leave_out_present(const events::Stream& stream, const warehouse::Block& block,
                         std::optional<warehouse::Block>& rest);
  void wait_for_inserts(const events::Stream& stream);
  void make_tables(const events::Stream& stream);
  std::vector<std::string> set_aside_old_rollups(const events::Stream& stream);
  std::string query(const std::string& sql, const std::string& format);
  // SQL that chooses the rows' events in the stream's table.
  static std::string condition(const events::Stream& stream, const warehouse::Block& block,
                               std::span<const size_t> rows);

  warehouse::Client& client_;
  std::string cluster_;
  warehouse::QueryOptions options_;  // of every statement
  StopFlag& stop_;
};

}  // namespace dalgona::event_grpc
