#include "beat/process.h"

#include <fmt/format.h>

#include "base/metrics.h"
#include "beat/events.h"

namespace dalgona::beat {
namespace {

using Nullables = std::vector<std::optional<std::string>>;

// What a reply leaves out is kept from the reply before: parts of a reply are missing at times, and a hidden count is
// NULL because `followers` alone is taken as it is.
constexpr std::string_view kUpsertAccounts = R"sql(
  INSERT INTO beat.youtube_account AS a (channel_id, title, custom_url, description, country, thumbnail_url, published_at,
    uploads_playlist_id, followers, views, uploads, observed_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[])
  ON CONFLICT (channel_id) DO UPDATE SET
    title = coalesce(excluded.title, a.title), custom_url = coalesce(excluded.custom_url, a.custom_url),
    description = coalesce(excluded.description, a.description), country = coalesce(excluded.country, a.country),
    thumbnail_url = coalesce(excluded.thumbnail_url, a.thumbnail_url), published_at = coalesce(excluded.published_at, a.published_at),
    uploads_playlist_id = coalesce(excluded.uploads_playlist_id, a.uploads_playlist_id),
    followers = excluded.followers, views = coalesce(excluded.views, a.views), uploads = coalesce(excluded.uploads, a.uploads),
    observed_at = excluded.observed_at, updated_at = now()
  WHERE a.observed_at <= excluded.observed_at)sql";

// Tags come as JSON: arrays of arrays must be rectangular.
constexpr std::string_view kUpsertPosts = R"sql(
  INSERT INTO beat.youtube_post AS p (video_id, channel_id, title, description, tags, category_id, thumbnail_url, published_at,
    duration_seconds, views, likes, comments, observed_at)
  SELECT video_id, channel_id, title, description, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), category_id, thumbnail_url,
    published_at, duration_seconds, views, likes, comments, observed_at
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::timestamptz[], $9::int[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[])
    AS n(video_id, channel_id, title, description, tags, category_id, thumbnail_url, published_at, duration_seconds, views, likes,
         comments, observed_at)
  ON CONFLICT (video_id) DO UPDATE SET
    channel_id = coalesce(excluded.channel_id, p.channel_id), title = coalesce(excluded.title, p.title),
    description = coalesce(excluded.description, p.description), tags = excluded.tags,
    category_id = coalesce(excluded.category_id, p.category_id), thumbnail_url = coalesce(excluded.thumbnail_url, p.thumbnail_url),
    published_at = coalesce(excluded.published_at, p.published_at),
    duration_seconds = coalesce(excluded.duration_seconds, p.duration_seconds), views = coalesce(excluded.views, p.views),
    likes = coalesce(excluded.likes, p.likes), comments = coalesce(excluded.comments, p.comments),
    observed_at = excluded.observed_at, updated_at = now()
  WHERE p.observed_at <= excluded.observed_at)sql";

// PostgreSQL has no NUL in a text.
std::optional<std::string> clean(const std::optional<std::string>& text) {
  if (!text || text->find('\0') == std::string::npos) return text;
  std::string without = *text;
  std::erase(without, '\0');
  return without;
}

std::optional<std::string> number(const std::optional<int64_t>& value) {
  if (!value) return {};
  return std::to_string(*value);
}

// For columns of type int.
std::optional<std::string> small_number(const std::optional<int64_t>& value) {
  if (!value || *value > std::numeric_limits<int32_t>::max() || *value < std::numeric_limits<int32_t>::min()) return {};
  return std::to_string(*value);
}

std::optional<std::string> moment(const std::optional<Time>& value) {
  if (!value) return {};
  return to_iso(*value);
}

std::string tags_json(const std::vector<std::string>& tags) {
  boost::json::array all;
  for (const std::string& tag : tags) all.emplace_back(*clean(tag));
  return boost::json::serialize(all);
}

prometheus::Counter& logs_counter(const std::string& kind) {
  return metrics::counter("dalgona_beat_logs_total", "Logs published and confirmed", {{"kind", kind}});
}

}  // namespace

Task<void> upsert_accounts(postgres::Pool& pool, std::vector<const Observed<youtube::Profile>*> profiles) {
  // Always in the same order: two statements that meet would else hold one another's rows.
  std::sort(profiles.begin(), profiles.end(),
            [](const auto* a, const auto* b) { return a->what.channel_id < b->what.channel_id; });
  std::array<Nullables, 12> columns;
  for (const auto* observed : profiles) {
    const youtube::Profile& p = observed->what;
    size_t at = 0;
    for (auto& value : {clean(p.channel_id), clean(p.title), clean(p.custom_url), clean(p.description),
                        clean(p.country), clean(p.thumbnail_url), moment(p.published_at), clean(p.uploads_playlist_id),
                        number(p.followers), number(p.views), number(p.uploads), moment(observed->at)})
      columns[at++].push_back(value);
  }
  postgres::Params params;
  for (const Nullables& column : columns) params.push_back(postgres::array(column));
  co_await pool.query(kUpsertAccounts, std::move(params));
}

Task<void> upsert_posts(postgres::Pool& pool, std::vector<const Observed<youtube::Post>*> posts) {
  std::sort(posts.begin(), posts.end(),
            [](const auto* a, const auto* b) { return a->what.video_id < b->what.video_id; });
  std::array<Nullables, 13> columns;
  for (const auto* observed : posts) {
    const youtube::Post& p = observed->what;
    size_t at = 0;
    for (auto& value : {clean(p.video_id), clean(p.channel_id), clean(p.title), clean(p.description),
                        std::optional<std::string>(tags_json(p.tags)), small_number(p.category_id),
                        clean(p.thumbnail_url), moment(p.published_at), small_number(p.duration_seconds),
                        number(p.views), number(p.likes), number(p.comments), moment(observed->at)})
      columns[at++].push_back(value);
  }
  postgres::Params params;
  for (const Nullables& column : columns) params.push_back(postgres::array(column));
  co_await pool.query(kUpsertPosts, std::move(params));
}

Task<void> Processor::publish(const Lease& lease, const Harvest& harvest) {
  std::vector<std::string> profiles, posts;
  for (const auto& profile : harvest.profiles) profiles.push_back(profile_event(lease.id, harvest.source, profile));
  for (const auto& post : harvest.posts) posts.push_back(post_event(lease.id, harvest.source, post));
  // Somebody held this task before us and may have published just before he died.
  const bool resent = lease.token > 1;
  auto messages = pack("profile_log_events", profiles, events_per_message_, resent);
  for (auto& message : pack("post_log_events", posts, events_per_message_, resent))
    messages.push_back(std::move(message));
  if (messages.empty()) co_return;
  co_await publisher_.publish(std::move(messages));
  logs_counter("profile").Increment(double(profiles.size()));
  logs_counter("post").Increment(double(posts.size()));
}

Task<void> Processor::upsert(const Harvest& harvest) {
  std::vector<const Observed<youtube::Profile>*> profiles;
  for (const auto& profile : harvest.profiles) {
    profiles.push_back(&profile);
    if (profiles.size() == rows_per_statement_) co_await upsert_accounts(pool_, std::exchange(profiles, {}));
  }
  if (!profiles.empty()) co_await upsert_accounts(pool_, std::move(profiles));
  std::vector<const Observed<youtube::Post>*> posts;
  for (const auto& post : harvest.posts) {
    posts.push_back(&post);
    if (posts.size() == rows_per_statement_) co_await upsert_posts(pool_, std::exchange(posts, {}));
  }
  if (!posts.empty()) co_await upsert_posts(pool_, std::move(posts));
}

Task<void> Processor::process(const Lease& lease, const Harvest& harvest) {
  try {
    co_await publish(lease, harvest);
    co_await upsert(harvest);
  } catch (const Retryable& e) {
    throw StoreAway(e.what(), e.retry_after);
  }
}

}  // namespace dalgona::beat
