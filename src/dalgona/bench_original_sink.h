// The original's sink as a peer to measure against: a channel of 10,000 events, inserts of 1,000 rows as JSONEachRow or
// what there is after 5 s, a message acknowledged as soon as its events are in the channel.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "warehouse/client.h"

namespace dalgona {

class OriginalSink {
 public:
  // Reads `queue`; starts at once.
  OriginalSink(std::string rabbitmq_url, std::string queue, warehouse::Client& warehouse);
  ~OriginalSink();  // what is in the channel is lost, as it was
  OriginalSink(const OriginalSink&) = delete;
  OriginalSink& operator=(const OriginalSink&) = delete;
  // Throws what ended one of its threads.
  void check();

  // Its table, `original.profile_log_events`, metrics and dimensions as JSON.
  static std::string table_sql();

 private:
  void consume();
  void flush();
  void put(std::string row);

  const std::string rabbitmq_url_, queue_;
  warehouse::Client& warehouse_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> channel_;
  std::exception_ptr failed_;
  std::atomic<bool> stop_{false};
  std::thread consumer_, flusher_;
};

}  // namespace dalgona
