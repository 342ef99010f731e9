-- Channels by month. A month's figures are those of its last observation; its change is taken against the last observation before the month, or, for a
-- channel first seen in the month, against the first one in it. Equal figures are ordered by id, so that ranks never depend on the order of rows.
{{ config(order_by='(month, profile_id)') }}
{% set measures = ['followers', 'followers_change', 'views', 'views_change'] %}

with monthly as (
    select
        platform,
        profile_id,
        toStartOfMonth(date) as month,
        argMax(followers, date) as last_followers,
        argMax(views, date) as last_views,
        argMax(uploads, date) as last_uploads,
        argMin(followers, date) as first_followers,
        argMin(views, date) as first_views
    from {{ source('events', 'profile_series') }}
    where platform = 'YOUTUBE'
    group by platform, profile_id, month
),

changes as (
    select
        *,
        row_number() over months = 1 as is_first,
        lagInFrame(last_followers) over months as before_followers,
        lagInFrame(last_views) over months as before_views,
        ifNull(last_followers, 0) - ifNull(if(is_first, first_followers, before_followers), 0) as followers_change,
        ifNull(last_views, 0) - ifNull(if(is_first, first_views, before_views), 0) as views_change
    from monthly
    window months as (partition by platform, profile_id order by month rows between unbounded preceding and unbounded following)
),

-- A channel is of the category most of its videos are of; of two as frequent, the one with the smaller id.
categories as (
    select profile_id, argMax(category_id, (videos, -category_id)) as category_id
    from (
        select profile_id, category_id, count() as videos
        from {{ ref('stg_beat_youtube_post') }}
        group by profile_id, category_id
    )
    group by profile_id
),

reactions as (
    select profile_id, sum(ifNull(likes, 0)) as likes, sum(ifNull(comments, 0)) as comments
    from {{ ref('stg_beat_youtube_post') }}
    group by profile_id
),

described as (
    select
        m.platform as platform,
        m.month as month,
        m.profile_id as profile_id,
        a.handle as handle,
        a.title as title,
        a.thumbnail_url as thumbnail_url,
        a.country as country,
        c.title as category,
        '' as language,
        ifNull(m.last_followers, 0) as followers,
        m.followers_change as followers_change,
        ifNull(m.last_views, 0) as views,
        m.views_change as views_change,
        r.likes as likes,
        r.comments as comments,
        ifNull(m.last_uploads, 0) as uploads,
        -- likes and comments of all known videos for 100 followers; 0 when there are none
        if(ifNull(m.last_followers, 0) > 0, round((r.likes + r.comments) / m.last_followers * 100, 2), 0) as engagement_rate
    from changes as m
    left join {{ ref('stg_beat_youtube_account') }} as a on a.profile_id = m.profile_id
    left join categories as k on k.profile_id = m.profile_id
    left join {{ ref('youtube_categories') }} as c on c.category_id = k.category_id
    left join reactions as r on r.profile_id = m.profile_id
)

select
    *,
    {% for measure in measures -%}
    row_number() over (partition by month order by {{ measure }} desc, profile_id) as {{ measure }}_rank,
    row_number() over (partition by month, category order by {{ measure }} desc, profile_id) as {{ measure }}_rank_by_category{{ "," if not loop.last }}
    {% endfor %}
from described
