// Growth of posts straight from the rollup: last daily observation minus first, as models/marts/mart_yt_growth.sql has
// it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "coffee/api/platforms.h"
#include "coffee/stores.h"

namespace dalgona::coffee::discovery {

struct PostGrowth {
  std::string first_date, last_date;
  boost::json::value views, likes, comments;  // whole numbers or null
};

// Of those of `shortcodes` that have an observation with views.
Task<std::map<std::string, PostGrowth>> growth_of_posts(Stores& stores, const Platform& platform, std::string profile,
                                                        std::vector<std::string> shortcodes);

// A profile's posts by growth of views, largest first, ties by shortcode; with `ascending` exactly the other way round.
struct GrowthPage {
  std::vector<std::pair<std::string, int64_t>> posts;  // shortcode, growth
  int64_t total = 0;
};
struct GrowthPosition {
  int64_t growth = 0;
  std::string shortcode;
};
Task<GrowthPage> posts_by_growth(Stores& stores, const Platform& platform, std::string profile, bool ascending,
                                 std::optional<GrowthPosition> after, int64_t offset, int64_t size);

}  // namespace dalgona::coffee::discovery
