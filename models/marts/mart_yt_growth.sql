{{ config(order_by='shortcode', tags=['core']) }}
-- How much each video gained between its first and its last snapshot.
with snapshots as (
    select
        platform,
        shortcode,
        argMax(series.profile_id, series.date) as owner,
        min(series.date) as first_date,
        max(series.date) as last_date,
        argMin(series.views, series.date) as first_views,
        argMax(series.views, series.date) as last_views,
        argMax(series.likes, series.date) - argMin(series.likes, series.date) as likes_growth,
        argMax(series.comments, series.date) - argMin(series.comments, series.date) as comments_growth
    from {{ source('events', 'post_series') }} as series
    where platform = 'YOUTUBE' and series.views is not null
    group by platform, shortcode
)

select
    s.platform as platform,
    s.shortcode as shortcode,
    s.owner as profile_id,
    coalesce(post.title, '') as title,
    coalesce(account.title, '') as channel_title,
    post.category as category,
    post.thumbnail_url as thumbnail_url,
    post.published_at as published_at,
    s.first_date as first_date,
    s.last_date as last_date,
    s.first_views as first_views,
    s.last_views as last_views,
    s.last_views - s.first_views as views_growth,
    s.likes_growth as likes_growth,
    s.comments_growth as comments_growth,
    row_number() over (order by s.last_views - s.first_views desc, s.shortcode) as growth_rank
from snapshots as s
left join {{ ref('stg_beat_youtube_post') }} as post on post.shortcode = s.shortcode
left join {{ ref('stg_beat_youtube_account') }} as account on account.profile_id = s.owner
settings join_use_nulls = 1
