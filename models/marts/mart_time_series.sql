{{ config(order_by='(platform, profile_id, date)', partition_by='toYear(date)', tags=['core']) }}
-- A row for every day between a profile's first and last observation. A day nobody looked is a gap: it carries the day before on.
{%- set longest = var('longest_gap_days') %}
with days as (
    select
        platform,
        profile_id,
        date,
        series.followers as followers,
        series.views as views,
        series.uploads as uploads
    from {{ source('events', 'profile_series') }} as series
),

steps as (
    select
        *,
        leadInFrame(toNullable(date)) over (
            partition by platform, profile_id order by date rows between unbounded preceding and unbounded following
        ) as next_date
    from days
)

select
    platform,
    profile_id,
    steps.date + step as date,
    followers,
    views,
    uploads,
    step > 0 as is_gap
from steps
array join range(
    toUInt32(if(next_date is null or dateDiff('day', steps.date, next_date) > {{ longest }}, 1,
                dateDiff('day', steps.date, assumeNotNull(next_date))))
) as step
