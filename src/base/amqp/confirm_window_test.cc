#include "base/amqp/confirm_window.h"

#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace dalgona::amqp {
namespace {

TEST(ConfirmWindow, SettlesSinglyInAnyOrder) {
  ConfirmWindow window;
  for (int i = 1; i <= 4; ++i) EXPECT_EQ(window.open(), uint64_t(i));
  std::vector<uint64_t> settled;
  const auto note = [&](uint64_t n) { settled.push_back(n); };
  window.settle(3, false, note);
  EXPECT_EQ(window.up_to(), 0u);
  window.settle(1, false, note);
  EXPECT_EQ(window.up_to(), 1u);
  window.settle(2, false, note);
  EXPECT_EQ(window.up_to(), 3u);
  window.settle(2, false, note);  // again: nothing
  EXPECT_EQ(settled, (std::vector<uint64_t>{3, 1, 2}));
  EXPECT_EQ(window.open_count(), 1u);
}

TEST(ConfirmWindow, MultipleSettlesAllUpToItOnce) {
  ConfirmWindow window;
  for (int i = 0; i < 5; ++i) window.open();
  std::vector<uint64_t> settled;
  const auto note = [&](uint64_t n) { settled.push_back(n); };
  window.settle(2, false, note);
  window.settle(4, true, note);
  EXPECT_EQ(settled, (std::vector<uint64_t>{2, 1, 3, 4}));
  window.settle(0, true, note);
  EXPECT_EQ(window.up_to(), 5u);
  EXPECT_EQ(window.open_count(), 0u);
  window.settle(99, true, note);  // never opened
  EXPECT_EQ(window.up_to(), 5u);
}

TEST(ConfirmWindow, EveryNumberIsSettledExactlyOnceWhateverTheOrder) {
  std::mt19937 random(7);
  ConfirmWindow window;
  std::multiset<uint64_t> seen;
  uint64_t opened = 0;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 3 != 0) opened = window.open();
    if (opened > 0 && random() % 2 == 0)
      window.settle(1 + random() % opened, random() % 4 == 0, [&](uint64_t n) { seen.insert(n); });
  }
  window.settle(opened, true, [&](uint64_t n) { seen.insert(n); });
  EXPECT_EQ(seen.size(), opened);
  EXPECT_EQ(std::set<uint64_t>(seen.begin(), seen.end()).size(), opened);
}

}  // namespace
}  // namespace dalgona::amqp
