-- One row a profile and day, from its first observation to its last. A day without an observation repeats the one before and says so in is_gap.
{{ config(order_by='(platform, profile_id, date)') }}

with series as (
    select
        platform,
        profile_id,
        date,
        followers,
        views,
        uploads,
        leadInFrame(date, 1, date + 1) over (
            partition by platform, profile_id
            order by date
            rows between unbounded preceding and unbounded following
        ) as next_date
    from {{ source('events', 'profile_series') }}
)

select
    platform,
    profile_id,
    date + gap_day as date,
    followers,
    views,
    uploads,
    gap_day > 0 as is_gap
from series
array join range(toUInt32(next_date - date)) as gap_day
