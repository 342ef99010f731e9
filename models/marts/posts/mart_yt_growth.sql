-- Growth of each video from its first snapshot to its last. Ranked by growth of views; equal growth is ordered by id.
{{ config(order_by='(platform, growth_rank)') }}

with snapshots as (
    select
        platform,
        shortcode,
        argMax(profile_id, observed_at) as last_profile_id,
        min(date) as first_date,
        max(date) as last_date,
        argMin(views, observed_at) as first_views,
        argMax(views, observed_at) as last_views,
        argMax(likes, observed_at) - argMin(likes, observed_at) as likes_growth,
        argMax(comments, observed_at) - argMin(comments, observed_at) as comments_growth
    from {{ source('events', 'post_series') }}
    where platform = 'YOUTUBE'
    group by platform, shortcode
)

select
    s.platform as platform,
    s.shortcode as shortcode,
    s.last_profile_id as profile_id,
    p.title as title,
    a.title as channel_title,
    c.title as category,
    p.thumbnail_url as thumbnail_url,
    p.published_at as published_at,
    s.first_date as first_date,
    s.last_date as last_date,
    ifNull(s.first_views, 0) as first_views,
    ifNull(s.last_views, 0) as last_views,
    ifNull(s.last_views, 0) - ifNull(s.first_views, 0) as views_growth,
    ifNull(s.likes_growth, 0) as likes_growth,
    ifNull(s.comments_growth, 0) as comments_growth,
    row_number() over (partition by s.platform order by ifNull(s.last_views, 0) - ifNull(s.first_views, 0) desc, s.shortcode) as growth_rank
from snapshots as s
left join {{ ref('stg_beat_youtube_post') }} as p on p.shortcode = s.shortcode
left join {{ ref('stg_beat_youtube_account') }} as a on a.profile_id = s.last_profile_id
left join {{ ref('youtube_categories') }} as c on c.category_id = p.category_id
