{{ config(materialized='view', tags=['core']) }}
-- One row an observation, as in stg_beat_profile_log.
select
    platform,
    shortcode,
    profile_id,
    event_timestamp,
    source,
    max(log.publish_time) as publish_time,
    max(title) as title,
    max(log.views) as views,
    max(log.likes) as likes,
    max(log.comments) as comments
from {{ source('events', 'post_log') }} as log
group by platform, shortcode, profile_id, event_timestamp, source
