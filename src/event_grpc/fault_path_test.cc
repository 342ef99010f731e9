#include "event_grpc/fault_path.h"

#include <gtest/gtest.h>

namespace dalgona::event_grpc {
namespace {

TEST(FaultPath, NamesWhereTheTextEndsOrBreaks) {
  EXPECT_EQ(fault_path(""), "");
  EXPECT_EQ(fault_path("hello"), "");
  EXPECT_EQ(fault_path("{"), "");
  EXPECT_EQ(fault_path(R"({"a":1)"), "a");
  EXPECT_EQ(fault_path(R"({"a":1,"b)"), "b");
  EXPECT_EQ(fault_path(R"({"a":1,)"), "");
  EXPECT_EQ(fault_path(R"({"a":{"x":"}","y\"":["z)"), R"(a.y\")");
  EXPECT_EQ(fault_path(R"({"a":{"x":1},"b":"open)"), "b");
  EXPECT_EQ(fault_path(R"({"a":1})"), "");
  EXPECT_EQ(fault_path("  {\"a\":\"x\xff\",\"b\":2}"), "a");
  EXPECT_EQ(fault_path("{\"a\":\"ü\",\"b\":\"ü\xc3\"}"), "b");
  EXPECT_EQ(fault_path("{\"a\":\"ü\",\"b\xc3"), "b");
  EXPECT_EQ(fault_path("{\"a\":\"x\\"), "a");
}

// Whatever the place of the fault, the member in which it lies is named.
TEST(FaultPath, FindsABadByteAnywhere) {
  for (size_t before = 0; before < 300; ++before)
    for (const char* filler : {"x", "ü", "€", "😀"}) {
      std::string text = "{\"first\":\"";
      for (size_t i = 0; i < before; ++i) text += filler;
      text += "\",\"second\":\"";
      for (size_t i = 0; i < before % 7; ++i) text += filler;
      text += "\xfe and more €\",\"third\":1}";
      ASSERT_EQ(fault_path(text), "second") << before << filler;
    }
}

TEST(FaultPath, IsShortAndCheapForDeepAndLongTexts) {
  EXPECT_EQ(fault_path(std::string(4 << 20, '[')), "");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"€\":";
  EXPECT_LE(fault_path(deep).size(), 200u);
  EXPECT_LE(fault_path("{\"" + std::string(1 << 20, 'x')).size(), 200u);
}

}  // namespace
}  // namespace dalgona::event_grpc
