#include "event_grpc/recent_ids.h"

#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

namespace dalgona::event_grpc {
namespace {

Uuid random_id(std::mt19937_64& random) {
  Uuid id;
  for (auto& byte : id.bytes) byte = uint8_t(random());
  return id;
}

TEST(RecentIds, RemembersTheLastOnesAndTakesNoNewOneForOld) {
  std::mt19937_64 random(1);
  RecentIds recent(200'000);
  std::vector<Uuid> ids;
  for (int i = 0; i < 500'000; ++i) {
    ids.push_back(random_id(random));
    ASSERT_FALSE(recent.add(ids.back())) << i;
  }
  for (size_t i = ids.size() - recent.capacity() / 5; i < ids.size(); ++i) ASSERT_TRUE(recent.add(ids[i])) << i;
}

TEST(RecentIds, TimeOrderedIdsSpreadAsWell) {
  RecentIds recent(250'000);
  std::vector<Uuid> ids;
  for (int i = 0; i < 50'000; ++i) ids.push_back(make_uuid7(Time{std::chrono::microseconds{i}}));
  for (const auto& id : ids) ASSERT_FALSE(recent.add(id));
  for (const auto& id : ids) ASSERT_TRUE(recent.add(id));
}

// A sink has one for each of its streams, and most are quiet.
TEST(RecentIds, TakesNoMemoryBeforeItIsUsed) {
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    size_t all = 0, pages = 0;
    file >> all >> pages;
    return pages * size_t(::sysconf(_SC_PAGESIZE));
  };
  const size_t before = resident();
  RecentIds ids(64'000'000);
  EXPECT_LT(resident(), before + (16u << 20));  // of 273 MB
  std::mt19937_64 random(1);
  const Uuid id = random_id(random);
  EXPECT_FALSE(ids.add(id));
  EXPECT_TRUE(ids.add(id));
}

}  // namespace
}  // namespace dalgona::event_grpc
