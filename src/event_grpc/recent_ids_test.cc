#include "event_grpc/recent_ids.h"

#include <random>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace dalgona::event_grpc
