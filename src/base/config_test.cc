#include "base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace dalgona {
namespace {

using testing::HasSubstr;

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "no error";
}

TEST(Config, NamesLineAndNearestKeyOfAnUnknownOne) {
  EXPECT_THAT(error_of([] { Config::from_text("log:\n  levle: debug\n"); }),
              HasSubstr("test:2: unknown key 'log.levle', did you mean 'log.level'?"));
  EXPECT_THAT(error_of([] { Config::from_text("log: debug\n"); }), HasSubstr("test:1: 'log' must be a section"));
  EXPECT_THAT(error_of([] { Config::from_text("log: [\n"); }), HasSubstr("test:"));
}

TEST(Config, RefusesAValueOfAnotherKind) {
  EXPECT_THAT(error_of([] { Config::from_text("beat:\n  concurrency: many\n"); }),
              HasSubstr("test:2: 'beat.concurrency' must be a whole number, not 'many'"));
}

TEST(Config, TakesTheEnvironmentLast) {
  const Config config = Config::load(
      {.home = "/nonexistent", .file = {}, .environment = {{"DALGONA_LOG_LEVEL", "debug"}, {"HOME", "/"}}});
  EXPECT_EQ(config.text("log.level"), "debug");
  EXPECT_TRUE(config.is_set("log.level"));
  EXPECT_THAT(
      error_of([] {
        (void)Config::load({.home = "/nonexistent", .file = {}, .environment = {{"DALGONA_LOG_LEVLE", "debug"}}});
      }),
      HasSubstr("did you mean 'DALGONA_LOG_LEVEL'?"));
}

TEST(Config, ReadsDurationsAndSizes) {
  EXPECT_EQ(parse_duration("250ms").count(), 250);
  EXPECT_EQ(parse_duration("1.5s").count(), 1500);
  EXPECT_EQ(parse_duration("7d").count(), 604800000);
  EXPECT_EQ(parse_bytes("64MiB"), 64u << 20);
  EXPECT_EQ(parse_bytes("10"), 10u);
  for (const char* bad : {"", "5", "s", "5 s", "-5s", "5sec"}) EXPECT_THROW(parse_duration(bad), InvalidInput) << bad;
  for (const char* bad : {"", "MiB", "-1", "5MB"}) EXPECT_THROW(parse_bytes(bad), InvalidInput) << bad;
}

TEST(Config, HidesSecrets) {
  const Config config = Config::from_text("postgres:\n  url: postgres://user:hunter2@localhost/db\n");
  for (const auto& entry : config.entries()) EXPECT_THAT(entry.value, testing::Not(HasSubstr("hunter2"))) << entry.key;
}

}  // namespace
}  // namespace dalgona
