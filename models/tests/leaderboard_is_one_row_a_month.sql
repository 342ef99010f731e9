select platform, month, profile_id, count(*) as n_records
from {{ ref('mart_leaderboard') }}
group by platform, month, profile_id
having count(*) > 1
