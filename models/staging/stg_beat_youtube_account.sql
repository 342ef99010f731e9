-- PostgreSQL's columns may be NULL throughout; names and counts are settled here once. Followers stay NULL when the channel hides them.
select
    'YOUTUBE' as platform,
    assumeNotNull(channel_id) as profile_id,
    ifNull(custom_url, '') as handle,
    ifNull(title, '') as title,
    ifNull(country, '') as country,
    ifNull(thumbnail_url, '') as thumbnail_url,
    published_at,
    followers,
    views,
    uploads,
    observed_at
from {{ source('beat_replica', 'youtube_account') }}
