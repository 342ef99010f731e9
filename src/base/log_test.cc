#include "base/log.h"

#include <gtest/gtest.h>

namespace dalgona::log {
namespace {

TEST(Log, QuotesWhatNeedsIt) {
  EXPECT_EQ(quoted("plain"), "plain");
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("two words \"x\"\nnext\x01"), "\"two words \\\"x\\\"\\nnext\\x01\"");
}

TEST(Log, HidesThePasswordOfAUrl) {
  EXPECT_EQ(without_password("amqp://dalgona:se@cret@localhost:5672/vhost"), "amqp://dalgona:***@localhost:5672/vhost");
  EXPECT_EQ(without_password("http://localhost:8123/?a=b:c@d"), "http://localhost:8123/?a=b:c@d");
  EXPECT_EQ(without_password("postgres://user@localhost/db"), "postgres://user@localhost/db");
}

}  // namespace
}  // namespace dalgona::log
