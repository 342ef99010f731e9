// Who may ask: keys from the command line to the request, loopback rules on the wire, limits, pages.
#include <fmt/format.h>

#include "base/resources.h"
#include "coffee_fixture.h"

namespace dalgona::test {
namespace {

const std::string kAnyBoard = "/leaderboard-service/api/leaderboard/platform/YOUTUBE";

class CoffeeAccessTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { database_ = std::make_unique<Database>(TestHome::shared().fresh_database()); }
  static void TearDownTestSuite() { database_.reset(); }
  static Role start(Settings settings = {}) {
    settings["postgres.url"] = database_->url();
    settings["warehouse.url"] = kNoWarehouse;
    return TestHome::shared().start_role("coffee", settings);
  }
  static TestHome::Outcome keys(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"coffee", "keys"});
    return TestHome::shared().run(arguments, {{"postgres.url", database_->url()}});
  }
  static std::string make_key(const std::string& tenant, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"create", "--tenant", tenant, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto outcome = keys(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    const size_t at = outcome.output.find("{\"key\"");
    if (at == std::string::npos) return "";
    return std::string(
        json::parse(outcome.output.substr(at, outcome.output.find('\n', at) - at)).at("key").as_string());
  }
  static int with(const Api& api, const std::string& authorization) {
    return api.get("/api/meta", {{"Authorization", authorization}}).status;
  }
  static std::unique_ptr<Database> database_;
};
std::unique_ptr<Database> CoffeeAccessTest::database_;

TEST_F(CoffeeAccessTest, AKeyLivesAndEnds) {
  Role role = start({{"coffee.anonymous_read", "false"}, {"coffee.cache_keys_for", "1ms"}});
  const Api api(role.url());
  const Reply none = api.get("/api/meta");
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.headers.get_or("WWW-Authenticate", ""), R"(Bearer realm="dalgona")");
  EXPECT_EQ(none.headers.get_or("Content-Type", ""), "application/problem+json");

  const std::string key = make_key("acme", {"--name", "dashboard"});
  ASSERT_EQ(key.size(), 81u);
  EXPECT_EQ(with(api, "Bearer " + key), 200);
  EXPECT_EQ(with(api, "bearer  " + key), 200);
  std::string other = key;
  other.back() = other.back() == '0' ? '1' : '0';
  for (const std::string& wrong : {other, key.substr(1), std::string("x"), key + "0", std::string("' OR 1=1 --")})
    EXPECT_EQ(with(api, "Bearer " + wrong), 401) << wrong;
  EXPECT_EQ(with(api, "Basic " + key), 401);
  EXPECT_EQ(with(api, key), 401);

  // Neither the database nor the list nor a log has the key.
  EXPECT_EQ(
      database_->query("SELECT count(*) AS n FROM coffee.api_key WHERE api_key::text LIKE '%" + key.substr(20) + "%'")
          .integer(0, "n"),
      0);
  const auto list = keys({"list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_NE(list.output.find(key.substr(4, 12)), std::string::npos) << list.output;
  EXPECT_NE(list.output.find("acme"), std::string::npos);
  EXPECT_EQ(list.output.find(key.substr(17)), std::string::npos);
  EXPECT_EQ(role.log_text().find(key.substr(17)), std::string::npos);

  const std::string short_lived = make_key("acme", {"--expires", "1ms"});
  EXPECT_EQ(with(api, "Bearer " + short_lived), 401);
  database_->execute("UPDATE coffee.api_key SET scopes = '{}' WHERE prefix = '" + key.substr(4, 12) + "'");
  EXPECT_EQ(with(api, "Bearer " + key), 403);
  database_->execute("UPDATE coffee.api_key SET scopes = '{read}' WHERE prefix = '" + key.substr(4, 12) + "'");
  EXPECT_EQ(with(api, "Bearer " + key), 200);
  EXPECT_EQ(keys({"revoke", key.substr(4, 12)}).exit_code, 0);
  EXPECT_EQ(with(api, "Bearer " + key), 401);
  EXPECT_EQ(keys({"revoke", "nosuchprefix"}).exit_code, 2);
  EXPECT_EQ(keys({"create", "--tenant", ""}).exit_code, 2);
  EXPECT_EQ(keys({"create", "--tenant", "x", "--scope", "reed"}).exit_code, 2);
  EXPECT_EQ(role.stop(), 0);
}

TEST_F(CoffeeAccessTest, AnonymousReadsAreLoopbackInEveryRespect) {
  Role role = start();
  const Api api(role.url());
  EXPECT_EQ(api.get("/api/meta").status, 200);
  EXPECT_EQ(api.get("/api/meta", {{"Host", "localhost:1"}}).status, 200);
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "10.0.0.1"}) {
    EXPECT_EQ(api.get("/api/meta", {{"Host", host}}).status, 401) << host;
    EXPECT_EQ(api.get("/heartbeat", {{"Host", host}}).status, 200);
  }
  EXPECT_EQ(api.get("/api/meta", {{"X-Forwarded-For", "127.0.0.1"}}).status, 401);
  // A wrong key is never better than none.
  EXPECT_EQ(with(api, "Bearer wrong"), 401);
  // The original's headers decide nothing.
  EXPECT_EQ(
      api.get("/api/meta", {{"Host", "evil.example"}, {"x-bb-partner-id", "1"}, {"x-bb-plan-type", "PAID"}}).status,
      401);
  EXPECT_EQ(role.stop(), 0);
  Role open = start({{"coffee.address", "0.0.0.0"}});
  EXPECT_EQ(Api(open.url()).get("/api/meta").status, 401);
  EXPECT_EQ(Api(open.url()).get("/").status / 100, std::filesystem::exists(resource("web/dist/index.html")) ? 2 : 5);
  EXPECT_EQ(open.stop(), 0);
}

TEST_F(CoffeeAccessTest, ATenantIsLimitedAndToldSo) {
  Role role = start({{"coffee.requests_per_minute", "3"}, {"coffee.anonymous_read", "false"}});
  const Api api(role.url());
  const std::string one = make_key("one"), one_more = make_key("one"), two = make_key("two");
  for (int left = 2; left >= 0; --left) {
    const Reply reply = api.get("/api/meta", {{"Authorization", "Bearer " + (left % 2 ? one : one_more)}});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.get_or("RateLimit-Policy", ""), R"("tenant";q=3;w=60)");
    EXPECT_EQ(reply.headers.get_or("RateLimit", "").substr(0, 12), fmt::format("\"tenant\";r={}", left));
  }
  const Reply refused = api.get("/api/meta", {{"Authorization", "Bearer " + one}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.headers.get("Retry-After"));
  EXPECT_EQ(with(api, "Bearer " + two), 200);
  EXPECT_EQ(role.stop(), 0);
}

TEST_F(CoffeeAccessTest, PagesAreServedBesideTheApi) {
  const auto dist = TestHome::shared().path() / "dist";
  std::filesystem::create_directories(dist / "assets");
  write_file(dist / "index.html", "<!doctype html><title>dalgona</title>");
  write_file(dist / "assets/index-12345678.js", std::string(3000, ' '));
  Role role = start({{"coffee.pages", dist.string()}});
  const Api api(role.url());
  const Reply deep = api.get("/creator/YOUTUBE/UC1?tab=videos");
  EXPECT_EQ(deep.status, 200);
  EXPECT_NE(deep.text.find("<title>dalgona</title>"), std::string::npos);
  EXPECT_NE(deep.headers.get_or("Content-Security-Policy", "").find("default-src 'none'"), std::string::npos);
  const Reply hashed = api.get("/assets/index-12345678.js");
  EXPECT_EQ(hashed.status, 200);
  EXPECT_EQ(hashed.text.size(), 3000u);  // decoded by the client
  EXPECT_EQ(hashed.headers.get_or("Cache-Control", ""), "public, max-age=31536000, immutable");
  EXPECT_EQ(api.get("/", {{"If-None-Match", deep.headers.get_or("ETag", "")}}).status, 304);
  EXPECT_EQ(api.get("/assets/gone-12345678.js").status, 404);
  EXPECT_EQ(api.get("/%2e%2e/%2e%2e/etc/passwd.txt").status, 404);
  EXPECT_EQ(api.get("/api/nothing").status, 404);
  EXPECT_EQ(role.stop(), 0);
  Role bare = start({{"coffee.pages", (dist / "none").string()}});
  const Reply missing = Api(bare.url()).get("/creator");
  EXPECT_EQ(missing.status, 503);
  EXPECT_NE(missing.text.find("./run build"), std::string::npos);
  EXPECT_EQ(bare.stop(), 0);
}

TEST_F(CoffeeAccessTest, AWrongConfigurationIsRefusedAtStart) {
  const auto start_with = [](Settings settings) {
    return TestHome::shared().run({"coffee"}, settings, std::chrono::seconds{20});
  };
  const auto no_store = start_with({{"postgres.url", database_->url()}, {"warehouse.url", ""}});
  EXPECT_EQ(no_store.exit_code, 2) << no_store.output;
  EXPECT_NE(no_store.output.find("warehouse.url is not set"), std::string::npos) << no_store.output;
  const auto bad =
      start_with({{"postgres.url", database_->url()}, {"warehouse.url", kNoWarehouse}, {"coffee.threads", "0"}});
  EXPECT_EQ(bad.exit_code, 2) << bad.output;
}

}  // namespace
}  // namespace dalgona::test
