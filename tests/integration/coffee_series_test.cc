// coffee on the real engine: series, growth and counts straight from the rollups, and an engine that dies.
#include <set>

#include <fmt/format.h>

#include "base/resources.h"
#include "coffee_fixture.h"
#include "events/catalogue.h"
#include "events/ddl.h"
#include "warehouse/client.h"

namespace dalgona::test {
namespace {

using namespace std::chrono_literals;

constexpr int kSeriesAccounts = 60;
const std::string kProfiles = "/discovery-service/api/profile/YOUTUBE/";
const std::string kPosts = "/discovery-service/api/post/YOUTUBE/";

// The engine's side, from a test's thread.
class Warehouse {
 public:
  explicit Warehouse(const std::string& url) : client_(http_, url) {}
  void execute(const std::string& sql) { client_.query_blocking(sql, "TabSeparated"); }
  std::string query(const std::string& sql) { return client_.query_blocking(sql, "TabSeparated"); }
  void make_tables() {
    const auto catalogue = events::Catalogue::load(resource("config/streams"));
    for (const auto& sql : events::shared_ddl("")) execute(sql);
    for (const auto& stream : catalogue.streams())
      for (const auto& sql : events::stream_ddl(stream, "")) execute(sql);
  }
  // One observation; metrics as SQL ("NULL" for none).
  void profile_log(const std::string& id, const std::string& at, const std::string& followers, int64_t views,
                   int64_t uploads, const std::string& event = "generateUUIDv7()") {
    execute(
        fmt::format("INSERT INTO events.profile_log (event_id, source, platform, profile_id, event_timestamp, "
                    "followers, views, uploads) VALUES ({}, 'test', 'YOUTUBE', '{}', '{}', {}, {}, {})",
                    event, id, at, followers, views, uploads));
  }
  void post_log(const std::string& profile, const std::string& shortcode, const std::string& at, int64_t views,
                int64_t likes, int64_t comments) {
    execute(fmt::format(
        "INSERT INTO events.post_log (event_id, source, platform, profile_id, shortcode, event_timestamp, views, "
        "likes, comments) VALUES (generateUUIDv7(), 'test', 'YOUTUBE', '{}', '{}', '{}', {}, {}, {})",
        profile, shortcode, at, views, likes, comments));
  }

 private:
  http::Client http_;
  warehouse::Client client_;
};

class CoffeeSeriesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    home_ = std::make_unique<TestHome>();
    database_ = std::make_unique<Database>(home_->fresh_database());
    fill_accounts(*database_, kSeriesAccounts);
    home_->warehouse();
    role_ = std::make_unique<Role>(home_->start_role("coffee", {{"postgres.url", database_->url()}}));
    api_ = std::make_unique<Api>(role_->url());
    // Before the sink has made its tables.
    before_ = std::make_unique<Reply>(api_->get("/api/status"));
    before_series_ = std::make_unique<Reply>(api_->post(kProfiles + "UC00001/timeseries"));
    before_profile_ = std::make_unique<Reply>(api_->get(kProfiles + "UC00001"));
    warehouse_ = std::make_unique<Warehouse>(home_->warehouse_url());
    warehouse_->make_tables();
    publish(*database_, {"2017-09-01", "2017-10-01"}, 0);
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(role_->stop(), 0);
    warehouse_.reset();
    role_.reset();
    home_.reset();
  }
  static const Api& api() { return *api_; }
  static std::string series(const std::string& path, const json::object& body, std::vector<std::string> metrics) {
    const Reply reply = api().post(path, body);
    EXPECT_EQ(reply.status, 200) << reply.text;
    std::string text;
    for (const auto& row : reply.rows()) {
      text += field(row.as_object(), "date").substr(5) + (row.as_object().at("gap").as_bool() ? "g" : "");
      for (const auto& metric : metrics) text += " " + field(row.as_object(), metric);
      text += "; ";
    }
    return text;
  }
  static std::unique_ptr<TestHome> home_;
  static std::unique_ptr<Database> database_;
  static std::unique_ptr<Role> role_;
  static std::unique_ptr<Api> api_;
  static std::unique_ptr<Warehouse> warehouse_;
  static std::unique_ptr<Reply> before_, before_series_, before_profile_;
};
std::unique_ptr<TestHome> CoffeeSeriesTest::home_;
std::unique_ptr<Database> CoffeeSeriesTest::database_;
std::unique_ptr<Role> CoffeeSeriesTest::role_;
std::unique_ptr<Api> CoffeeSeriesTest::api_;
std::unique_ptr<Warehouse> CoffeeSeriesTest::warehouse_;
std::unique_ptr<Reply> CoffeeSeriesTest::before_, CoffeeSeriesTest::before_series_, CoffeeSeriesTest::before_profile_;

TEST_F(CoffeeSeriesTest, BeforeTheFirstLogThereIsNothing) {
  ASSERT_EQ(before_->status, 200) << before_->text;
  EXPECT_EQ(before_->data().at("profileLogs").as_int64(), 0);
  EXPECT_TRUE(before_->data().at("firstDate").is_null());
  EXPECT_TRUE(before_->data().at("publication").is_null());
  EXPECT_EQ(before_->data().at("profiles").as_int64(), kSeriesAccounts);
  ASSERT_EQ(before_series_->status, 200) << before_series_->text;
  EXPECT_TRUE(before_series_->rows().empty());
  ASSERT_EQ(before_profile_->status, 200) << before_profile_->text;
  EXPECT_TRUE(before_profile_->data().at("growth").at("7d").is_null());
  EXPECT_TRUE(before_profile_->data().at("ranks").is_null());
}

TEST_F(CoffeeSeriesTest, AnObservationShowsAtOnce) {
  const std::string path = kProfiles + "UC00002/timeseries";
  warehouse_->profile_log("UC00002", "2017-09-13 10:00:00", "5", 100, 1);
  EXPECT_EQ(series(path, {}, {"followers", "views", "uploads"}), "09-13 5 100 1; ");
  // The latest of a day stands, whatever the order of arrival; a hidden count is null.
  warehouse_->profile_log("UC00002", "2017-09-13 23:59:59", "9", 130, 2);
  warehouse_->profile_log("UC00002", "2017-09-13 11:00:00", "7", 110, 1);
  warehouse_->profile_log("UC00002", "2017-09-16 00:00:00", "NULL", 150, 3);
  EXPECT_EQ(series(path, {}, {"followers", "views", "uploads"}),
            "09-13 9 130 2; 09-14g 9 130 2; 09-15g 9 130 2; 09-16 null 150 3; ");
  EXPECT_EQ(series(path, {{"startDate", "2017-09-14"}, {"endDate", "2017-09-15"}}, {"views"}),
            "09-14g 130; 09-15g 130; ");
  EXPECT_EQ(series(path, {{"endDate", "2017-09-14"}}, {"views"}), "09-13 130; 09-14g 130; ");
  EXPECT_EQ(series(path, {{"startDate", "2018-01-01"}}, {"views"}), "");
  EXPECT_EQ(series(path, {{"startDate", "0001-01-01"}, {"endDate", "9999-12-31"}}, {"uploads"}),
            "09-13 2; 09-14g 2; 09-15g 2; 09-16 3; ");
}

TEST_F(CoffeeSeriesTest, IdsAreNeverPartOfAStatement) {
  for (const std::string id :
       {"' OR 1=1 --", "\\", "\\'", "a\"b", "{x:String}", "%", "\u0939\u093f", "a&b=c", "a+b", "a b", "null", "\\N"}) {
    SCOPED_TRACE(id);
    const std::string path = kProfiles + http::percent_encode(id) + "/timeseries";
    EXPECT_EQ(series(path, {}, {"views"}), "");
    std::string escaped;
    for (const char c : id) escaped += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
    warehouse_->profile_log(escaped, "2017-09-13 10:00:00", "1", 2, 3);
    EXPECT_EQ(series(path, {}, {"views"}), "09-13 2; ");
  }
}

TEST_F(CoffeeSeriesTest, AProfileHasGrowthAndRanks) {
  for (int day = 1; day <= 40; ++day)
    warehouse_->profile_log("UC00003",
                            fmt::format("2017-{:02}-{:02} 12:00:00", day <= 30 ? 9 : 10, day <= 30 ? day : day - 30),
                            std::to_string(100 + day), day * day, 1);
  const Reply reply = api().get(kProfiles + "UC00003");
  ASSERT_EQ(reply.status, 200) << reply.text;
  const json::object& growth = reply.data().at("growth").as_object();
  EXPECT_EQ(json::serialize(growth.at("7d")),
            R"({"followers":7,"views":511,"uploads":0,"startDate":"2017-10-03","endDate":"2017-10-10"})");
  EXPECT_EQ(json::serialize(growth.at("30d")),
            R"({"followers":30,"views":1500,"uploads":0,"startDate":"2017-09-10","endDate":"2017-10-10"})");
  EXPECT_TRUE(growth.at("90d").is_null());
  const auto want = database_->query(
      "SELECT now.followers_rank, now.views_change_rank_by_category, before.views_rank AS before FROM "
      "coffee.leaderboard now JOIN coffee.leaderboard before USING (platform, profile_id) "
      "WHERE now.profile_id = 'UC00003' AND now.month = '2017-10-01' AND before.month = '2017-09-01'");
  const json::object& ranks = reply.data().at("ranks").as_object();
  EXPECT_EQ(field(ranks, "month"), "2017-10-01");
  EXPECT_EQ(ranks.at("followersRank").as_int64(), want.integer(0, "followers_rank"));
  EXPECT_EQ(ranks.at("viewsChangeRankByCategory").as_int64(), want.integer(0, "views_change_rank_by_category"));
  EXPECT_EQ(ranks.at("previous").at("viewsRank").as_int64(), want.integer(0, "before"));
  EXPECT_EQ(field(reply.data(), "publishedAt"), "2010-01-04T00:00:21Z");
  EXPECT_EQ(api().get("/discovery-service/api/profile/YOUTUBE:UC00003").text, reply.text);
  EXPECT_EQ(api().get("/discovery-service/api/profile/YUTUBE:UC00003").status, 400);
}

TEST_F(CoffeeSeriesTest, PostsHaveSeriesGrowthAndOrders) {
  // Growth with ties: posts 1..20 of UC00004 grow by p % 4; the last has no log at all.
  std::vector<std::pair<int, std::string>> by_growth;
  for (int p = 1; p < 20; ++p) {
    const std::string shortcode = fmt::format("v00004_{:03}", p);
    warehouse_->post_log("UC00004", shortcode, "2017-09-13 10:00:00", 100, 1, 0);
    warehouse_->post_log("UC00004", shortcode, "2017-09-15 10:00:00", 100 + p % 4, 5, 2);
    by_growth.emplace_back(p % 4, shortcode);
  }
  std::sort(by_growth.begin(), by_growth.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  const std::string content = kProfiles + "UC00004/content";
  for (const bool ascending : {false, true}) {
    const auto rows =
        api().walk(content, {{"sortBy", "viewsGrowth"}, {"size", 3}, {"sortDir", ascending ? "ASC" : "DESC"}});
    ASSERT_EQ(rows.size(), by_growth.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto& [growth, shortcode] = by_growth[ascending ? rows.size() - 1 - i : i];
      EXPECT_EQ(field(rows[i], "shortcode"), shortcode);
      EXPECT_EQ(rows[i].at("viewsGrowth").as_int64(), growth);
    }
  }
  struct Case {
    std::string sort, column;
  };
  for (const auto& [sort, column] : {Case{"publishedAt", "published_at"}, Case{"views", "views"},
                                     Case{"likes", "coalesce(likes, -1)"}, Case{"comments", "comments"}})
    for (const std::string dir : {"ASC", "DESC"}) {
      const auto want = database_->query(
          fmt::format("SELECT video_id FROM beat.youtube_post WHERE channel_id = 'UC00004' ORDER BY {} {}, video_id {}",
                      column, dir, dir == "ASC" ? "DESC" : "ASC"));
      const auto rows = api().walk(content, {{"sortBy", sort}, {"sortDir", dir}, {"size", 7}});
      ASSERT_EQ(rows.size(), want.rows());
      for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(field(rows[i], "shortcode"), want.text(i, 0)) << sort << dir;
    }
  EXPECT_EQ(api().post(content, {{"page", 2}, {"size", 15}}).rows().size(), 5u);
  EXPECT_EQ(api().post(content, {{"size", 1}}).total(), 20);
  EXPECT_EQ(series(kPosts + "v00004_003/timeseries", {}, {"views", "likes", "comments"}),
            "09-13 100 1 0; 09-14g 100 1 0; 09-15 103 5 2; ");
  EXPECT_EQ(series(kPosts + "none/timeseries", {}, {"views"}), "");
  const Reply post = api().get(kPosts + "v00004_003");
  ASSERT_EQ(post.status, 200) << post.text;
  EXPECT_EQ(json::serialize(post.data().at("growth")),
            R"({"firstDate":"2017-09-13","lastDate":"2017-09-15","views":3,"likes":4,"comments":2})");
  EXPECT_EQ(json::serialize(post.data().at("tags")), R"(["tag3","a \"quoted\" tag"])");
  EXPECT_EQ(field(post.data(), "category"), "Entertainment");
  EXPECT_EQ(field(post.data(), "platformProfileId"), "UC00004");
  EXPECT_TRUE(api().get(kPosts + "v00004_020").data().at("growth").is_null());
  EXPECT_EQ(api().get(kPosts + "none").status, 404);
}

TEST_F(CoffeeSeriesTest, StatusCountsDistinctEvents) {
  const auto logs = [] { return api().get("/api/status").data().at("profileLogs").as_int64(); };
  // The figure is as old as ten times what it cost at most; a machine under load makes that a second.
  const auto becomes = [&](int64_t want) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    int64_t now = logs();
    while (now != want && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(20ms);
      now = logs();
    }
    return now;
  };
  const int64_t before = std::stoll(warehouse_->query("SELECT count() FROM events.profile_log"));
  ASSERT_EQ(becomes(before), before);
  const std::string event = "toUUID('018e5a52-7c1b-7000-8000-000000000001')";
  for (int i = 0; i < 3; ++i)
    warehouse_->profile_log("UC00005", fmt::format("2017-09-20 00:00:0{}", i), "1", 1, 1, event);
  EXPECT_EQ(becomes(before + 1), before + 1);
  // An old event has lost its id: every row counts.
  for (int i = 0; i < 2; ++i)
    warehouse_->profile_log("UC00005", fmt::format("2017-09-21 00:00:0{}", i), "1", 1, 1,
                            "toUUID('00000000-0000-0000-0000-000000000000')");
  EXPECT_EQ(becomes(before + 3), before + 3);
  const Reply reply = api().get("/api/status");
  EXPECT_TRUE(reply.data().at("publication").is_object());
  EXPECT_LE(field(reply.data(), "firstDate"), "2017-09-20");
  EXPECT_GE(field(reply.data(), "lastDate"), "2017-09-21");
  EXPECT_EQ(reply.data().at("posts").as_int64(), 400);
}

// Last: it kills the engine.
TEST_F(CoffeeSeriesTest, ZAnEngineThatDiesIs503AndComesBack) {
  const std::string path = kProfiles + "UC00002/timeseries";
  ASSERT_EQ(api().post(path).status, 200);
  home_->warehouse().kill();
  const auto started = std::chrono::steady_clock::now();
  const Reply away = api().post(path);
  EXPECT_EQ(away.status, 503) << away.text;
  EXPECT_TRUE(away.headers.get("Retry-After"));
  EXPECT_LT(std::chrono::steady_clock::now() - started, 10s);
  EXPECT_EQ(api().post("/leaderboard-service/api/leaderboard/platform/YOUTUBE").status, 200);
  home_->warehouse().start();
  const auto until = std::chrono::steady_clock::now() + 20s;
  Reply back = api().post(path);
  while (back.status != 200 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(100ms);
    back = api().post(path);
  }
  EXPECT_EQ(back.status, 200) << back.text;
  // It stands still rather than dies: nothing answers, and the limit ends the wait.
  ::kill(home_->warehouse().pid(), SIGSTOP);
  const auto frozen = std::chrono::steady_clock::now();
  const Reply stuck = api().post(path);
  ::kill(home_->warehouse().pid(), SIGCONT);
  EXPECT_EQ(stuck.status, 503) << stuck.text;
  EXPECT_LT(std::chrono::steady_clock::now() - frozen, 10s);
}

}  // namespace
}  // namespace dalgona::test
