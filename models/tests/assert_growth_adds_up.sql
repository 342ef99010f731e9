select shortcode
from {{ ref('mart_yt_growth') }}
where views_growth != last_views - first_views or first_date > last_date
