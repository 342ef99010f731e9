-- From the first to the last day each day is there once, unless a gap was too long to fill.
select platform, profile_id
from {{ ref('mart_time_series') }}
group by platform, profile_id
having count(*) != countDistinct(date)
    or (countDistinct(date) != dateDiff('day', min(date), max(date)) + 1
        and dateDiff('day', min(date), max(date)) <= {{ var('longest_gap_days') }})
