// Engagement, reach, and where a creator stands among others. Pure functions; all are defined for 0, for missing counts
// and for counts of any size, and none gives NaN, infinity or a negative number. The macros of models/macros say the
// same in SQL, and a test holds the two together.
//
// Counts are doubles: what SQL divides and takes logarithms of is a Float64 too. A missing or negative count is one
// that the platform hides or got wrong, and stands for nothing.
#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace dalgona::insights {

using Count = std::optional<double>;

// Percent: (likes + comments) / followers * 100, to two digits; 0 without followers.
// Source: the platform's definition (engagement over followers), rounded half to even as ClickHouse rounds.
double engagement_rate(Count likes, Count comments, Count followers);

// The same over views, where followers are not shown.
double engagement_rate_by_views(Count likes, Count comments, Count views);

// Profiles that a reel reaches, when the API does not say: plays * (0.94 - log2(followers) * 0.001).
// Source: the platform's regression on insights of connected accounts. Followers below 1 count as 1; never above plays.
double reels_reach(Count plays, Count followers);

// Profiles that an image or carousel reaches: (7.6 - log10(likes) * 0.7) * 0.85 * likes.
// Same source. Likes below 1 count as none; the factor, which would fall below 0 past 7e10 likes, stops at 0.
double static_reach(Count likes);

// Profiles that a story reaches: -0.000025017 * followers + 1.11 * followers * |log2(er + 2)| * 2 / 100, with `er` the
// engagement rate in percent. Same source.
double story_reach(Count followers, Count engagement_rate_percent);

// "0-5k", "5k-10k", "10k-50k", "50k-100k", "100k-500k", "500k-1M", "1M+"; each bound belongs to the group above it.
// Empty when the count is hidden.
std::string_view follower_group(Count followers);

// "Nano" below 1,000, "Micro" below 75,000, "Macro" below a million, else "Mega". Empty when the count is hidden.
std::string_view size_label(Count followers);

// A metric's percentiles among the creators of a group.
struct Percentiles {
  double p40 = 0, p60 = 0, p75 = 0, p90 = 0;
};

// Of those of `values` that are finite; linear between neighbours, as ClickHouse's quantileExactInclusive. Nothing when
// there is none.
std::optional<Percentiles> percentiles(std::span<const double> values);

// "Excellent" above p90, "Very Good" above p75, "Good" above p60, "Average" above p40, else "Poor"; empty when the
// value or the percentiles are missing.
std::string_view grade(Count value, const std::optional<Percentiles>& of_group);

}  // namespace dalgona::insights
