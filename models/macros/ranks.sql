{# The place of a row among those of `partition`, largest first; ties and rows without a value come by id, so that a place is taken once. #}
{% macro place(metric, partition) -%}
row_number() over (partition by {{ partition }} order by {{ metric }} is null, {{ metric }} desc, profile_id)
{%- endmacro %}
