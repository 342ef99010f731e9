{{ config(order_by='profile_id', tags=['core']) }}
select
    'YOUTUBE' as platform,
    channel_id as profile_id,
    coalesce(title, '') as title,
    nullIf(custom_url, '') as handle,
    nullIf(country, '') as country,
    nullIf(thumbnail_url, '') as thumbnail_url,
    published_at,
    account.followers as followers,
    account.views as views,
    account.uploads as uploads,
    observed_at,
    {{ follower_group('account.followers') }} as follower_group,
    {{ size_label('account.followers') }} as size_label
from {{ source('beat_replica', 'youtube_account') }} as account
