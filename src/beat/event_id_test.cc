#include "beat/event_id.h"

#include <set>

#include <gtest/gtest.h>

namespace dalgona::beat {
namespace {

TEST(EventId, IsTheSameForTheSameObservationAndOrdersByTime) {
  const Time at = parse_time("2017-09-13T12:00:00.123456Z");
  const std::string id = event_uuid(at, "7/profile/UCx").text();
  EXPECT_EQ(event_uuid(at, "7/profile/UCx").text(), id);
  EXPECT_NE(event_uuid(at, "8/profile/UCx").text(), id);
  EXPECT_EQ(id[14], '7');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_LT(event_uuid(at, "z"), event_uuid(at + std::chrono::milliseconds{1}, "a"));
  std::set<Uuid> all;
  for (int i = 0; i < 100'000; ++i) all.insert(event_uuid(at, std::to_string(i)));
  EXPECT_EQ(all.size(), 100'000u);
}

}  // namespace
}  // namespace dalgona::beat
