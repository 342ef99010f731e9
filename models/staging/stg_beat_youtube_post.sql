select
    'YOUTUBE' as platform,
    assumeNotNull(video_id) as shortcode,
    ifNull(channel_id, '') as profile_id,
    ifNull(title, '') as title,
    ifNull(category_id, 0) as category_id,
    ifNull(thumbnail_url, '') as thumbnail_url,
    published_at,
    duration_seconds,
    views,
    likes,
    comments,
    observed_at
from {{ source('beat_replica', 'youtube_post') }}
