{{ config(materialized='view', tags=['core']) }}
-- An event that came twice counts once. The sink drops the id of old events, so what makes an observation is who, when and by which source; where
-- two say different things at one time, the larger stands, as in the rollups, so that the order of arrival decides nothing.
select
    platform,
    profile_id,
    event_timestamp,
    source,
    max(handle) as handle,
    max(title) as title,
    max(country) as country,
    max(log.followers) as followers,
    max(log.views) as views,
    max(log.uploads) as uploads
from {{ source('events', 'profile_log') }} as log
group by platform, profile_id, event_timestamp, source
