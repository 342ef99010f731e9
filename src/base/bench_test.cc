#include "base/bench.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona::bench {
namespace {

TEST(Bench, MedianOfOddEvenAndNone) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({}), 0);
}

TEST(Bench, RatioIsAboveOneWhenOursIsBetter) {
  EXPECT_EQ((Result{.value = 10, .peer_value = 5}.ratio()), 2);
  EXPECT_EQ((Result{.value = 5, .peer_value = 10, .lower_is_better = true}.ratio()), 2);
  EXPECT_EQ((Result{.value = 5}.ratio()), 0);
}

TEST(Bench, RegistryNamesTheNearest) {
  Registry registry;
  registry.add("yake", "keywords", [](const Options&) { return Result{}; });
  EXPECT_EQ(registry.find("yake").help, "keywords");
  EXPECT_THROW(registry.add("yake", "", nullptr), Permanent);
  try {
    registry.find("yakf");
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("yake"), std::string::npos);
  }
}

TEST(Bench, JsonHasTheAgreedFields) {
  const std::string line = to_json("yake", {.value = 2, .unit = "x/s", .peer = "scan", .peer_value = 1, .runs = 3});
  for (const char* field : {"bench", "value", "unit", "peer", "peer_value", "ratio", "runs"})
    EXPECT_NE(line.find('"' + std::string(field) + '"'), std::string::npos) << field;
}

TEST(Bench, ManyClientsGiveAllTimesInOrderOrWhatOneThrew) {
  std::vector<double> all = concurrently(8, [](int n) { return std::vector<double>{double(10 - n), double(n)}; });
  EXPECT_EQ(all.size(), 16u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_THROW(concurrently(4,
                            [](int n) -> std::vector<double> {
                              if (n == 2) throw Permanent("refused");
                              return {1};
                            }),
               Permanent);
}

TEST(Bench, QuantileIsOfTheNearestRank) {
  const std::vector<double> ten{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(quantile(ten, 0), 1);
  EXPECT_EQ(quantile(ten, 0.5), 5);
  EXPECT_EQ(quantile(ten, 0.99), 10);
  EXPECT_EQ(quantile(ten, 1), 10);
  EXPECT_EQ(quantile({}, 0.5), 0);
}

TEST(Bench, AlternatesOursAndThePeers) {
  std::string order;
  alternate(
      2,
      [&] {
        order += 'a';
        return 1.0;
      },
      [&] {
        order += 'b';
        return 2.0;
      });
  EXPECT_EQ(order, "abab");
}

}  // namespace
}  // namespace dalgona::bench
