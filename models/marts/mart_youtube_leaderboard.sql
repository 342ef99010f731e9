{{ config(order_by='(month, profile_id)', tags=['core']) }}
-- A creator's month on YouTube: what stood at its end, and what changed since the end of the month before; in a creator's first month, since its
-- first observation.
with months as (
    select
        platform,
        profile_id,
        toStartOfMonth(series.date) as month,
        argMinIf(series.followers, series.date, series.followers is not null) as first_followers,
        argMaxIf(series.followers, series.date, series.followers is not null) as followers,
        argMinIf(series.views, series.date, series.views is not null) as first_views,
        argMaxIf(series.views, series.date, series.views is not null) as views,
        argMaxIf(series.uploads, series.date, series.uploads is not null) as uploads
    from {{ source('events', 'profile_series') }} as series
    where platform = 'YOUTUBE'
    group by platform, profile_id, month
),

before as (
    select
        *,
        lagInFrame(toNullable(month)) over w as previous_month,
        lagInFrame(toNullable(followers)) over w as previous_followers,
        lagInFrame(toNullable(views)) over w as previous_views
    from months
    window w as (partition by platform, profile_id order by month rows between unbounded preceding and current row)
),

-- Likes and comments of a creator's posts, as they stood at the end of the month.
posts as (
    select
        profile_id,
        month,
        sum(likes_then) as likes,
        sum(comments_then) as comments,
        sum(views_then) as post_views
    from (
        select
            profile_id,
            shortcode,
            toStartOfMonth(series.date) as month,
            argMaxIf(series.likes, series.date, series.likes is not null) as likes_then,
            argMaxIf(series.comments, series.date, series.comments is not null) as comments_then,
            argMaxIf(series.views, series.date, series.views is not null) as views_then
        from {{ source('events', 'post_series') }} as series
        where platform = 'YOUTUBE'
        group by profile_id, shortcode, month
    )
    group by profile_id, month
),

-- The category that most of a creator's posts are in; ties by name.
categories as (
    select profile_id, argMax(category, (posts_in, category)) as category
    from (
        -- Names are qualified: an alias stands before the column of the same name, and `category` would never be null.
        select profile_id, assumeNotNull(post.category) as category, count() as posts_in
        from {{ ref('stg_beat_youtube_post') }} as post
        where post.category is not null
        group by profile_id, category
    )
    group by profile_id
)

select
    m.platform as platform,
    m.month as month,
    m.profile_id as profile_id,
    account.handle as handle,
    coalesce(account.title, '') as title,
    account.thumbnail_url as thumbnail_url,
    account.country as country,
    c.category as category,
    cast(null as Nullable(String)) as language,
    m.followers as followers,
    -- Only where the month before was seen is the change one of a whole month.
    m.followers - if(m.previous_month = m.month - interval 1 month, m.previous_followers, m.first_followers) as followers_change,
    m.views as views,
    m.views - if(m.previous_month = m.month - interval 1 month, m.previous_views, m.first_views) as views_change,
    coalesce(p.likes, 0) as likes,
    coalesce(p.comments, 0) as comments,
    m.uploads as uploads,
    {{ engagement_rate_by_views('p.likes', 'p.comments', 'p.post_views') }} as engagement_rate
from before as m
left join posts as p on p.profile_id = m.profile_id and p.month = m.month
left join categories as c on c.profile_id = m.profile_id
left join {{ ref('stg_beat_youtube_account') }} as account on account.profile_id = m.profile_id
settings join_use_nulls = 1
