-- One row an observation. A log that was delivered twice may stand here twice: models above take the last value of a day (argMax), which a double does not change.
select
    event_id,
    source,
    platform,
    profile_id,
    handle,
    event_timestamp,
    toDate(event_timestamp) as date,
    followers,
    following,
    views,
    uploads,
    title,
    country
from {{ source('events', 'profile_log') }}
