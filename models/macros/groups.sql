{# Bounds of the follower groups; a creator whose count is hidden has none. #}
{% macro follower_group(followers) -%}
multiIf(
        {{ followers }} is null, null,
        {{ followers }} < 5000, '0-5k',
        {{ followers }} < 10000, '5k-10k',
        {{ followers }} < 50000, '10k-50k',
        {{ followers }} < 100000, '50k-100k',
        {{ followers }} < 500000, '100k-500k',
        {{ followers }} < 1000000, '500k-1M',
        '1M+')
{%- endmacro %}

{% macro size_label(followers) -%}
multiIf(
        {{ followers }} is null, null,
        {{ followers }} < 1000, 'Nano',
        {{ followers }} < 75000, 'Micro',
        {{ followers }} < 1000000, 'Macro',
        'Mega')
{%- endmacro %}

{# (likes + comments) / views * 100, two digits; 0 without views. #}
{% macro engagement_by_views(likes, comments, views) -%}
if({{ views }} > 0, round(({{ likes }} + {{ comments }}) / {{ views }} * 100, 2), 0)
{%- endmacro %}
