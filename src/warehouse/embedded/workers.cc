#include "warehouse/embedded/workers.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace dalgona::warehouse::embedded {

Workers::Workers(size_t most) : most_(std::max<size_t>(1, most)) {}

Workers::~Workers() {
  join();
}

void Workers::post(std::function<void()> work) {
  const std::scoped_lock lock(mutex_);
  if (!resting_.empty()) {
    Worker& worker = *resting_.back();
    resting_.pop_back();
    worker.work = std::move(work);
    worker.wake.notify_one();
  } else if (!start(work)) {
    waiting_.push_back(std::move(work));
  }
}

// Under the lock. False when there are as many threads as there may be, or the system gives no more.
bool Workers::start(std::function<void()>& work) {
  if (workers_.size() >= most_) return false;
  auto worker = std::make_unique<Worker>();
  try {
    worker->thread = std::thread([this, self = worker.get()] { run(*self); });
  } catch (const std::system_error&) {
    if (workers_.empty()) throw;
    return false;
  }
  worker->work = std::move(work);
  workers_.push_back(std::move(worker));
  return true;
}

void Workers::run(Worker& self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!self.work && !waiting_.empty()) {
      self.work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (!self.work) {
      if (closing_) return;
      resting_.push_back(&self);
      self.wake.wait(lock, [&] { return self.work || closing_; });
      continue;
    }
    auto work = std::exchange(self.work, nullptr);
    lock.unlock();
    work();
    work = nullptr;  // what it holds is freed without the lock
    lock.lock();
  }
}

void Workers::join() {
  std::vector<std::unique_ptr<Worker>> ending;
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    for (const auto& worker : workers_) worker->wake.notify_one();
    resting_.clear();
    ending.swap(workers_);
  }
  for (const auto& worker : ending) worker->thread.join();
}

}  // namespace dalgona::warehouse::embedded
