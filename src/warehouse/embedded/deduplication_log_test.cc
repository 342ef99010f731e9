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

TEST(DeduplicationLog, ForgetsTokensWhosePartIsNowhere) {
  const std::string records = "1\tall_1_1_0\ta\n1\tall_7_7_0\tb\n1\t202609_7_7_0\tc\n1\tall_12_12_0\td\n";
  EXPECT_EQ(records_of_parts(records, {"all_1_9_2", "all_10_12_1_15", "202609_7_7_0", "detached"}), records);
  // Replaced parts stand beside what they were merged into for a while.
  EXPECT_EQ(records_of_parts(records, {"all_1_9_2", "all_7_7_0", "202609_7_7_0", "tmp_insert_all_12_12_0"}),
            "1\tall_1_1_0\ta\n1\tall_7_7_0\tb\n1\t202609_7_7_0\tc\n");
  EXPECT_EQ(records_of_parts("1\tall_3_3_0\ta\n2\tall_3_3_0\ta\n", {}), "2\tall_3_3_0\ta\n");
  EXPECT_EQ(records_of_parts("1\tunlike a part\ta\n", {}), "1\tunlike a part\ta\n");
}

}  // namespace
}  // namespace dalgona::warehouse::embedded
