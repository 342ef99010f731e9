#include "dalgona/demo_crawl.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/errors.h"
#include "base/resources.h"
#include "dalgona/process.h"

namespace dalgona {
namespace {

namespace json = boost::json;
using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kPoll = milliseconds{10};
constexpr size_t kIdsPerTask = 50;  // as many as the API takes in one call
// A task is tried that often before it counts as lost: faults of the platform are part of a demo.
constexpr int kMaxAttempts = 50;
constexpr int kModelAttempts = 10;

json::object task(const char* flow, std::string key, json::object params) {
  return {{"flow", flow},
          {"idempotency_key", std::move(key)},
          {"params", std::move(params)},
          {"max_attempts", kMaxAttempts}};
}

json::array slice(const std::vector<std::string>& ids, size_t from) {
  json::array some;
  for (size_t i = from; i < std::min(ids.size(), from + kIdsPerTask); ++i) some.emplace_back(ids[i]);
  return some;
}

std::string day_step(const std::string& day) {
  return "day-" + day;
}

}  // namespace

DemoCrawl::DemoCrawl(Options options, Config config, DemoProgress& progress)
    : options_(std::move(options)),
      config_(std::move(config)),
      progress_(progress),
      work_(context_.get_executor()),
      thread_([this] { context_.run(); }),
      pool_(std::make_unique<postgres::Pool>(
          context_.get_executor(),
          postgres::PoolOptions{.url = config_.text("postgres.url"), .application_name = "dalgona demo", .size = 2})) {}

DemoCrawl::~DemoCrawl() {
  pool_.reset();
  work_.reset();
  context_.stop();
  thread_.join();
}

void DemoCrawl::check_cancelled() const {
  if (cancelled_) throw Cancelled();
}

void DemoCrawl::pause(milliseconds time) const {
  for (const auto until = SteadyClock::now() + time; SteadyClock::now() < until;) {
    check_cancelled();
    std::this_thread::sleep_for(std::min(time, milliseconds{50}));
  }
}

template <typename F>
auto DemoCrawl::persist(const std::string& what, F f) -> decltype(f()) {
  const auto give_up = SteadyClock::now() + options_.patience;
  for (int attempt = 0;; ++attempt) {
    check_cancelled();
    std::string reason;
    try {
      return f();
    } catch (const Retryable& e) {
      reason = e.what();
    }
    if (SteadyClock::now() > give_up)
      throw Permanent(fmt::format("{}: given up after {} s: {}", what, options_.patience.count() / 1000, reason));
    if (attempt == 3) progress_.line(fmt::format("{:<12} tried again: {}", what, reason.substr(0, reason.find('\n'))));
    pause(std::min(milliseconds{1000}, milliseconds{20} * (1 << std::min(attempt, 6))));
  }
}

std::string DemoCrawl::service(const std::string& section) const {
  return fmt::format("http://127.0.0.1:{}", config_.integer(section + ".port"));
}

std::string DemoCrawl::prefix() const {
  return fmt::format("demo:{}:", options_.fingerprint);
}

std::string DemoCrawl::key(const std::string& step, const std::string& rest) const {
  return fmt::format("{}{}:{}", prefix(), step, rest);
}

json::value DemoCrawl::call(const std::string& method, const std::string& url, const json::value& body) {
  http::ClientRequest request;
  request.method = method;
  request.url = url;
  request.timeout = seconds{60};
  if (!body.is_null()) {
    request.headers.set("Content-Type", "application/json");
    request.body = json::serialize(body);
  }
  const http::ClientResponse reply = http_.send_blocking(std::move(request));
  const std::string said = fmt::format("{} {}: {} {}", method, url, reply.status, reply.body.substr(0, 300));
  if (reply.status == 429 || reply.status >= 500) throw Retryable(said);
  if (reply.status < 200 || reply.status > 299) throw Permanent(said);
  boost::system::error_code failed;
  json::value value = json::parse(reply.body, failed);
  if (failed) throw Permanent(said);
  return value;
}

postgres::Result DemoCrawl::query(const std::string& sql, std::vector<std::optional<std::string>> params) {
  return wait(context_.get_executor(), pool_->query(sql, std::move(params)));
}

void DemoCrawl::move_clock(const std::string& day, int hour) {
  persist("sandbox", [&] {
    const json::object time{{"now", fmt::format("{}T{:02}:00:00Z", day, hour)}};
    return call("PUT", service("sandbox") + "/sandbox/v1/time", time);
  });
}

void DemoCrawl::enqueue(const std::string& step, const json::array& tasks) {
  if (tasks.empty()) return;
  const json::value all = persist("beat", [&] { return call("POST", service("beat") + "/scrape_requests", tasks); });
  for (const auto& one : all.at("data").as_array()) add_id(step, one.at("id").to_number<int64_t>());
}

void DemoCrawl::add_id(const std::string& step, int64_t id) {
  const auto [range, is_new] = ids_.try_emplace(step, id, id);
  if (is_new) return;
  range->second.first = std::min(range->second.first, id);
  range->second.second = std::max(range->second.second, id);
}

// The rows of a step: by their ids first, because an order of texts that differs from ours would hide some.
std::vector<std::optional<std::string>> DemoCrawl::rows_of(const std::string& step) const {
  const auto range = ids_.find(step);
  if (range == ids_.end()) return {"1", "0", ""};
  return {std::to_string(range->second.first), std::to_string(range->second.second), key(step, "")};
}

DemoCrawl::Tasks DemoCrawl::tasks_of(const std::string& step) {
  return persist("postgres", [&] {
    const auto counts = query(
        "SELECT count(*) AS all, count(*) FILTER (WHERE status IN ('PENDING', 'PROCESSING')) AS open, "
        "count(*) FILTER (WHERE status = 'FAILED') AS failed FROM beat.scrape_request_log "
        "WHERE id BETWEEN $1::bigint AND $2::bigint AND starts_with(idempotency_key, $3::text)",
        rows_of(step));
    return Tasks{counts.integer(0, "all"), counts.integer(0, "open"), counts.integer(0, "failed")};
  });
}

// beat says nothing when a task ends, so its row is looked at again and again.
void DemoCrawl::wait_for_tasks(const std::string& step, const std::string& saying) {
  auto moved = SteadyClock::now();
  int64_t last_open = -1;
  for (;;) {
    const Tasks tasks = tasks_of(step);
    if (tasks.failed > 0) {
      const auto row = persist("postgres", [&] {
        return query(
            "SELECT flow, reason FROM beat.scrape_request_log WHERE status = 'FAILED' AND id BETWEEN $1::bigint AND "
            "$2::bigint AND starts_with(idempotency_key, $3::text) ORDER BY id LIMIT 1",
            rows_of(step));
      });
      throw Permanent(fmt::format("{} of {} tasks failed for good; the first, {}: {}", tasks.failed, tasks.all,
                                  row.rows() ? row.text(0, "flow") : "",
                                  row.rows() ? row.text(0, "reason") : "its row is gone"));
    }
    if (tasks.open == 0) return;
    if (tasks.open != last_open) moved = SteadyClock::now();
    last_open = tasks.open;
    if (SteadyClock::now() - moved > options_.patience)
      throw Permanent(fmt::format("no task of {} has ended for {} s, {} are open: `dalgona beat tasks` shows them",
                                  step, options_.patience.count() / 1000, tasks.open));
    progress_.now(fmt::format("{}, {} of {} tasks done", saying, tasks.all - tasks.open, tasks.all));
    pause(kPoll);
  }
}

void DemoCrawl::crawl_day(size_t index) {
  const std::string& day = days_[index];
  const std::string saying = fmt::format("day {} of {}, {}", index + 1, days_.size(), day);
  move_clock(day, 12);
  enqueue(day_step(day), {task("refresh_yt_posts_by_genre", key(day_step(day), "chart"),
                               {{"region_code", "US"}, {"max_pages", 100}})});
  wait_for_tasks(day_step(day), saying);
  const auto rows = persist("postgres", [&] {
    return query("SELECT DISTINCT channel_id FROM beat.youtube_post WHERE channel_id IS NOT NULL ORDER BY channel_id");
  });
  json::array tasks;
  for (size_t i = 0; i < rows.rows(); ++i) {
    const std::string channel(rows.text(i, "channel_id"));
    if (seen_.insert(channel).second)
      tasks.push_back(task("refresh_yt_posts_by_channel_id", key(day_step(day), "channel-" + channel),
                           {{"channel_id", channel}, {"max_pages", 400}}));
  }
  // Those too that no video belongs to any more.
  const std::vector<std::string> channels(seen_.begin(), seen_.end());
  for (size_t from = 0; from < channels.size(); from += kIdsPerTask)
    tasks.push_back(task("refresh_yt_profiles", key(day_step(day), fmt::format("profiles-{}", from)),
                         {{"channel_ids", slice(channels, from)}}));
  // One call, one transaction: either all of the day's second half is in the queue or nothing of it.
  enqueue(day_step(day), tasks);
  wait_for_tasks(day_step(day), saying);
}

void DemoCrawl::crawl() {
  const json::value population =
      persist("sandbox", [&] { return call("GET", service("sandbox") + "/sandbox/v1/population"); });
  for (const auto& day : population.at("days").as_array()) days_.emplace_back(day.as_string());
  if (days_.empty()) throw InvalidInput("the dataset has no day");
  progress_.now(fmt::format("{} videos of {} channels over {} days", population.at("videos").to_number<int64_t>(),
                            population.at("channels").to_number<int64_t>(), days_.size()));

  // What an earlier run on this home has done.
  const auto before = persist("postgres", [&] {
    return query(
        "SELECT split_part(idempotency_key, ':', 3) AS step, min(id) AS first, max(id) AS last, count(*) FILTER (WHERE "
        "status <> 'COMPLETE') AS open, "
        "bool_or(flow = 'refresh_yt_profiles') AS halved, coalesce(array_to_json(array_agg(params->>'channel_id') "
        "FILTER (WHERE flow = 'refresh_yt_posts_by_channel_id')), '[]') AS channels FROM beat.scrape_request_log "
        "WHERE starts_with(idempotency_key, $1::text) GROUP BY 1",
        {prefix()});
  });
  std::set<std::string> ended, begun;
  for (size_t i = 0; i < before.rows(); ++i) {
    const std::string step(before.text(i, "step"));
    const json::value channels = json::parse(before.text(i, "channels"));
    for (const auto& channel : channels.as_array()) seen_.insert(std::string(channel.as_string()));
    add_id(step, before.integer(i, "first"));
    add_id(step, before.integer(i, "last"));
    if (!before.flag(i, "halved")) continue;
    (before.integer(i, "open") == 0 ? ended : begun).insert(step);
  }
  size_t skipped = 0;
  for (size_t index = 0; index < days_.size(); ++index) {
    const std::string step = day_step(days_[index]);
    if (ended.contains(step)) {
      ++skipped;
      continue;
    }
    if (begun.contains(step)) {  // all its tasks are in the queue already
      move_clock(days_[index], 12);
      wait_for_tasks(step, fmt::format("day {} of {}", index + 1, days_.size()));
      continue;
    }
    crawl_day(index);
  }
  if (skipped) progress_.line(fmt::format("{:<12} {} days were done by an earlier run on this home", "crawl", skipped));

  const std::string last = "last";
  if (tasks_of(last).all == 0) {
    move_clock(days_.back(), 18);
    const auto rows =
        persist("postgres", [&] { return query("SELECT video_id FROM beat.youtube_post ORDER BY video_id"); });
    std::vector<std::string> videos;
    for (size_t i = 0; i < rows.rows(); ++i) videos.emplace_back(rows.text(i, "video_id"));
    json::array tasks;
    for (size_t from = 0; from < videos.size(); from += kIdsPerTask)
      tasks.push_back(
          task("refresh_yt_posts", key(last, fmt::format("posts-{}", from)), {{"video_ids", slice(videos, from)}}));
    enqueue(last, tasks);
  }
  wait_for_tasks(last, "every video once more");
}

void DemoCrawl::wait_for_rows() {
  const auto sums = persist("postgres", [&] {
    return query(
        "SELECT coalesce(sum((data->>'profiles')::bigint), 0)::bigint AS profiles, "
        "coalesce(sum((data->>'posts')::bigint), 0)::bigint AS posts FROM beat.scrape_request_log "
        "WHERE status = 'COMPLETE' AND starts_with(idempotency_key, $1::text)",
        {prefix()});
  });
  const int64_t profiles = sums.integer(0, "profiles"), posts = sums.integer(0, "posts");
  auto moved = SteadyClock::now();
  int64_t last = -1;
  for (;;) {
    const json::value status = persist("coffee", [&] { return call("GET", service("coffee") + "/api/status"); });
    const auto has_profiles = status.at("data").at("profileLogs").to_number<int64_t>();
    const auto has_posts = status.at("data").at("postLogs").to_number<int64_t>();
    const std::string text = fmt::format("{} of {} logs of profiles and {} of {} logs of posts can be asked for",
                                         has_profiles, profiles, has_posts, posts);
    progress_.now(text);
    if (has_profiles >= profiles && has_posts >= posts) return;
    if (has_profiles + has_posts != last) moved = SteadyClock::now();
    last = has_profiles + has_posts;
    if (SteadyClock::now() - moved > options_.patience)
      throw Permanent(fmt::format("{}; nothing has come for {} s", text, options_.patience.count() / 1000));
    pause(kPoll);
  }
}

// As a command of its own, because there a run that fails ends at once, and the demo decides when to try again.
void DemoCrawl::run_models() {
  for (int attempt = 1;; ++attempt) {
    check_cancelled();
    progress_.now(attempt == 1 ? "models, their tests, publication" : fmt::format("attempt {}", attempt));
    Command command;
    command.argv = {self_path().string(), "stir", "dag", "run", "core", "--home", options_.home.string()};
    if (!options_.config_file.empty())
      command.argv.insert(command.argv.end(), {"--config", options_.config_file.string()});
    command.environment = Config::process_environment();
    command.environment[std::string(kHomeMark)] = options_.home.string();
    command.log = options_.home / "logs" / "demo-models.log";
    Process process(command);
    while (!process.wait(milliseconds{50}))
      if (cancelled_) process.stop(seconds{2});
    check_cancelled();
    const int code = process.wait(milliseconds{0}).value_or(127);
    if (code == 0) return;
    const std::string why =
        fmt::format("stir: {}; see {}:\n{}", describe_exit(code), command.log.string(), last_lines(command.log, 4));
    if (attempt == kModelAttempts || code == 2) throw Permanent(why);
    progress_.line(fmt::format("{:<12} tried again: {}", "models", why));
    pause(seconds{1});
  }
}

}  // namespace dalgona
