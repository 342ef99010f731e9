// The marts over random logs, against values that this file works out by itself from the same logs: nulls, gaps, ties,
// months that nobody saw, doubled and late deliveries.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>

#include "stir_fixture.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;
using Value = std::optional<int64_t>;
using std::chrono::days;
using std::chrono::sys_days;

struct ProfileLog {
  std::string id;
  sys_days day;
  int second;
  Value followers, views, uploads;
};
struct PostLog {
  std::string shortcode, owner;
  sys_days day;
  int second;
  Value views, likes, comments;
};
struct Post {
  std::string shortcode, owner;
  int category;
};

std::string text(Value value) {
  return value ? std::to_string(*value) : "";
}
std::string text(sys_days day) {
  const std::chrono::year_month_day date{day};
  return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()));
}
std::string month_of(sys_days day) {
  return text(day).substr(0, 7) + "-01";
}
bool follows(const std::string& month, const std::string& before) {
  const int a = std::stoi(month.substr(0, 4)) * 12 + std::stoi(month.substr(5, 2));
  const int b = std::stoi(before.substr(0, 4)) * 12 + std::stoi(before.substr(5, 2));
  return a == b + 1;
}
Value minus(Value a, Value b) {
  return a && b ? Value(*a - *b) : Value();
}

// The last observation of a day: the latest time at which the metric was there, the larger of two at one time.
template <typename Log>
Value last_of(const std::vector<Log>& logs, Value Log::*metric) {
  std::pair<int, Value> best{-1, {}};
  for (const auto& log : logs)
    if (log.*metric && (log.second > best.first || (log.second == best.first && *(log.*metric) > *best.second)))
      best = {log.second, log.*metric};
  return best.second;
}

struct Day {
  Value a, b, c;  // followers, views, uploads; of posts: views, likes, comments
};
template <typename Log>
std::map<sys_days, Day> series(const std::vector<Log>& logs, Value Log::*a, Value Log::*b, Value Log::*c) {
  std::map<sys_days, std::vector<Log>> by_day;
  for (const auto& log : logs) by_day[log.day].push_back(log);
  std::map<sys_days, Day> all;
  for (const auto& [day, of_day] : by_day) all[day] = {last_of(of_day, a), last_of(of_day, b), last_of(of_day, c)};
  return all;
}

class StirMarts : public StirHome {
 protected:
  void make_logs(uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&](int64_t low, int64_t high) {
      return std::uniform_int_distribution<int64_t>(low, high)(random);
    };
    const auto maybe = [&](int64_t value) { return pick(0, 5) == 0 ? Value() : Value(value); };
    const sys_days start = std::chrono::year{2024} / 1 / 20;  // over a leap day and three changes of month
    for (int c = 0; c < 25; ++c) {
      const std::string id = fmt::format("UC{:02}", c);
      int64_t views = pick(0, 1000);
      for (int d = 0; d < 80; ++d) {
        if (pick(0, 3) == 0 || (c % 5 == 0 && d > 15 && d < 60)) continue;  // some miss all of February
        for (int64_t n = pick(1, 2); n > 0; --n) {
          views += pick(0, 3);
          // No two of one moment: which of them counts is nobody's promise.
          const int second = int(2 * pick(0, 1) + n % 2);
          profiles_.push_back({id, start + days{d}, second, maybe(pick(0, 4)), maybe(views), maybe(pick(0, 9))});
        }
      }
      for (int v = 0; v < 4; ++v) {
        const std::string shortcode = fmt::format("v{:02}{}", (c * 7) % 25, v);
        posts_.push_back({shortcode, id, int(std::array<int64_t, 4>{10, 24, 1, 999}[size_t(pick(0, 3))])});
        for (int d = int(pick(0, 30)); d < 80; d += int(pick(1, 20)))
          post_logs_.push_back({shortcode, id, start + days{d}, int(pick(0, 3)), maybe(pick(0, 6)), maybe(pick(0, 3)),
                                maybe(pick(0, 3))});
      }
    }
    std::shuffle(profiles_.begin(), profiles_.end(), random);
    std::shuffle(post_logs_.begin(), post_logs_.end(), random);
  }

  static void put(json::object& row, const char* name, Value value) {
    if (value)
      row[name] = *value;
    else
      row[name] = nullptr;
  }
  static std::string at(sys_days day, int second) { return fmt::format("{} 12:00:{:02}", text(day), second); }

  // `doubled`: as if each tenth message had been delivered twice.
  void insert(size_t from, size_t to, bool doubled) {
    std::string profile_rows, post_rows;
    const auto add = [&](std::string& rows, json::object row, size_t i) {
      row["source"] = "s";
      row["platform"] = "YOUTUBE";
      row["event_id"] = fmt::format("00000000-0000-4000-8000-{:012}", i);
      const std::string line = json::serialize(row) + "\n";
      rows += line;
      if (doubled && i % 10 == 0) rows += line;
    };
    for (size_t i = from * profiles_.size() / 100; i < to * profiles_.size() / 100; ++i) {
      const auto& log = profiles_[i];
      json::object row{{"profile_id", log.id}, {"event_timestamp", at(log.day, log.second)}};
      put(row, "followers", log.followers);
      put(row, "views", log.views);
      put(row, "uploads", log.uploads);
      add(profile_rows, std::move(row), i);
    }
    for (size_t i = from * post_logs_.size() / 100; i < to * post_logs_.size() / 100; ++i) {
      const auto& log = post_logs_[i];
      json::object row{
          {"profile_id", log.owner}, {"shortcode", log.shortcode}, {"event_timestamp", at(log.day, log.second)}};
      put(row, "views", log.views);
      put(row, "likes", log.likes);
      put(row, "comments", log.comments);
      add(post_rows, std::move(row), i);
    }
    (void)kitchen_->warehouse().insert_blocking("events.profile_log", "JSONEachRow", profile_rows);
    (void)kitchen_->warehouse().insert_blocking("events.post_log", "JSONEachRow", post_rows);
  }

  void insert_accounts() {
    std::string sql;
    std::set<std::string> ids;
    for (const auto& log : profiles_) ids.insert(log.id);
    for (const auto& id : ids)
      sql += fmt::format(
          "INSERT INTO beat.youtube_account (channel_id, title, observed_at) VALUES ('{0}', E'{0}\\\\ \\n\\t\"', "
          "now());",
          id);
    for (const auto& post : posts_)
      sql += fmt::format(
          "INSERT INTO beat.youtube_post (video_id, channel_id, title, category_id, observed_at) VALUES ('{}', '{}', "
          "'t', {}, now());",
          post.shortcode, post.owner, post.category);
    postgres(sql);
  }

  std::map<std::string, std::map<sys_days, Day>> profile_series() const {
    std::map<std::string, std::vector<ProfileLog>> logs;
    for (const auto& log : profiles_) logs[log.id].push_back(log);
    std::map<std::string, std::map<sys_days, Day>> all;
    for (const auto& [id, of_id] : logs)
      all[id] = series(of_id, &ProfileLog::followers, &ProfileLog::views, &ProfileLog::uploads);
    return all;
  }
  std::map<std::string, std::map<sys_days, Day>> post_series() const {
    std::map<std::string, std::vector<PostLog>> logs;
    for (const auto& log : post_logs_) logs[log.shortcode].push_back(log);
    std::map<std::string, std::map<sys_days, Day>> all;
    for (const auto& [shortcode, of_post] : logs)
      all[shortcode] = series(of_post, &PostLog::views, &PostLog::likes, &PostLog::comments);
    return all;
  }

  std::string expected_time_series() const {
    std::string out;
    for (const auto& [id, by_day] : profile_series())
      for (auto at = by_day.begin(); at != by_day.end(); ++at) {
        const auto next = std::next(at);
        const sys_days end = next == by_day.end() ? at->first + days{1} : next->first;
        for (sys_days day = at->first; day < end; day += days{1})
          out += fmt::format("{}|{}|{}|{}|{}|{}\n", id, text(day), text(at->second.a), text(at->second.b),
                             text(at->second.c), day == at->first ? "f" : "t");
      }
    return out;
  }

  std::string expected_growth() const {
    struct Row {
      std::string shortcode, rest;
      int64_t growth;
    };
    std::vector<Row> rows;
    for (const auto& [shortcode, by_day] : post_series()) {
      std::optional<std::pair<sys_days, int64_t>> first, last;
      Value first_likes, last_likes, first_comments, last_comments;
      for (const auto& [day, values] : by_day) {
        if (!values.a) continue;
        if (!first) first = {day, *values.a};
        last = {day, *values.a};
        if (values.b && !first_likes) first_likes = values.b;
        if (values.b) last_likes = values.b;
        if (values.c && !first_comments) first_comments = values.c;
        if (values.c) last_comments = values.c;
      }
      if (!first) continue;
      rows.push_back(
          {shortcode,
           fmt::format("{}|{}|{}|{}|{}|{}", text(first->first), text(last->first), first->second, last->second,
                       text(minus(last_likes, first_likes)), text(minus(last_comments, first_comments))),
           last->second - first->second});
    }
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return std::pair(-a.growth, a.shortcode) < std::pair(-b.growth, b.shortcode);
    });
    std::string out;
    for (size_t i = 0; i < rows.size(); ++i)
      out += fmt::format("{}|{}|{}|{}\n", rows[i].shortcode, rows[i].rest, rows[i].growth, i + 1);
    return out;
  }

  struct Standing {
    std::string id, month, category;
    Value followers, views, uploads, followers_change, views_change;
    int64_t likes = 0, comments = 0, post_views = 0;
    std::array<int64_t, 8> ranks{};  // followers, change, views, change; then by category
  };

  std::string category_of(const std::string& id) const {
    const std::map<int, std::string> names{{10, "Music"}, {24, "Entertainment"}, {1, "Film & Animation"}};
    std::map<std::string, int> counts;
    for (const auto& post : posts_)
      if (post.owner == id && names.contains(post.category)) ++counts[names.at(post.category)];
    std::string best;
    for (const auto& [name, count] : counts)
      if (best.empty() || count >= counts[best]) best = name;  // ties: the later name
    return best;
  }

  std::string expected_leaderboard() const {
    std::vector<Standing> all;
    const auto of_posts = post_series();
    for (const auto& [id, by_day] : profile_series()) {
      std::map<std::string, std::vector<Day>> months;
      for (const auto& [day, values] : by_day) months[month_of(day)].push_back(values);
      std::optional<Standing> before;
      for (const auto& [month, values] : months) {
        Standing s;
        s.id = id;
        s.month = month;
        s.category = category_of(id);
        Value first_followers, first_views;
        for (const auto& v : values) {
          if (v.a && !first_followers) first_followers = v.a;
          if (v.b && !first_views) first_views = v.b;
          if (v.a) s.followers = v.a;
          if (v.b) s.views = v.b;
          if (v.c) s.uploads = v.c;
        }
        const bool whole = before && follows(month, before->month);
        s.followers_change = minus(s.followers, whole ? before->followers : first_followers);
        s.views_change = minus(s.views, whole ? before->views : first_views);
        for (const auto& post : posts_) {
          if (post.owner != id) continue;
          const auto logged = of_posts.find(post.shortcode);
          if (logged == of_posts.end()) continue;
          Value views, likes, comments;
          for (const auto& [day, v] : logged->second) {
            if (month_of(day) != month) continue;
            if (v.a) views = v.a;
            if (v.b) likes = v.b;
            if (v.c) comments = v.c;
          }
          s.post_views += views.value_or(0);
          s.likes += likes.value_or(0);
          s.comments += comments.value_or(0);
        }
        before = s;
        all.push_back(s);
      }
    }
    rank(all);
    std::map<std::pair<std::string, std::string>, Standing> by_key;
    for (const auto& s : all) by_key[{s.month, s.id}] = s;
    std::string out;
    for (const auto& [key, s] : by_key) {
      std::string previous;
      for (const auto& [other, p] : by_key)
        if (p.id == s.id && follows(s.month, p.month))
          previous = std::to_string(p.ranks[0]) + "," + std::to_string(p.ranks[3]);
      const double rate = s.post_views > 0 ? double(s.likes + s.comments) / double(s.post_views) * 100 : 0;
      out += fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{:.2f}|{}|{}|{}|{}|{}|{}\n", s.month, s.id, s.category,
                         text(s.followers), text(s.followers_change), text(s.views), text(s.views_change), s.likes,
                         s.comments, text(s.uploads), rate, s.ranks[0], s.ranks[1], s.ranks[2], s.ranks[3],
                         s.category.empty() ? "" : std::to_string(s.ranks[4]) + "," + std::to_string(s.ranks[7]),
                         previous);
    }
    return out;
  }

  // Place of each among those of its month: largest first, those without a value last, ties by id.
  static void rank(std::vector<Standing>& all) {
    const std::array<Value Standing::*, 4> metrics{&Standing::followers, &Standing::followers_change, &Standing::views,
                                                   &Standing::views_change};
    for (auto& s : all)
      for (size_t m = 0; m < metrics.size(); ++m) {
        const auto key = [&](const Standing& x) {
          return std::tuple(!(x.*metrics[m]), -(x.*metrics[m]).value_or(0), x.id);
        };
        for (const auto& other : all) {
          if (other.month != s.month || !(key(other) <= key(s))) continue;
          ++s.ranks[m];
          if (other.category == s.category) ++s.ranks[m + 4];
        }
      }
  }

  Kitchen::Outcome cook() {
    return run_alone<Kitchen::Outcome>([&](asio::io_context& context) -> Task<Kitchen::Outcome> {
      const auto pool = kitchen_->open_postgres(context.get_executor());
      Kitchen::Request request;
      request.select.emplace_back("tag:core");
      const auto dags = kitchen_->dags();
      co_return co_await kitchen_->cook(request, dags.at("core").publish, pool.get());
    });
  }

  std::vector<ProfileLog> profiles_;
  std::vector<PostLog> post_logs_;
  std::vector<Post> posts_;
};

TEST_F(StirMarts, AgreeWithWhatTheLogsSay) {
  make_logs(42);
  insert_accounts();
  // Half of the logs, a run, then the other half: what came late counts as if it had come in time.
  insert(0, 50, true);
  ASSERT_TRUE(cook().ok);
  insert(50, 100, true);
  insert(0, 10, false);
  const auto outcome = cook();
  ASSERT_TRUE(outcome.ok) << outcome.error;
  const auto observed = rows("SELECT count(*) FROM beat.youtube_account");
  EXPECT_EQ(observed, "25\n");
  EXPECT_EQ(rows("SELECT profile_id, date, followers, views, uploads, is_gap FROM coffee.time_series "
                 "ORDER BY profile_id COLLATE \"C\", 2"),
            expected_time_series());
  EXPECT_EQ(rows("SELECT shortcode, first_date, last_date, first_views, last_views, likes_growth, comments_growth, "
                 "views_growth, "
                 "growth_rank FROM coffee.post_growth ORDER BY growth_rank"),
            expected_growth());
  EXPECT_EQ(rows("SELECT month, profile_id, category, followers, followers_change, views, views_change, likes, "
                 "comments, uploads, "
                 "to_char(engagement_rate, 'FM99990.00'), followers_rank, followers_change_rank, views_rank, "
                 "views_change_rank, "
                 "followers_rank_by_category || ',' || views_change_rank_by_category, "
                 "(previous_ranks->>'followers_rank') || ',' || "
                 "(previous_ranks->>'views_change_rank') FROM coffee.leaderboard ORDER BY 1, profile_id COLLATE \"C\""),
            expected_leaderboard());
  EXPECT_EQ(rows("SELECT count(*) FROM coffee.leaderboard l JOIN beat.youtube_account a ON a.channel_id = l.profile_id "
                 "WHERE l.title "
                 "IS DISTINCT FROM a.title"),
            "0\n");
  // One observation stays one, however often it was delivered.
  std::set<std::tuple<std::string, sys_days, int>> distinct;
  for (const auto& log : profiles_) distinct.insert({log.id, log.day, log.second});
  EXPECT_EQ(ask("SELECT count() FROM dbt.stg_beat_profile_log"), std::to_string(distinct.size()) + "\n");
}

}  // namespace
}  // namespace dalgona::stir
