{# Where a creator stands among others; the same as src/insights/reach.h says. Each bound belongs to the group above it; a creator whose count is hidden,
   or wrong, has no group. #}
{% macro follower_group(followers) -%}
multiIf(
        {{ followers }} is null or not {{ followers }} >= 0, null,
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
        {{ followers }} is null or not {{ followers }} >= 0, null,
        {{ followers }} < 1000, 'Nano',
        {{ followers }} < 75000, 'Micro',
        {{ followers }} < 1000000, 'Macro',
        'Mega')
{%- endmacro %}

{# The percentiles that grade() wants, of all finite values of a group: an aggregate, or a window function with `over`. #}
{% macro percentiles(value, over='') -%}
quantilesExactInclusiveIf(0.4, 0.6, 0.75, 0.9)(coalesce(toFloat64({{ value }}), 0.), isFinite(coalesce(toFloat64({{ value }}), nan))){{ over }}
{%- endmacro %}

{# A value against the percentiles of its group; null when either is missing. #}
{% macro grade(value, percentiles) -%}
multiIf(
        {{ value }} is null or isNaN(toFloat64({{ value }})) or empty({{ percentiles }}) or isNaN({{ percentiles }}[1]), null,
        {{ value }} > {{ percentiles }}[4], 'Excellent',
        {{ value }} > {{ percentiles }}[3], 'Very Good',
        {{ value }} > {{ percentiles }}[2], 'Good',
        {{ value }} > {{ percentiles }}[1], 'Average',
        'Poor')
{%- endmacro %}
