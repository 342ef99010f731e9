#include "events/series_key.h"

#include <algorithm>

#include <fmt/format.h>
#include <xxhash.h>

namespace dalgona::events {

namespace {

constexpr int kDayBits = 16, kRestBits = 24;
constexpr uint64_t kDays = (uint64_t{1} << kDayBits) - 1, kRest = (uint64_t{1} << kRestBits) - 1;

uint64_t hash(SeriesName values) {
  std::string text;
  for (const auto* value = values.begin(); value != values.end(); ++value) {
    if (value != values.begin()) text += '\0';
    text += *value;
  }
  return XXH64(text.data(), text.size(), 0);
}

std::string hash_sql(const std::vector<std::string>& columns, size_t from, size_t to) {
  std::string values;
  for (size_t i = from; i < to; ++i) values += (i > from ? ", '\\0', " : "") + columns[i];
  return to - from > 1 ? "xxHash64(concat(" + values + "))" : "xxHash64(" + values + ")";
}

uint64_t without_day(SeriesName owner, SeriesName rest) {
  if (rest.size() == 0) return hash(owner) << kDayBits;
  return hash(owner) << (kRestBits + kDayBits) | (hash(rest) & kRest) << kDayBits;
}

uint64_t day_number(std::chrono::sys_days day) {
  return uint64_t(std::clamp<int64_t>(day.time_since_epoch().count(), 0, kDays));
}

}  // namespace

SeriesRange series_of(SeriesName owner, SeriesName rest) {
  const uint64_t series = without_day(owner, rest);
  return {series, series | kDays};
}

SeriesRange series_of(SeriesName owner, SeriesName rest, std::chrono::sys_days first, std::chrono::sys_days last) {
  const uint64_t series = without_day(owner, rest);
  return {series | day_number(first), series | day_number(last)};
}

SeriesRange series_of_owner(SeriesName owner) {
  const uint64_t series = hash(owner) << (kRestBits + kDayBits);
  return {series, series | kRest << kDayBits | kDays};
}

std::chrono::sys_days day_of_series(uint64_t series) {
  return std::chrono::sys_days{std::chrono::days{int64_t(series & kDays)}};
}

size_t owner_columns(const Stream& stream, const Rollup& rollup) {
  const auto shard = std::find(rollup.by.begin(), rollup.by.end(), stream.shard);
  return shard == rollup.by.end() ? rollup.by.size() : size_t(shard - rollup.by.begin()) + 1;
}

std::string series_sql(const Stream& stream, const Rollup& rollup) {
  const size_t owner = owner_columns(stream, rollup);
  const auto of_owner = hash_sql(rollup.by, 0, owner);
  if (owner == rollup.by.size())
    return fmt::format("bitOr(bitShiftLeft({}, {}), toUInt64(toUInt16(date)))", of_owner, kDayBits);
  return fmt::format("bitOr(bitOr(bitShiftLeft({}, {}), bitShiftLeft(bitAnd({}, {}), {})), toUInt64(toUInt16(date)))",
                     of_owner, kRestBits + kDayBits, hash_sql(rollup.by, owner, rollup.by.size()), kRest, kDayBits);
}

}  // namespace dalgona::events
