#include "sandbox/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "sandbox/simulated_clock.h"

namespace dalgona::sandbox {
namespace {

std::vector<int> play(Faults& faults, std::string_view endpoint, int count) {
  std::vector<int> seen;
  for (int i = 0; i < count; ++i) {
    const Fault fault = faults.next(endpoint);
    seen.push_back(fault.kind * 1000 + fault.status + int(fault.latency.count() % 1000));
  }
  return seen;
}

TEST(Faults, TheSameSeedPlaysTheSameFaultsHoweverEndpointsMix) {
  const FaultPlan plan = FaultPlan::parse(
      R"({"seed":7,"rules":[{"endpoint":"*","reset":0.1,"truncate":0.1,"error_503":0.2,"latency_ms":5,"distribution":"exponential"}]})");
  Faults first, second, other;
  first.set(plan);
  second.set(plan);
  FaultPlan reseeded = plan;
  reseeded.seed = 8;
  other.set(reseeded);
  const auto videos = play(first, "videos", 500);
  const auto channels = play(first, "channels", 500);
  std::vector<int> mixed_videos, mixed_channels;
  for (int i = 0; i < 500; ++i) {
    mixed_channels.push_back(play(second, "channels", 1)[0]);
    mixed_videos.push_back(play(second, "videos", 1)[0]);
  }
  EXPECT_EQ(videos, mixed_videos);
  EXPECT_EQ(channels, mixed_channels);
  EXPECT_NE(videos, channels);
  EXPECT_NE(videos, play(other, "videos", 500));
}

TEST(Faults, ComeAsOftenAsAsked) {
  Faults faults;
  faults.set(FaultPlan::parse(
      R"({"rules":[{"endpoint":"videos","reset":0.05,"truncate":0.1,"error_429":0.2,"error_500":0.15,"latency_ms":40,"distribution":"uniform"}]})"));
  std::map<int, int> counts;
  double latency = 0;
  constexpr int kRounds = 20'000;
  for (int i = 0; i < kRounds; ++i) {
    const Fault fault = faults.next("videos");
    ++counts[fault.kind == Fault::kError ? fault.status : int(fault.kind)];
    latency += double(fault.latency.count()) / 1000 / kRounds;
    EXPECT_LE(fault.latency, std::chrono::milliseconds{80});
  }
  EXPECT_NEAR(counts[Fault::kReset], 0.05 * kRounds, 0.01 * kRounds);
  EXPECT_NEAR(counts[Fault::kTruncate], 0.1 * kRounds, 0.01 * kRounds);
  EXPECT_NEAR(counts[429], 0.2 * kRounds, 0.015 * kRounds);
  EXPECT_NEAR(counts[500], 0.15 * kRounds, 0.015 * kRounds);
  EXPECT_NEAR(latency, 40, 1);
  EXPECT_EQ(faults.next("channels").kind, Fault::kNone);
}

TEST(Faults, SkipAndTimesPickRequestsByNumber) {
  Faults faults;
  faults.set(FaultPlan::parse(R"({"rules":[{"error_500":1,"skip":2,"times":3}]})"));
  std::vector<int> statuses;
  for (int i = 0; i < 7; ++i) statuses.push_back(faults.next("search").status);
  EXPECT_THAT(statuses, testing::ElementsAre(0, 0, 500, 500, 500, 0, 0));
}

TEST(Faults, PlansAreCheckedAndPrintWhatTheyParse) {
  const FaultPlan plan = FaultPlan::parse(R"({"seed":3,"rules":[{"endpoint":"search","reset":0.25,"skip":1}]})");
  EXPECT_EQ(FaultPlan::parse(plan.json()).json(), plan.json());
  for (const char* bad : {"", "[]", "{\"x\":1}", R"({"rules":[1]})", R"({"rules":[{"reset":2}]})",
                          R"({"rules":[{"reset":-1}]})", R"({"rules":[{"rest":1}]})",
                          R"({"rules":[{"reset":0.6,"error_500":0.6}]})", R"({"rules":[{"endpoint":"foo"}]})",
                          R"({"rules":[{"distribution":"normal"}]})", R"({"rules":[{"latency_ms":"5"}]})"})
    EXPECT_THROW(FaultPlan::parse(bad), InvalidInput) << bad;
}

TEST(SimulatedClock, StandsRunsAndJumps) {
  ManualClock real(parse_time("2026-01-01"));
  SimulatedClock clock(real, parse_time("2017-09-13"), 0);
  real.advance(std::chrono::hours{5});
  EXPECT_EQ(clock.now(), parse_time("2017-09-13"));
  clock.set_speed(86'400);
  EXPECT_EQ(clock.now(), parse_time("2017-09-13"));
  real.advance(std::chrono::seconds{2});
  EXPECT_EQ(clock.now(), parse_time("2017-09-15"));
  clock.set_speed(1);
  real.advance(std::chrono::seconds{3});
  EXPECT_EQ(clock.now(), parse_time("2017-09-15T00:00:03Z"));
  clock.set(parse_time("2017-10-01"));
  EXPECT_EQ(clock.now(), parse_time("2017-10-01"));
  EXPECT_THROW(clock.set_speed(-1), InvalidInput);
  clock.set_speed(1e7);
  real.advance(std::chrono::hours{24 * 365 * 200});
  EXPECT_EQ(to_date(clock.now()), "9999-12-31");
}

}  // namespace
}  // namespace dalgona::sandbox
