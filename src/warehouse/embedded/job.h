// A statement that runs in the engine, seen from the coroutine that waits for it. Private to this room.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/async.h"
#include "warehouse/embedded/engine.h"
#include "warehouse/embedded/pipe.h"

namespace dalgona::warehouse::embedded {

// Belongs to one executor, a strand: all calls are made there.
class Job : public std::enable_shared_from_this<Job> {
 public:
  // Starts the statement. `pipe`, when there is one, stays open until the statement has ended, however long that is.
  // After `limit` it is cancelled; when it does not end even then it is given up: done() is false, wait() returns, and
  // the pipe gives its end.
  static std::shared_ptr<Job> start(Engine& engine, Query query, std::shared_ptr<Pipe> pipe,
                                    asio::any_io_executor executor, std::chrono::milliseconds limit);

  bool done() const { return answer_.has_value(); }
  bool timed_out() const { return timed_out_; }
  // Until it is done or given up.
  Task<void> wait();
  // Until its success is out of the question: the data that it still reads can then be ended anywhere.
  Task<void> doom();
  void cancel() { engine_.cancel(id_); }
  // When done.
  const Answer& answer() const { return *answer_; }
  std::chrono::nanoseconds took() const { return took_; }

 private:
  Job(Engine& engine, std::string id, std::shared_ptr<Pipe> pipe, asio::any_io_executor executor);
  void watch(std::chrono::milliseconds limit);

  Engine& engine_;
  std::string id_;
  std::shared_ptr<Pipe> pipe_;
  asio::any_io_executor executor_;
  asio::steady_timer changed_, watchdog_;
  std::optional<Answer> answer_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::nanoseconds took_{0};
  bool timed_out_ = false, given_up_ = false;
};

}  // namespace dalgona::warehouse::embedded
