{{ config(order_by='(platform, month, profile_id)', tags=['core']) }}
-- Places in each month: among all, and among those of the category; with the places of the month before.
{%- set metrics = ['followers', 'followers_change', 'views', 'views_change'] %}
with base as (
    select * from {{ ref('mart_youtube_leaderboard') }}
),

ranked as (
    select
        *,
        {%- for metric in metrics %}
        {{ place(metric, 'platform, month') }} as {{ metric }}_rank,
        {{ place(metric, 'platform, month, category') }} as {{ metric }}_rank_by_category
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from base
)

select
    now.platform as platform,
    now.month as month,
    now.profile_id as profile_id,
    now.handle as handle,
    now.title as title,
    now.thumbnail_url as thumbnail_url,
    now.country as country,
    now.category as category,
    now.language as language,
    now.followers as followers,
    now.followers_change as followers_change,
    now.views as views,
    now.views_change as views_change,
    now.likes as likes,
    now.comments as comments,
    now.uploads as uploads,
    now.engagement_rate as engagement_rate,
    {%- for metric in metrics %}
    now.{{ metric }}_rank as {{ metric }}_rank,
    {%- endfor %}
    {%- for metric in metrics %}
    -- A creator without a category has no place in one.
    if(now.category is null, null, now.{{ metric }}_rank_by_category) as {{ metric }}_rank_by_category,
    {%- endfor %}
    if(before.profile_id is null, map(), map(
        {%- for metric in metrics %}
        '{{ metric }}_rank', toUInt64(assumeNotNull(before.{{ metric }}_rank)),
        '{{ metric }}_rank_by_category', toUInt64(assumeNotNull(before.{{ metric }}_rank_by_category))
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    )) as previous_ranks
from ranked as now
left join ranked as before
    on before.platform = now.platform and before.profile_id = now.profile_id and before.month = now.month - interval 1 month
settings join_use_nulls = 1
