#include "dalgona/bench_original_sink.h"

#include <boost/json.hpp>

#include "base/amqp/amqp.h"
#include "base/text.h"

namespace dalgona {

namespace json = boost::json;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kChannel = 10'000;
constexpr size_t kBatchRows = 1'000;
constexpr std::chrono::seconds kFlush{5};

// The event unmarshalled and marshalled again, its groups as text.
std::string row_of(std::string_view line) {
  json::value event = json::parse({line.data(), line.size()});
  json::object& members = event.as_object();
  for (const char* group : {"metrics", "dimensions"}) members[group] = json::serialize(members.at(group));
  members["insert_timestamp"] = members.at("event_timestamp");
  return json::serialize(event);
}

}  // namespace

std::string OriginalSink::table_sql() {
  return "CREATE TABLE IF NOT EXISTS original.profile_log_events (event_id String, source String, platform String, "
         "profile_id String, handle Nullable(String), event_timestamp DateTime, insert_timestamp DateTime, metrics "
         "String, dimensions String) ENGINE = MergeTree PARTITION BY toYYYYMM(event_timestamp) ORDER BY (platform, "
         "profile_id, event_timestamp)";
}

OriginalSink::OriginalSink(std::string rabbitmq_url, std::string queue, warehouse::Client& warehouse)
    : rabbitmq_url_(std::move(rabbitmq_url)), queue_(std::move(queue)), warehouse_(warehouse) {
  const auto guarded = [this](void (OriginalSink::*run)()) {
    return std::thread([this, run] {
      try {
        (this->*run)();
      } catch (...) {
        const std::scoped_lock lock(mutex_);
        failed_ = std::current_exception();
      }
    });
  };
  consumer_ = guarded(&OriginalSink::consume);
  flusher_ = guarded(&OriginalSink::flush);
}

OriginalSink::~OriginalSink() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  consumer_.join();
  flusher_.join();
}

void OriginalSink::check() {
  const std::scoped_lock lock(mutex_);
  if (failed_) std::rethrow_exception(failed_);
}

void OriginalSink::put(std::string row) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || channel_.size() < kChannel; });
  channel_.push_back(std::move(row));
  if (channel_.size() == kBatchRows) changed_.notify_all();
}

void OriginalSink::consume() {
  amqp::Connection connection({.url = rabbitmq_url_, .name = "bench original"});
  connection.consume(queue_, 1000);
  while (!stop_) {
    const auto delivery = connection.receive(SteadyClock::now() + std::chrono::milliseconds{200});
    if (!delivery) continue;
    for (const auto line : split(delivery->body, '\n'))
      if (!line.empty()) put(row_of(line));
    connection.ack(delivery->tag, false);
  }
}

void OriginalSink::flush() {
  while (!stop_) {
    std::string rows;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kFlush, [this] { return stop_ || channel_.size() >= kBatchRows; });
      for (size_t n = 0; n < kBatchRows && !channel_.empty(); ++n) {
        rows += channel_.front() + "\n";
        channel_.pop_front();
      }
    }
    changed_.notify_all();
    if (!rows.empty()) warehouse_.insert_blocking("original.profile_log_events", "JSONEachRow", std::move(rows));
  }
}

}  // namespace dalgona
