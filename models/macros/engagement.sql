{# The same formulas as src/insights/reach.h, where their sources are; a test holds the two together. Each is defined for 0, null and counts of any size and
   is never null, NaN or negative. #}

{# A count that can be reckoned with: null, NaN and negative ones count as nothing, and none is past 1e18. #}
{% macro usable_count(count) -%}
if(isNaN(coalesce(toFloat64({{ count }}), 0)), 0., least(greatest(coalesce(toFloat64({{ count }}), 0.), 0.), 1e18))
{%- endmacro %}

{# Percent: (likes + comments) / followers * 100, two digits, half to even; 0 without followers. #}
{% macro engagement_rate(likes, comments, followers) -%}
if({{ usable_count(followers) }} > 0, round(least(({{ usable_count(likes) }} + {{ usable_count(comments) }}) / {{ usable_count(followers) }} * 100, 1e18), 2), 0.)
{%- endmacro %}

{# The same over views, where followers are not shown. #}
{% macro engagement_rate_by_views(likes, comments, views) -%}
{{ engagement_rate(likes, comments, views) }}
{%- endmacro %}

{% macro reels_reach(plays, followers) -%}
greatest({{ usable_count(plays) }} * (0.94 - log2(greatest({{ usable_count(followers) }}, 1.)) * 0.001), 0.)
{%- endmacro %}

{% macro static_reach(likes) -%}
if({{ usable_count(likes) }} < 1, 0., greatest((7.6 - log10(greatest({{ usable_count(likes) }}, 1.)) * 0.7) * 0.85 * {{ usable_count(likes) }}, 0.))
{%- endmacro %}

{% macro story_reach(followers, engagement_rate) -%}
greatest(-0.000025017 * {{ usable_count(followers) }} + 1.11 * {{ usable_count(followers) }} * abs(log2({{ usable_count(engagement_rate) }} + 2)) * 2 / 100, 0.)
{%- endmacro %}
