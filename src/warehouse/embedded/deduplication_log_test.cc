#include "warehouse/embedded/deduplication_log.h"

#include <gtest/gtest.h>

namespace dalgona::warehouse::embedded {
namespace {

// With the NUL bytes in it.
template <size_t N>
std::string bytes(const char (&literal)[N]) {
  return {literal, N - 1};
}

TEST(DeduplicationLog, KeepsWhatIsWhole) {
  const std::string good = "1\tall_1_1_0\tall_12_34\n2\tall_1_1_0\tall_12_34\n";
  EXPECT_EQ(whole_records(good), good);
  EXPECT_EQ(whole_records(""), "");
  // A hole between two records, and one that has swallowed a record's end and another's beginning.
  EXPECT_EQ(whole_records(bytes("1\ta\tb\n\0\0\0\0001\tc\td\n")), "1\ta\tb\n1\tc\td\n");
  EXPECT_EQ(whole_records(bytes("1\ta\tb\n1\tc\0\0\0\0c\td\n1\te\tf\n")), "1\ta\tb\n1\te\tf\n");
  // The end within a record, or nothing but a hole there.
  EXPECT_EQ(whole_records("1\ta\tb\n1\tc\td"), "1\ta\tb\n");
  EXPECT_EQ(whole_records(bytes("1\ta\tb\n\0\0\0\0")), "1\ta\tb\n");
  EXPECT_EQ(whole_records("3\ta\tb\n1\ta\n1\t\tb\n1\ta\t\n\n"), "");
}

}  // namespace
}  // namespace dalgona::warehouse::embedded
