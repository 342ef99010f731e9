-- Ranks of a month run from 1 to the number of profiles without a hole.
select platform, month
from {{ ref('mart_leaderboard') }}
group by platform, month
having max(followers_rank) != count() or max(views_rank) != count()
