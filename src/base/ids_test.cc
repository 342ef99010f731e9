#include "base/ids.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona {
namespace {

TEST(Uuid, IsOrderedWithinAThreadEvenWhenTimeStandsOrFalls) {
  const Time now = parse_time("2017-09-13T10:00:00.123456Z");
  Uuid last = make_uuid7(now);
  for (int i = 0; i < 10'000; ++i) {
    const Uuid next = make_uuid7(i % 3 == 0 ? now - std::chrono::seconds{1} : now);
    ASSERT_LT(last, next);
    last = next;
  }
  EXPECT_EQ(last.bytes[6] >> 4, 7);
  EXPECT_EQ(last.bytes[8] >> 6, 2);
}

TEST(Uuid, ParsesWhatItPrints) {
  const Uuid id = make_uuid7(system_clock().now());
  EXPECT_EQ(Uuid::parse(id.text()), id);
  EXPECT_THROW(Uuid::parse("01234567-89ab-cdef-0123-456789abcdeg"), InvalidInput);
  EXPECT_THROW(Uuid::parse("0123"), InvalidInput);
}

}  // namespace
}  // namespace dalgona
