#include <fmt/format.h>

#include "../coffee_fixture.h"

namespace dalgona::test {

void fill_accounts(const Database& database, int accounts) {
  database.execute(fmt::format(R"sql(
    TRUNCATE beat.youtube_account, beat.youtube_post;
    INSERT INTO beat.youtube_account (channel_id, title, custom_url, description, country, thumbnail_url, published_at, followers, views, uploads, observed_at)
    SELECT 'UC' || lpad(n::text, 5, '0'),
           (ARRAY['Cooking', 'Gaming', 'Music', 'Travel', 'Science'])[1 + n % 5] || ' with ' || (ARRAY['Asha', 'Ben', 'Chitra', 'Dev'])[1 + n % 4] || ' ' || n,
           '@creator' || n, 'Description ' || n, (ARRAY['US', 'IN', 'BR', 'DE', NULL])[1 + n % 5], 'https://example.invalid/' || n || '.jpg',
           CASE WHEN n % 11 > 0 THEN timestamptz '2010-01-01 00:00:00+00' + n * interval '1 day 7 seconds' END,
           CASE WHEN n % 7 > 0 THEN (n * 7919) % 1000 END, n * 1000, n % 13, timestamptz '2017-10-22 12:00:00+00'
    FROM generate_series(1, {}) n;
    INSERT INTO beat.youtube_post (video_id, channel_id, title, tags, category_id, thumbnail_url, published_at, duration_seconds, views, likes, comments, observed_at)
    SELECT format('v%s_%s', lpad(c::text, 5, '0'), lpad(p::text, 3, '0')), 'UC' || lpad(c::text, 5, '0'), format('Video %s of %s', p, c),
           ARRAY['tag' || p, 'a "quoted" tag'], CASE WHEN p % 6 > 0 THEN 24 END, NULL, timestamptz '2017-09-01 00:00:00+00' + (p % 9) * interval '1 day', 60 + p,
           (p * 37) % 10 * 100, CASE WHEN p % 5 > 0 THEN p END, p % 3, timestamptz '2017-10-22 12:00:00+00'
    FROM generate_series(1, 20) c, generate_series(1, 20) p)sql",
                               accounts));
}

void publish(const Database& database, const std::vector<std::string>& months, int seed) {
  std::string all;
  for (const auto& month : months) all += (all.empty() ? "'" : ", '") + month + "'";
  database.execute(fmt::format(R"sql(
    BEGIN;
    TRUNCATE coffee.leaderboard, coffee.post_growth;
    CREATE TEMPORARY TABLE base ON COMMIT DROP AS
      SELECT 'YOUTUBE'::text AS platform, m::date AS month, channel_id AS profile_id, custom_url AS handle, title, thumbnail_url, country,
             CASE WHEN n % 9 > 0 THEN (ARRAY['Comedy', 'Music', 'Education'])[1 + n % 3] END AS category,
             CASE WHEN n % 4 = 0 THEN 'hi' WHEN n % 4 = 1 THEN 'en' END AS language,
             followers, CASE WHEN n % 7 > 0 THEN (n * 31 * (1 + {1}) + extract(month FROM m::date)::int) % 17 - 5 END::bigint AS followers_change,
             views, (n * 13) % 101::bigint AS views_change, 10::bigint AS likes, 2::bigint AS comments, uploads, round((n % 50) / 10.0, 2)::float8 AS engagement_rate
      FROM (SELECT *, substr(channel_id, 3)::int AS n FROM beat.youtube_account) a, unnest(ARRAY[{0}]) m;
    INSERT INTO coffee.leaderboard
      SELECT *,
        row_number() OVER (w ORDER BY followers IS NULL, followers DESC, profile_id COLLATE "C"),
        row_number() OVER (w ORDER BY followers_change IS NULL, followers_change DESC, profile_id COLLATE "C"),
        row_number() OVER (w ORDER BY views IS NULL, views DESC, profile_id COLLATE "C"),
        row_number() OVER (w ORDER BY views_change IS NULL, views_change DESC, profile_id COLLATE "C"),
        CASE WHEN category IS NOT NULL THEN row_number() OVER (c ORDER BY followers IS NULL, followers DESC, profile_id COLLATE "C") END,
        CASE WHEN category IS NOT NULL THEN row_number() OVER (c ORDER BY followers_change IS NULL, followers_change DESC, profile_id COLLATE "C") END,
        CASE WHEN category IS NOT NULL THEN row_number() OVER (c ORDER BY views IS NULL, views DESC, profile_id COLLATE "C") END,
        CASE WHEN category IS NOT NULL THEN row_number() OVER (c ORDER BY views_change IS NULL, views_change DESC, profile_id COLLATE "C") END,
        '{{}}'::jsonb
      FROM base WINDOW w AS (PARTITION BY platform, month), c AS (PARTITION BY platform, month, category);
    UPDATE coffee.leaderboard now SET previous_ranks = jsonb_build_object(
        'followers_rank', b.followers_rank, 'followers_change_rank', b.followers_change_rank, 'views_rank', b.views_rank, 'views_change_rank', b.views_change_rank,
        'followers_rank_by_category', b.followers_rank_by_category, 'followers_change_rank_by_category', b.followers_change_rank_by_category,
        'views_rank_by_category', b.views_rank_by_category, 'views_change_rank_by_category', b.views_change_rank_by_category)
      FROM coffee.leaderboard b WHERE b.platform = now.platform AND b.profile_id = now.profile_id AND b.month = now.month - interval '1 month';
    INSERT INTO coffee.post_growth
      SELECT 'YOUTUBE', video_id, channel_id, title, 'Channel', CASE WHEN category_id IS NOT NULL THEN 'Entertainment' END, thumbnail_url, published_at, '2017-09-13', '2017-10-22',
             100, 100 + growth, growth, 1, 0, row_number() OVER (ORDER BY growth DESC, video_id COLLATE "C")
      FROM (SELECT *, (views * 7 * (1 + {1}) % 1900)::bigint AS growth FROM beat.youtube_post) p;
    INSERT INTO coffee.publication (snapshot_id, table_name, model, rows, object, started_at, finished_at)
      SELECT s, t, 'test', 0, 'test', now(), now() FROM (SELECT gen_random_uuid() AS s) s, unnest(ARRAY['coffee.leaderboard', 'coffee.post_growth']) t;
    COMMIT)sql",
                               all, seed));
}

}  // namespace dalgona::test
