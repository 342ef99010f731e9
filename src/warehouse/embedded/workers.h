// Threads for statements. Whoever rested last works next, so that a light load stays on a thread whose caches, stack
// and allocator are warm: a pool that takes its threads in turn spends 4 to 10 % more on every small SELECT
// (docs/traps.md).
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace dalgona::warehouse::embedded {

class Workers {
 public:
  // `most`: threads, 1 at least. One is started when there is work for it and none rests.
  explicit Workers(size_t most);
  ~Workers();  // join()
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Runs `work`, which must not throw, on one of the threads, in the order of the calls when all are taken.
  // Thread-safe. Throws std::system_error when there is no thread and none can be started. Not after join().
  void post(std::function<void()> work);
  // Returns when all that was posted has run and the threads have ended. Idempotent, by one thread at a time.
  void join();

 private:
  struct Worker {
    std::thread thread;
    std::condition_variable wake;
    std::function<void()> work;
  };
  void run(Worker& self);
  bool start(std::function<void()>& work);

  const size_t most_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Worker*> resting_;  // who rested last is at the end
  std::deque<std::function<void()>> waiting_;
  bool closing_ = false;
};

}  // namespace dalgona::warehouse::embedded
