{{ config(order_by='shortcode', tags=['core']) }}
select
    'YOUTUBE' as platform,
    video_id as shortcode,
    coalesce(channel_id, '') as profile_id,
    coalesce(post.title, '') as title,
    category_id,
    category.title as category,
    nullIf(thumbnail_url, '') as thumbnail_url,
    published_at,
    duration_seconds,
    post.views as views,
    post.likes as likes,
    post.comments as comments,
    observed_at
from {{ source('beat_replica', 'youtube_post') }} as post
left join {{ ref('youtube_categories') }} as category on category.category_id = post.category_id
settings join_use_nulls = 1
