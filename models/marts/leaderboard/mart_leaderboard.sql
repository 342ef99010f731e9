-- The leaderboard that the API serves: all platforms, by month, each row with the ranks of the month before beside it.
{{ config(order_by='(platform, month, profile_id)') }}
{% set measures = ['followers', 'followers_change', 'views', 'views_change'] %}

with months as (
    select
        *,
        map(
            {% for measure in measures -%}
            '{{ measure }}_rank', toUInt64({{ measure }}_rank), '{{ measure }}_rank_by_category', toUInt64({{ measure }}_rank_by_category){{ "," if not loop.last }}
            {% endfor %}
        ) as ranks
    from {{ ref('mart_youtube_leaderboard') }}
)

select
    * except (ranks),
    if(lagInFrame(month) over history = month - interval 1 month, toJSONString(lagInFrame(ranks) over history), '{}') as previous_ranks
from months
window history as (partition by platform, profile_id order by month rows between unbounded preceding and unbounded following)
