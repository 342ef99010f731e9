select
    event_id,
    source,
    platform,
    profile_id,
    shortcode,
    publish_time,
    event_timestamp,
    toDate(event_timestamp) as date,
    views,
    likes,
    comments,
    title
from {{ source('events', 'post_log') }}
