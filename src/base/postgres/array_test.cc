#include <gtest/gtest.h>

#include "base/postgres/postgres.h"

namespace dalgona::postgres {
namespace {

TEST(PostgresText, ArraysQuoteEveryText) {
  EXPECT_EQ(array(std::vector<std::string>{}), "{}");
  EXPECT_EQ(array(std::vector<std::string>{"a", "b\"c", "d\\e", "", "NULL", "x,y{z}"}),
            R"({"a","b\"c","d\\e","","NULL","x,y{z}"})");
  EXPECT_EQ(array(std::vector<std::optional<std::string>>{"NULL", std::nullopt}), R"({"NULL",NULL})");
  EXPECT_EQ(array(std::vector<int64_t>{1, -2}), "{1,-2}");
}

TEST(PostgresText, IdentifiersDoubleTheirQuotes) {
  EXPECT_EQ(identifier("plain"), "\"plain\"");
  EXPECT_EQ(identifier("a\"b"), "\"a\"\"b\"");
}

TEST(PostgresText, AResultWithoutRowsIsEmpty) {
  const Result none;
  EXPECT_EQ(none.rows(), 0u);
  EXPECT_EQ(none.columns(), 0u);
  EXPECT_EQ(none.affected(), 0u);
  EXPECT_THROW(none.text(0, 0), Permanent);
}

TEST(PostgresText, APoolNeedsAUrl) {
  asio::io_context context;
  EXPECT_THROW(Pool(context.get_executor(), {}), InvalidInput);
}

}  // namespace
}  // namespace dalgona::postgres
