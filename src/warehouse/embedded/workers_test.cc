#include "warehouse/embedded/workers.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace dalgona::warehouse::embedded {
namespace {

// Where the next work runs; it has ended when this returns, and its thread rests or is about to.
std::thread::id run_one(Workers& workers) {
  std::promise<std::thread::id> where;
  auto told = where.get_future();
  workers.post([&] { where.set_value(std::this_thread::get_id()); });
  return told.get();
}

TEST(Workers, RunSideBySideUpToTheirNumberAndTheOthersInOrder) {
  constexpr int kMost = 3;
  std::latch together(kMost), go(1);
  std::vector<int> order;
  std::atomic<int> ended{0};
  {
    Workers workers(kMost);
    for (int i = 0; i < kMost; ++i)
      workers.post([&] {
        together.arrive_and_wait();  // ends only when all three run
        go.wait();
        ++ended;
      });
    together.wait();
    Workers one(1);
    for (int i = 0; i < 100; ++i) one.post([&order, i] { order.push_back(i); });
    one.join();
    for (int i = 0; i < 100; ++i) workers.post([&] { ++ended; });
    EXPECT_EQ(ended, 0);
    go.count_down();
  }  // what waits runs before the threads end
  EXPECT_EQ(ended, kMost + 100);
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Workers, WhoRestedLastWorksNext) {
  constexpr int kMost = 8;
  Workers workers(kMost);
  std::latch together(kMost), ended(kMost);
  for (int i = 0; i < kMost; ++i)
    workers.post([&] {
      together.arrive_and_wait();
      ended.count_down();
    });
  ended.wait();
  // One at a time: a pool that takes its threads in turn would use all eight. A thread that has told its answer may not
  // rest yet when the next work comes, so more than one may be used.
  std::set<std::thread::id> used;
  for (int i = 0; i < 200; ++i) {
    used.insert(run_one(workers));
    std::this_thread::sleep_for(std::chrono::microseconds{200});
  }
  EXPECT_LT(used.size(), size_t{kMost});
}

TEST(Workers, FreeWhatTheWorkHoldsBeforeTheyRest) {
  Workers workers(1);
  const auto held = std::make_shared<int>(1);
  workers.post([held] {});
  workers.join();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace dalgona::warehouse::embedded
