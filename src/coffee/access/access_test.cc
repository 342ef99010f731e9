// Who may: loopback rules, keys' forms, the token bucket.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coffee/access/keys.h"
#include "coffee/access/loopback.h"
#include "coffee/access/rate_limit.h"

namespace dalgona::coffee {
namespace {

using namespace std::chrono_literals;

TEST(Loopback, HostNamesThisMachineOrNot) {
  for (const char* yes : {"localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "127.9.9.9:65535", "[::1]",
                          "[::1]:80", "[::ffff:127.0.0.1]:80"})
    EXPECT_TRUE(is_loopback_host(yes)) << yes;
  // Names that a stranger may point at 127.0.0.1, and what only looks like an address.
  for (const char* no : {"",
                         "example.com",
                         "localhost.example.com",
                         "127.0.0.1.nip.io",
                         "localhost:",
                         "localhost:x",
                         "localhost:123456",
                         "127.0.0.1:80:80",
                         "10.0.0.1",
                         "0.0.0.0",
                         "[::]",
                         "[::1",
                         "[::1]x",
                         "[::1]:",
                         "::1",
                         "[127.0.0.1]",
                         "2130706433",
                         "127.1",
                         "0x7f.0.0.1",
                         "evil@localhost",
                         "localhost/",
                         "[fe80::1%lo]",
                         " localhost"})
    EXPECT_FALSE(is_loopback_host(no)) << no;
}

TEST(Loopback, ARequestThroughAProxyIsNotLocal) {
  const auto local = [](std::string peer, http::Headers headers) {
    http::Request request;
    request.remote_address = std::move(peer);
    request.headers = std::move(headers);
    return is_local_request(request);
  };
  EXPECT_TRUE(local("127.0.0.1:5000", {{"Host", "localhost:80"}}));
  EXPECT_TRUE(local("[::1]:5000", {{"Host", "[::1]:80"}}));
  EXPECT_TRUE(local("::1:5000", {{"Host", "localhost"}}));
  EXPECT_FALSE(local("10.1.2.3:5000", {{"Host", "localhost:80"}}));
  EXPECT_FALSE(local("127.0.0.1:5000", {{"Host", "dashboard.example.com"}}));
  EXPECT_FALSE(local("127.0.0.1:5000", {}));
  EXPECT_FALSE(local("", {{"Host", "localhost"}}));
  for (const char* name : {"Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Real-IP", "Via"})
    EXPECT_FALSE(local("127.0.0.1:5000", {{"Host", "localhost"}, {name, "127.0.0.1"}})) << name;
}

TEST(Keys, OnlyWellFormedOnesAreLookedUp) {
  const std::string prefix = "0123456789ab", secret(64, 'f');
  EXPECT_EQ(prefix_of("dlg_" + prefix + "_" + secret), prefix);
  for (const std::string& wrong :
       {std::string(), prefix, fmt::format("dlg_{}_", prefix), fmt::format("dlg_{}_{}0", prefix, secret),
        fmt::format("DLG_{}_{}", prefix, secret), fmt::format("dlg_{}-{}", prefix, secret),
        "dlg_0123456789AB_" + secret, "dlg_'; DROP TAB_" + secret})
    EXPECT_EQ(prefix_of(wrong), std::nullopt) << wrong;
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(key_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(same_hash("ab", "ab"));
  EXPECT_FALSE(same_hash("ab", "ac"));
  EXPECT_FALSE(same_hash("ab", "abc"));
}

TEST(Keys, StateFollowsTheTimes) {
  ApiKey key;
  const Time now = parse_time("2025-01-01");
  EXPECT_EQ(key.state(now), "active");
  key.expires_at = now;
  EXPECT_EQ(key.state(now), "expired");
  EXPECT_EQ(key.state(now - 1us), "active");
  key.revoked_at = now;
  EXPECT_EQ(key.state(now - 1h), "revoked");
}

TEST(RateLimit, RefillsEvenly) {
  RateLimit limit(60);
  Time now = parse_time("2025-01-01");
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(limit.take("a", now).allowed) << i;
  const auto refused = limit.take("a", now);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reset, 1s);
  EXPECT_TRUE(limit.take("b", now).allowed);
  now += 1s;
  EXPECT_TRUE(limit.take("a", now).allowed);
  EXPECT_FALSE(limit.take("a", now).allowed);
  now += 1h;
  EXPECT_EQ(limit.take("a", now).remaining, 59);
  // A clock that goes back gives nothing away and takes nothing.
  EXPECT_EQ(limit.take("a", now - 30min).remaining, 58);
  RateLimit none(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(none.take("a", now).allowed);
}

}  // namespace
}  // namespace dalgona::coffee
