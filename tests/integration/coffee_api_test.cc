// coffee on PostgreSQL: leaderboards, search, content, keys, hostile input, stores that are away.
#include <set>

#include <fmt/format.h>

#include "coffee_fixture.h"

namespace dalgona::test {
namespace {

using namespace std::chrono_literals;

constexpr int kAccounts = 120;
const std::string kBoard = "/leaderboard-service/api/leaderboard/platform/YOUTUBE";
const std::string kSearch = "/discovery-service/api/profile/YOUTUBE/search";
const std::string kProfile = "/discovery-service/api/profile/YOUTUBE/UC00001";
const std::vector<std::string> kMonths{"2017-09-01", "2017-10-01"};

class CoffeeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto& home = TestHome::shared();
    database_ = std::make_unique<Database>(home.fresh_database());
    fill_accounts(*database_, kAccounts);
    publish(*database_, kMonths, 0);
    role_ = std::make_unique<Role>(
        home.start_role("coffee", {{"postgres.url", database_->url()}, {"warehouse.url", kNoWarehouse}}));
    api_ = std::make_unique<Api>(role_->url());
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(role_->stop(), 0);
    role_.reset();
    api_.reset();
    database_.reset();
  }
  static const Api& api() { return *api_; }
  static std::unique_ptr<Database> database_;
  static std::unique_ptr<Role> role_;
  static std::unique_ptr<Api> api_;
};
std::unique_ptr<Database> CoffeeTest::database_;
std::unique_ptr<Role> CoffeeTest::role_;
std::unique_ptr<Api> CoffeeTest::api_;

std::vector<std::string> ids(const std::vector<json::object>& rows) {
  std::vector<std::string> all;
  for (const auto& row : rows) all.push_back(field(row, "platformProfileId"));
  return all;
}

std::vector<std::string> ids_of(const Database& database, const std::string& sql) {
  const auto rows = database.query(sql);
  std::vector<std::string> all;
  for (size_t row = 0; row < rows.rows(); ++row) all.emplace_back(rows.text(row, 0));
  return all;
}

TEST_F(CoffeeTest, MetaNamesWhatIsPublished) {
  const Reply reply = api().get("/api/meta");
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(json::serialize(reply.data().at("months")), R"(["2017-10-01","2017-09-01"])");
  EXPECT_EQ(json::serialize(reply.data().at("platforms")), R"(["YOUTUBE"])");
  EXPECT_EQ(json::serialize(reply.data().at("categories")), R"(["Comedy","Education","Music"])");
  EXPECT_EQ(json::serialize(reply.data().at("languages")), R"(["en","hi"])");
}

TEST_F(CoffeeTest, LeaderboardIsTheNewestMonthByFollowersGained) {
  const Reply reply = api().post(kBoard, {{"size", 5}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  ASSERT_EQ(reply.rows().size(), 5u);
  EXPECT_EQ(reply.total(), kAccounts);
  EXPECT_EQ(reply.envelope().at("count").as_int64(), 5);
  const auto want = database_->query(
      "SELECT profile_id, followers_change, previous_ranks->>'followers_change_rank' AS before FROM coffee.leaderboard "
      "WHERE month = '2017-10-01' ORDER BY followers_change_rank LIMIT 5");
  for (size_t i = 0; i < 5; ++i) {
    const json::object& row = reply.rows()[i].as_object();
    EXPECT_EQ(row.at("rank").as_int64(), int64_t(i) + 1);
    EXPECT_EQ(field(row, "platformProfileId"), want.text(i, "profile_id"));
    EXPECT_EQ(field(row, "followersChange"), want.text(i, "followers_change"));
    EXPECT_EQ(field(row, "previousRank"), want.text(i, "before"));
    EXPECT_EQ(field(row, "month"), "2017-10-01");
  }
}

TEST_F(CoffeeTest, EveryBoardIsTheSameByPagesAndByCursors) {
  struct Case {
    std::string path, column, where;
    json::object body;
  };
  const std::vector<Case> cases{
      {kBoard, "followers_change_rank", "", {}},
      {kBoard, "followers_rank", "", {{"sortBy", "followers_lifetime"}}},
      {kBoard, "views_rank", "", {{"sortBy", "views"}}},
      {kBoard, "views_rank", "", {{"sortBy", "plays"}}},
      {kBoard, "views_change_rank", "", {{"sortBy", "views_change"}}},
      {kBoard + "/category/Music", "followers_change_rank_by_category", "AND category = 'Music'", {}},
      {kBoard, "views_rank_by_category", "AND category = 'Music'", {{"category", "Music"}, {"sortBy", "views"}}},
      {kBoard + "/language/hi", "followers_change_rank", "AND language = 'hi'", {}},
      {"/leaderboard-service/api/leaderboard/cross-platform", "followers_change_rank", "", {}},
  };
  for (const auto& [path, column, where, body] : cases)
    for (const bool ascending : {false, true}) {
      SCOPED_TRACE(path + " " + json::serialize(body) + (ascending ? " ASC" : " DESC"));
      const auto want =
          ids_of(*database_,
                 fmt::format("SELECT profile_id FROM coffee.leaderboard WHERE month = '2017-09-01' {} ORDER BY {} {}",
                             where, column, ascending ? "DESC" : "ASC"));
      json::object asked = body;
      asked["month"] = "2017-09";
      asked["size"] = 7;
      asked["sortDir"] = ascending ? "ASC" : "DESC";
      EXPECT_EQ(ids(api().walk(path, asked)), want);
      std::vector<std::string> by_page;
      for (int page = 1; page <= int(want.size()) / 7 + 2; ++page) {
        asked["page"] = page;
        const Reply reply = api().post(path, asked);
        ASSERT_EQ(reply.status, 200) << reply.text;
        EXPECT_EQ(reply.total(), int64_t(want.size()));
        for (const auto& row : reply.rows()) by_page.push_back(field(row.as_object(), "platformProfileId"));
      }
      EXPECT_EQ(by_page, want);
    }
}

TEST_F(CoffeeTest, RanksCountInTheLanguage) {
  const auto rows = api().walk(kBoard + "/language/hi", {{"size", 9}});
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].at("rank").as_int64(), int64_t(i) + 1);
  EXPECT_EQ(rows.size(), size_t(kAccounts) / 4);
}

TEST_F(CoffeeTest, ACursorWalksEveryUnchangedRowOnceThroughPublications) {
  for (const bool ascending : {false, true}) {
    Database own(TestHome::shared().fresh_database());
    fill_accounts(own, kAccounts);
    publish(own, kMonths, 0);
    Role role = TestHome::shared().start_role("coffee", {{"postgres.url", own.url()}, {"warehouse.url", kNoWarehouse}});
    const Api mine(role.url());
    // Other creators overtake and new ones come; those with the same figures must all be seen, once.
    std::set<std::string> unchanged;
    for (int n = 1; n <= kAccounts; ++n) unchanged.insert(fmt::format("UC{:05}", n));
    int changed = 0;
    const auto rows = mine.walk(
        kBoard, {{"size", 10}, {"sortDir", ascending ? "ASC" : "DESC"}, {"sortBy", "views"}}, [&](size_t page) {
          if (page > 4) return;
          for (int i = 0; i < 3; ++i) {
            const std::string moved = fmt::format("UC{:05}", 1 + (changed++ * 37) % kAccounts);
            unchanged.erase(moved);
            own.execute("UPDATE beat.youtube_account SET views = 121000 - views WHERE channel_id = '" + moved + "'");
          }
          own.execute(
              fmt::format("INSERT INTO beat.youtube_account (channel_id, title, views, followers, observed_at) SELECT "
                          "format('UC9%s%s', lpad(n::text, 3, '0'), {0}), 'New', n * 2000 + {0}, 1, now() FROM "
                          "generate_series(1, 40) n",
                          page));
          publish(own, kMonths, 0);
        });
    std::map<std::string, int> seen;
    for (const auto& id : ids(rows)) ++seen[id];
    for (const auto& id : unchanged) EXPECT_EQ(seen[id], 1) << id << (ascending ? " ascending" : " descending");
    EXPECT_LT(unchanged.size(), size_t(kAccounts));
    EXPECT_EQ(role.stop(), 0);
  }
}

TEST_F(CoffeeTest, PostsByGrowth) {
  const auto want = ids_of(*database_, "SELECT shortcode FROM coffee.post_growth ORDER BY growth_rank");
  const auto rows = api().walk(kBoard + "/posts", {{"sortBy", "views_growth"}, {"size", 33}});
  ASSERT_EQ(rows.size(), want.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(field(rows[i], "shortcode"), want[i]);
    EXPECT_EQ(rows[i].at("rank").as_int64(), int64_t(i) + 1);
  }
  const auto of_category = api().walk(kBoard + "/posts", {{"category", "Entertainment"}, {"size", 50}});
  EXPECT_EQ(of_category.size(),
            ids_of(*database_, "SELECT 1 FROM coffee.post_growth WHERE category = 'Entertainment'").size());
  const Reply second = api().post(kBoard + "/posts", {{"page", 2}, {"size", 20}});
  EXPECT_EQ(field(second.rows()[0].as_object(), "shortcode"), want[20]);
}

TEST_F(CoffeeTest, SearchOrdersAndWalks) {
  struct Case {
    std::string sort, column;
  };
  for (const auto& [sort, column] :
       {Case{"followers", "coalesce(followers, -1)"}, Case{"views", "views"}, Case{"uploads", "uploads"},
        Case{"publishedAt", "coalesce(published_at, '-infinity'::timestamptz)"}})
    for (const std::string dir : {"ASC", "DESC"}) {
      const auto want =
          ids_of(*database_,
                 fmt::format("SELECT channel_id FROM beat.youtube_account ORDER BY {} {}, channel_id COLLATE \"C\" {}",
                             column, dir, dir == "ASC" ? "DESC" : "ASC"));
      EXPECT_EQ(ids(api().walk(kSearch, {{"sortBy", sort}, {"sortDir", dir}, {"size", 11}})), want) << sort << dir;
    }
  const auto by_rate = api().walk(kSearch, {{"sortBy", "engagementRate"}, {"size", 50}});
  EXPECT_EQ(by_rate.size(), size_t(kAccounts));
  for (size_t i = 1; i < by_rate.size(); ++i)
    EXPECT_GE(by_rate[i - 1].at("engagementRate").to_number<double>(),
              by_rate[i].at("engagementRate").to_number<double>());
}

TEST_F(CoffeeTest, SearchFilters) {
  struct Case {
    json::array filters;
    std::string where;
  };
  const auto one = [](std::string_view type, std::string_view name, json::value value) -> json::value {
    return {{"filterType", type}, {"field", name}, {"value", std::move(value)}};
  };
  const std::string newest = "(SELECT profile_id FROM coffee.leaderboard WHERE month = '2017-10-01' AND {})";
  const std::vector<Case> cases{
      {{one("LIKE", "title", "mUsIc")}, "title ILIKE '%music%'"},
      {{one("LIKE", "title", "be")}, "title ILIKE '% be%'"},
      {{one("LIKE", "title", "as")}, "title ILIKE '% as%'"},
      {{one("LIKE", "title", "100%")}, "false"},
      {{one("LIKE", "title", "_")}, "false"},
      {{one("LIKE", "handle", "creator1")}, "custom_url LIKE '%creator1%'"},
      {{one("LIKE", "name", "creator77")}, "custom_url LIKE '%creator77%'"},
      {{one("EQ", "title", "Gaming with Ben 1")}, "channel_id = 'UC00001'"},
      {{one("EQ", "country", "IN")}, "country = 'IN'"},
      {{one("IN", "country", json::array{"IN", "DE"})}, "country IN ('IN', 'DE')"},
      {{one("GTE", "followers", 500), one("LTE", "followers", 800)}, "followers BETWEEN 500 AND 800"},
      {{one("LTE", "followers", 100)}, "followers <= 100"},
      {{one("EQ", "uploads", 3)}, "uploads = 3"},
      {{one("IN", "uploads", json::array{1, 2})}, "uploads IN (1, 2)"},
      {{one("EQ", "category", "Music")}, "channel_id IN " + fmt::format(fmt::runtime(newest), "category = 'Music'")},
      {{one("IN", "language", json::array{"hi"})},
       "channel_id IN " + fmt::format(fmt::runtime(newest), "language = 'hi'")},
      {{one("GTE", "engagementRate", 2.5)},
       "channel_id IN " + fmt::format(fmt::runtime(newest), "engagement_rate >= 2.5")},
      {{one("GTE", "publishedAt", "2010-03-01")}, "published_at >= '2010-03-01'"},
      {{one("LTE", "publishedAt", "2010-03-01T00:00:00Z")}, "published_at <= '2010-03-01'"},
      {{one("EQ", "platformProfileId", "UC00007")}, "channel_id = 'UC00007'"},
      {{one("EQ", "title", "'; DROP TABLE beat.youtube_account; --")}, "false"},
      {{one("LIKE", "title", "\\")}, "false"},
      {{one("IN", "title", json::array{"a\"b", "{c,d}", "\\", "NULL"})}, "false"},
  };
  for (const auto& [filters, where] : cases) {
    SCOPED_TRACE(json::serialize(filters));
    const auto want = ids_of(*database_, "SELECT channel_id FROM beat.youtube_account WHERE " + where +
                                             " ORDER BY coalesce(followers, -1) DESC, channel_id COLLATE \"C\"");
    const Reply first = api().post(kSearch, {{"filters", filters}, {"size", 7}});
    ASSERT_EQ(first.status, 200) << first.text;
    EXPECT_EQ(first.total(), int64_t(want.size()));
    EXPECT_EQ(ids(api().walk(kSearch, {{"filters", filters}, {"size", 7}})), want);
  }
}

TEST_F(CoffeeTest, SearchWalksUnchangedRowsOnceWhileOthersChange) {
  Database own(TestHome::shared().fresh_database());
  fill_accounts(own, kAccounts);
  Role role = TestHome::shared().start_role("coffee", {{"postgres.url", own.url()}, {"warehouse.url", kNoWarehouse}});
  const Api mine(role.url());
  std::set<std::string> unchanged;
  for (int n = 1; n <= kAccounts; ++n) unchanged.insert(fmt::format("UC{:05}", n));
  int next = 0;
  const auto rows = mine.walk(kSearch, {{"size", 9}}, [&](size_t page) {
    const std::string moved = fmt::format("UC{:05}", 1 + (next++ * 17) % kAccounts),
                      gone = fmt::format("UC{:05}", 1 + (next++ * 17) % kAccounts);
    unchanged.erase(moved);
    unchanged.erase(gone);
    own.execute(
        fmt::format("UPDATE beat.youtube_account SET followers = 1000 - coalesce(followers, 0) WHERE channel_id = "
                    "'{}'; DELETE FROM beat.youtube_account WHERE channel_id = '{}'; "
                    "INSERT INTO beat.youtube_account (channel_id, title, followers, observed_at) SELECT "
                    "format('UCnew%s_{}', n), 'New', n * 50, now() FROM generate_series(0, 20) n",
                    moved, gone, page));
  });
  std::map<std::string, int> seen;
  for (const auto& id : ids(rows)) ++seen[id];
  for (const auto& id : unchanged) EXPECT_EQ(seen[id], 1) << id;
  EXPECT_EQ(role.stop(), 0);
}

TEST_F(CoffeeTest, WrongInputNamesTheFieldAndTheNearest) {
  struct Case {
    std::string path;
    std::string body;
    std::string detail;
  };
  const std::vector<Case> cases{
      {"/leaderboard-service/api/leaderboard/platform/YOUTUB", "{}", "did you mean 'YOUTUBE'"},
      {"/discovery-service/api/profile/youtube/search", "{}", "unknown platform 'youtube'"},
      {kBoard, R"({"sortBy": "folowers"})", "did you mean 'followers'"},
      {kBoard, R"({"sortBy": 1})", "sortBy must be a text"},
      {kBoard, R"({"sortby": "views"})", "did you mean 'sortBy'"},
      {kBoard, R"({"sortDir": "UP"})", "sortDir"},
      {kBoard, R"({"month": "2017-11"})", "the nearest month is 2017-10-01"},
      {kBoard, R"({"month": "2017-10-02"})", "2017-10-01"},
      {kBoard, R"({"month": "2017-13"})", "month must be"},
      {kBoard, R"({"month": "0000-00"})", "month must be"},
      {kBoard, R"({"category": "Musik"})", "did you mean 'Music'"},
      {kBoard + "/category/Musik", "", "did you mean 'Music'"},
      {kBoard + "/category/Music", R"({"category": "Comedy"})", "not the one in the path"},
      {kBoard, R"({"language": "hx"})", "unknown language"},
      {kBoard, R"({"size": 0})", "size must be a whole number from 1 to 100"},
      {kBoard, R"({"size": 101})", "size must be"},
      {kBoard, R"({"size": 1e3})", "size must be"},
      {kBoard, R"({"page": 0})", "page must be"},
      {kBoard, R"({"page": 501})", "10000 rows deep"},
      {kBoard, R"({"page": 99999999999999999999})", "page must be"},
      {kBoard, R"({"cursor": "x"})", "cursor"},
      {kBoard, R"({"cursor": "e30"})", "cursor"},
      {kBoard, R"([])", "must be a JSON object"},
      {kBoard, R"({)", "no JSON"},
      {kBoard, R"({"a": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]})", "no JSON"},
      {kBoard + "/posts", R"({"sortBy": "view_growth"})", "did you mean 'views_growth'"},
      {kBoard + "/posts", R"({"category": "Entertainmnt"})", "did you mean 'Entertainment'"},
      {kSearch, R"({"filters": {}})", "filters must be a list"},
      {kSearch, R"({"filters": [1]})", "filters[0] must be"},
      {kSearch, R"({"filters": [{"filterType": "EQ", "field": "titel", "value": "x"}]})", "did you mean 'title'"},
      {kSearch, R"({"filters": [{"filterType": "EQQ", "field": "title", "value": "x"}]})", "did you mean 'EQ'"},
      {kSearch, R"({"filters": [{"filterType": "GTE", "field": "title", "value": "x"}]})", "title takes EQ, IN, LIKE"},
      {kSearch, R"({"filters": [{"filterType": "EQ", "field": "followers", "value": "1 OR 1=1"}]})", "whole number"},
      {kSearch, R"({"filters": [{"filterType": "GTE", "field": "publishedAt", "value": "yesterday"}]})",
       "filters[0].value"},
      {kSearch, R"({"filters": [{"filterType": "IN", "field": "title", "value": []}]})", "1 to 1000"},
      {kSearch, R"({"filters": [{"filterType": "LIKE", "field": "title", "value": " "}]})", "is empty"},
      {kSearch, R"({"filters": [{"filterType": "LIKE", "field": "title"}]})", "value is missing"},
      {kSearch, R"({"filters": [{"filterType": "LIKE", "field": "title", "valu": "x"}]})", "did you mean 'value'"},
      {kSearch, "{\"filters\": [{\"filterType\": \"EQ\", \"field\": \"title\", \"value\": \"a\\u0000b\"}]}",
       "control character"},
      {kSearch, R"({"sortBy": "followers; DROP TABLE x"})", "unknown sort key"},
      {kSearch, "\xff\xfe{}", "no JSON"},
      {kProfile + "/timeseries", R"({"startDate": "2017-02-30"})", "startDate must be a date"},
      {kProfile + "/timeseries", R"({"startDate": "2017-10-02", "endDate": "2017-10-01"})",
       "startDate is after endDate"},
      {kProfile + "/content", R"({"sortBy": "view"})", "did you mean 'views'"},
  };
  for (const auto& [path, body, detail] : cases) {
    const Reply reply = api().send("POST", path, body);
    EXPECT_EQ(reply.status, 400) << path << body << reply.text;
    EXPECT_EQ(reply.headers.get_or("Content-Type", ""), "application/problem+json");
    EXPECT_NE(reply.detail().find(detail), std::string::npos) << path << " " << body << "\n" << reply.detail();
  }
}

TEST_F(CoffeeTest, HostileRequests) {
  // Bodies too large, of another type, with too many filters; paths with odd bytes.
  EXPECT_EQ(api().send("POST", kSearch, std::string(70'000, ' ')).status, 413);
  EXPECT_EQ(api().send("POST", kSearch, "{}", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(api().send("POST", kSearch, "a=b", {{"Content-Type", "application/x-www-form-urlencoded"}}).status, 415);
  std::string many;
  for (int i = 0; i < 21; ++i)
    many += (i ? "," : "") + std::string(R"({"filterType": "EQ", "field": "title", "value": "x"})");
  EXPECT_EQ(api().send("POST", kSearch, "{\"filters\": [" + many + "]}").status, 400);
  EXPECT_EQ(api().send("POST", kSearch, std::string(40'000, '[')).status, 400);
  for (const char* path :
       {"/discovery-service/api/profile/YOUTUBE/%ff%fe", "/discovery-service/api/profile/YOUTUBE/a%00b",
        "/discovery-service/api/profile/YOUTUBE/%0a", "/discovery-service/api/profile/nocolon"})
    EXPECT_EQ(api().get(path).status, 400) << path;
  EXPECT_EQ(api().get("/discovery-service/api/profile/YOUTUBE/" + std::string(600, 'a')).status, 400);
  EXPECT_EQ(api().get("/discovery-service/api/profile/YOUTUBE/UC00001'%20OR%20'1'='1").status, 404);
  EXPECT_EQ(api().get("/discovery-service/api/profile/YOUTUBE/UCnone").status, 404);
  // A cursor with the right digest and made-up contents is the client's mistake, never ours.
  const Reply first = api().post(kSearch, {{"size", 3}});
  for (const char* change :
       {R"("v":"1")", R"("v":"abc")", R"("v":"99999999999999999999")", R"("v":7)", R"("i":null)"}) {
    std::string text = first.cursor();
    const auto decode = [](const std::string& in) {
      std::string bits, out;
      for (const char c : in) {
        const auto at = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_").find(c);
        for (int b = 5; b >= 0; --b) bits += at >> b & 1 ? '1' : '0';
      }
      for (size_t i = 0; i + 8 <= bits.size(); i += 8) out += char(std::stoi(bits.substr(i, 8), nullptr, 2));
      return out;
    };
    const auto encode = [](const std::string& in) {
      std::string bits, out;
      for (const char c : in)
        for (int b = 7; b >= 0; --b) bits += (static_cast<unsigned char>(c) >> b) & 1 ? '1' : '0';
      while (bits.size() % 6) bits += '0';
      for (size_t i = 0; i < bits.size(); i += 6)
        out += "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[std::stoul(bits.substr(i, 6), nullptr,
                                                                                             2)];
      return out;
    };
    json::object position = json::parse(decode(text)).as_object();
    const json::object with = json::parse("{" + std::string(change) + "}").as_object();
    for (const auto& each : with) position[each.key()] = each.value();
    const Reply reply = api().post(kSearch, {{"size", 3}, {"cursor", encode(json::serialize(position))}});
    EXPECT_EQ(reply.status, std::string(change) == R"("v":"1")" ? 200 : 400) << change << reply.text;
  }
  EXPECT_EQ(api().post(kSearch, {{"size", 3}, {"sortBy", "views"}, {"cursor", first.cursor()}}).status, 400);
  EXPECT_EQ(api().post(kBoard, {{"cursor", first.cursor()}}).status, 400);
  EXPECT_EQ(api().post(kSearch, {{"size", 3}, {"page", 2}, {"cursor", first.cursor()}}).status, 400);
}

TEST_F(CoffeeTest, PathsAndMethods) {
  EXPECT_EQ(api().get("/api/nothing").status, 404);
  EXPECT_EQ(api().post("/discovery-service/api/nothing").status, 404);
  const Reply wrong = api().get(kBoard);
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.get_or("Allow", ""), "OPTIONS, POST");
  EXPECT_EQ(api().send("DELETE", "/api/meta").status, 405);
  EXPECT_EQ(api().send("HEAD", "/api/meta").status, 200);
  EXPECT_EQ(api().get("/heartbeat").status, 200);
  const Reply traced = api().get("/api/meta", {{"X-Request-Id", "req-1"}});
  EXPECT_EQ(traced.headers.get_or("X-Request-Id", ""), "req-1");
  EXPECT_EQ(traced.headers.get_or("X-Content-Type-Options", ""), "nosniff");
  EXPECT_FALSE(api().get("/api/meta", {{"Origin", "https://example.com"}}).headers.get("Access-Control-Allow-Origin"));
  const std::string metrics = api().get("/metrics").text;
  EXPECT_NE(metrics.find(R"(route="/leaderboard-service/api/leaderboard/platform/{platform}")"), std::string::npos);
  EXPECT_NE(metrics.find("dalgona_coffee_query_seconds"), std::string::npos);
}

TEST_F(CoffeeTest, AWarehouseThatIsAwayIs503AndTheRestServes) {
  for (const std::string& path : {kProfile + "/timeseries", kProfile + "/content",
                                  std::string("/discovery-service/api/post/YOUTUBE/v00001_001/timeseries")}) {
    const auto started = std::chrono::steady_clock::now();
    const Reply reply = api().post(path);
    EXPECT_EQ(reply.status, 503) << reply.text;
    EXPECT_TRUE(reply.headers.get("Retry-After"));
    EXPECT_EQ(reply.headers.get_or("Content-Type", ""), "application/problem+json");
    EXPECT_EQ(reply.text.find("127.0.0.1"), std::string::npos) << reply.text;
    EXPECT_LT(std::chrono::steady_clock::now() - started, 10s);
  }
  EXPECT_EQ(api().get("/api/status").status, 503);
  EXPECT_EQ(api().post(kBoard).status, 200);
}

TEST_F(CoffeeTest, BeforeTheFirstPublicationThereIsNothing) {
  Database own(TestHome::shared().fresh_database());
  Role role = TestHome::shared().start_role("coffee", {{"postgres.url", own.url()}, {"warehouse.url", kNoWarehouse}});
  const Api mine(role.url());
  for (const json::object& body :
       {json::object{}, json::object{{"month", "2017-10"}}, json::object{{"category", "Music"}},
        json::object{{"language", "hi"}}, json::object{{"sortDir", "ASC"}}}) {
    const Reply reply = mine.post(kBoard, body);
    EXPECT_EQ(reply.status, 200) << reply.text;
    EXPECT_TRUE(reply.rows().empty());
    EXPECT_EQ(reply.total(), 0);
  }
  EXPECT_TRUE(mine.post(kBoard + "/posts").rows().empty());
  EXPECT_TRUE(mine.post(kSearch).rows().empty());
  EXPECT_EQ(json::serialize(mine.get("/api/meta").data().at("months")), "[]");
  EXPECT_EQ(role.stop(), 0);
}

TEST_F(CoffeeTest, ASwapUnderReadersIsNeverSeenHalf) {
  // stir's way: a twin takes the live table's name in one transaction.
  Database own(TestHome::shared().fresh_database());
  fill_accounts(own, kAccounts);
  publish(own, kMonths, 0);
  Role role = TestHome::shared().start_role("coffee", {{"postgres.url", own.url()}, {"warehouse.url", kNoWarehouse}});
  const Api mine(role.url());
  std::atomic<bool> done{false};
  std::thread swapper([&] {
    for (int i = 0; i < 40; ++i)
      own.execute(R"sql(
        DROP TABLE IF EXISTS coffee.leaderboard__old;
        BEGIN;
        CREATE TABLE coffee.leaderboard__twin (LIKE coffee.leaderboard INCLUDING ALL);
        INSERT INTO coffee.leaderboard__twin SELECT * FROM coffee.leaderboard;
        ALTER TABLE coffee.leaderboard RENAME TO leaderboard__old;
        ALTER TABLE coffee.leaderboard__twin RENAME TO leaderboard;
        COMMIT)sql");
    done = true;
  });
  int asked = 0;
  while (!done) {
    const Reply reply = mine.post(kBoard, {{"size", 100}});
    ASSERT_EQ(reply.status, 200) << reply.text;
    ASSERT_EQ(reply.rows().size(), 100u);
    ASSERT_EQ(reply.total(), kAccounts);
    ++asked;
  }
  swapper.join();
  EXPECT_GT(asked, 10);
  EXPECT_EQ(role.stop(), 0);
}

TEST_F(CoffeeTest, PostgresAwayIs503AndComesBack) {
  // A server of its own, so that stopping it hurts nobody else.
  TestHome home;
  Database own(home.fresh_database());
  Role role = home.start_role("coffee", {{"postgres.url", own.url()}, {"warehouse.url", kNoWarehouse}});
  const Api mine(role.url());
  ASSERT_EQ(mine.post(kBoard).status, 200);
  home.postgres().stop(std::chrono::seconds{10});
  const auto started = std::chrono::steady_clock::now();
  const Reply away = mine.post(kBoard);
  EXPECT_EQ(away.status, 503) << away.text;
  EXPECT_TRUE(away.headers.get("Retry-After"));
  EXPECT_LT(std::chrono::steady_clock::now() - started, 15s);
  EXPECT_EQ(mine.get("/heartbeat").status, 200);
  home.postgres().start(std::chrono::seconds{60});
  const auto until = std::chrono::steady_clock::now() + 20s;
  Reply back = mine.post(kBoard);
  while (back.status != 200 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(100ms);
    back = mine.post(kBoard);
  }
  EXPECT_EQ(back.status, 200) << back.text;
  EXPECT_EQ(role.stop(), 0);
}

}  // namespace
}  // namespace dalgona::test
