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
      const bool lacks_leave = received - before + AckPacer::kReadyToSend > prefetch;
      EXPECT_LE(tag - before, lacks_leave && !all ? AckPacer::kMessagesAnAck : committed);
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
  for (uint64_t more = 500, before = 6000; more <= 40'000; more += 500) {
    const uint64_t acknowledged = go(48'000, 64'000 + more, 64'000);
    EXPECT_GE(acknowledged, std::min<uint64_t>(48'000, more + AckPacer::kReadyToSend));
    EXPECT_LE(acknowledged - before, AckPacer::kMessagesAnAck);
    before = acknowledged;
    now_ += milliseconds{8};
  }
  EXPECT_EQ(go(48'000, 64'000 + 48'000, 64'000), 48'000U);
}

// A backlog's first batches are durable before all that the broker may send is here: nothing goes out at once then,
// however long ago it became durable.
TEST_F(AckPacerTest, TheStartOfABacklogIsAcknowledgedInSteps) {
  EXPECT_EQ(go(0, 20'000, 64'000), 0U);
  uint64_t before = 0;
  for (uint64_t received = 20'000; received <= 50'000; received += 250) {
    const uint64_t acknowledged = go(18'000, received, 64'000);
    EXPECT_LE(acknowledged - before, AckPacer::kMessagesAnAck);
    before = acknowledged;
    now_ += AckPacer::kPause / 4;
  }
  EXPECT_EQ(before, 18'000U);
}

// What a backlog has left over goes out though some messages come all the time, and what comes while there is nothing
// to acknowledge counts for nothing later.
TEST_F(AckPacerTest, NothingIsLeftOverWhileOthersComeIn) {
  EXPECT_EQ(go(0, 50'000, 64'000), 0U);
  uint64_t received = 50'000;
  for (int i = 0; i < 200; ++i) {
    received += AckPacer::kMessagesAStep;
    go(received - 1000, received, 64'000);
    now_ += milliseconds{50};
  }
  const uint64_t acknowledged = pacer_.acknowledged();
  EXPECT_GE(acknowledged, received - 1000 - AckPacer::kMessagesAnAck);
  received += 9000;
  EXPECT_EQ(go(acknowledged, received, 64'000), acknowledged);
  EXPECT_EQ(go(received, received, 64'000), acknowledged);
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
