#include "insights/reach.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace dalgona::insights {
namespace {

// Past it a product of two counts is no longer finite. No platform has that many of anything.
constexpr double kLargestCount = 1e18;

double usable(Count count) {
  if (!count || std::isnan(*count)) return 0;
  return std::clamp(*count, 0.0, kLargestCount);
}

// Half to even, as ClickHouse's round() of a Float64.
double two_digits(double value) {
  return std::nearbyint(value * 100) / 100;
}

double percent(double part, double whole) {
  if (whole <= 0) return 0;
  return two_digits(std::min(part / whole * 100, kLargestCount));  // of a mean near 0 it would be infinite
}

double not_negative(double value) {
  return std::max(value, 0.0);
}

// Linear between neighbours: rank (n - 1) * p.
double quantile(const std::vector<double>& sorted, double p) {
  const double rank = double(sorted.size() - 1) * p;
  const auto below = size_t(rank);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - double(below));
}

}  // namespace

double engagement_rate(Count likes, Count comments, Count followers) {
  return percent(usable(likes) + usable(comments), usable(followers));
}

double engagement_rate_by_views(Count likes, Count comments, Count views) {
  return percent(usable(likes) + usable(comments), usable(views));
}

double reels_reach(Count plays, Count followers) {
  return not_negative(usable(plays) * (0.94 - std::log2(std::max(usable(followers), 1.0)) * 0.001));
}

double static_reach(Count likes) {
  const double known = usable(likes);
  if (known < 1) return 0;
  return not_negative((7.6 - std::log10(known) * 0.7) * 0.85 * known);
}

double story_reach(Count followers, Count engagement_rate_percent) {
  const double known = usable(followers);
  const double rate = usable(engagement_rate_percent);
  return not_negative(-0.000025017 * known + 1.11 * known * std::abs(std::log2(rate + 2)) * 2 / 100);
}

std::string_view follower_group(Count followers) {
  if (!followers || !(*followers >= 0)) return {};
  if (*followers < 5'000) return "0-5k";
  if (*followers < 10'000) return "5k-10k";
  if (*followers < 50'000) return "10k-50k";
  if (*followers < 100'000) return "50k-100k";
  if (*followers < 500'000) return "100k-500k";
  if (*followers < 1'000'000) return "500k-1M";
  return "1M+";
}

std::string_view size_label(Count followers) {
  if (!followers || !(*followers >= 0)) return {};
  if (*followers < 1'000) return "Nano";
  if (*followers < 75'000) return "Micro";
  if (*followers < 1'000'000) return "Macro";
  return "Mega";
}

std::optional<Percentiles> percentiles(std::span<const double> values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted), [](double v) { return std::isfinite(v); });
  if (sorted.empty()) return {};
  std::sort(sorted.begin(), sorted.end());
  return Percentiles{.p40 = quantile(sorted, 0.4),
                     .p60 = quantile(sorted, 0.6),
                     .p75 = quantile(sorted, 0.75),
                     .p90 = quantile(sorted, 0.9)};
}

std::string_view grade(Count value, const std::optional<Percentiles>& of_group) {
  if (!value || std::isnan(*value) || !of_group) return {};
  if (*value > of_group->p90) return "Excellent";
  if (*value > of_group->p75) return "Very Good";
  if (*value > of_group->p60) return "Good";
  if (*value > of_group->p40) return "Average";
  return "Poor";
}

}  // namespace dalgona::insights
