#include "event_grpc/ack_pacer.h"

#include <gtest/gtest.h>

namespace dalgona::event_grpc {
namespace {

using std::chrono::milliseconds;

class AckPacerTest : public testing::Test {
 protected:
  // Acknowledges all that it may, and returns how far that is.
  uint64_t go(uint64_t committed, uint64_t received, uint64_t prefetch, bool all = false) {
    for (acks_ = 0;; ++acks_) {
      const uint64_t before = pacer_.acknowledged();
      const uint64_t tag = pacer_.next(now_, committed, received, prefetch, all);
      if (tag == 0) break;
      EXPECT_GT(tag, before);
      const bool in_steps = received - before + AckPacer::kReadyToSend > prefetch && !all;
      EXPECT_LE(tag - before, in_steps ? AckPacer::kMessagesAnAck : committed);
      EXPECT_LE(tag, committed);
    }
    return pacer_.acknowledged();
  }

  AckPacer pacer_;
  int acks_ = 0;  // of the last go()
  AckPacer::Time now_{std::chrono::hours{1}};
};

TEST_F(AckPacerTest, NothingIsAcknowledgedThatIsNotCommitted) {
  EXPECT_EQ(go(0, 64'000, 64'000), 0U);
  EXPECT_EQ(go(0, 64'000, 64'000, true), 0U);
}

TEST_F(AckPacerTest, ASmallPrefetchIsAcknowledgedAtOnce) {
  EXPECT_EQ(go(1500, 2000, 2000), 1500U);
  EXPECT_EQ(go(1501, 2001, 2000), 1501U);
}

TEST_F(AckPacerTest, ALargeBatchIsAcknowledgedAsDeliveriesComeIn) {
  // All that the broker may send is here, so it gets leave for kReadyToSend.
  EXPECT_EQ(go(48'000, 64'000, 64'000), 6000U);
  EXPECT_EQ(go(48'000, 64'000, 64'000), 6000U);
  for (uint64_t more = 500; more <= 40'000; more += 500) {
    const uint64_t acknowledged = go(48'000, 64'000 + more, 64'000);
    const uint64_t leave = 64'000 - (64'000 + more - acknowledged);
    EXPECT_GE(leave, AckPacer::kReadyToSend);
    EXPECT_LT(leave, AckPacer::kReadyToSend + AckPacer::kMessagesAnAck);
    now_ += milliseconds{8};
  }
  EXPECT_EQ(go(48'000, 64'000 + 48'000, 64'000), 48'000U);
}

TEST_F(AckPacerTest, TheRestIsAcknowledgedWhenNothingComes) {
  EXPECT_EQ(go(0, 20'000, 64'000), 0U);
  EXPECT_EQ(go(20'000, 20'000, 64'000), 0U);
  now_ += AckPacer::kPause - milliseconds{1};
  EXPECT_EQ(go(20'000, 20'000, 64'000), 0U);
  now_ += milliseconds{1};
  EXPECT_EQ(go(20'000, 20'000, 64'000), 20'000U);
  EXPECT_EQ(acks_, 1);
  // The pause begins anew with what is committed next.
  EXPECT_EQ(go(20'000, 20'001, 64'000), 20'000U);
  now_ += AckPacer::kPause / 2;
  EXPECT_EQ(go(20'000, 20'001, 64'000), 20'000U);
  now_ += AckPacer::kPause / 2;
  EXPECT_EQ(go(20'001, 20'001, 64'000), 20'000U);
  now_ += AckPacer::kPause;
  EXPECT_EQ(go(20'001, 20'001, 64'000), 20'001U);
}

TEST_F(AckPacerTest, AllIsAcknowledgedBeforeTheConnectionEnds) {
  EXPECT_EQ(go(0, 20'000, 64'000), 0U);
  EXPECT_EQ(go(20'000, 20'000, 64'000), 0U);
  EXPECT_EQ(go(20'000, 20'000, 64'000, true), 20'000U);
  EXPECT_EQ(acks_, 1);
}

// In the middle of a backlog too, where the broker lacks leave.
TEST_F(AckPacerTest, AStopInABacklogIsOneAcknowledgement) {
  EXPECT_EQ(go(48'000, 64'000, 64'000), 6000U);
  EXPECT_EQ(go(48'000, 64'000, 64'000, true), 48'000U);
  EXPECT_EQ(acks_, 1);
}

}  // namespace
}  // namespace dalgona::event_grpc
