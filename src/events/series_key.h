// Where a rollup keeps a day: one number in place of the columns that name it, so that a question for some days of one
// thing is one range of one column. Each further condition is planned for 0.2 to 0.3 ms (docs/traps.md).
//
// From the highest bit: a hash of who owns the series, 48 bits, or 24 bits of that and 24 of a hash of the rest of its
// name; then the day since 1970, 16 bits as in ClickHouse's Date. What an owner has lies together. The hash is XXH64
// with seed 0, which the warehouse has as xxHash64, over the values with a zero byte between; parked is what has one
// inside. Two names may meet in one number: the table tells them apart by the columns after it in its order, and a
// reader compares the name's last column.
#pragma once
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "events/catalogue.h"

namespace dalgona::events {

// Inclusive at both ends.
struct SeriesRange {
  uint64_t first = 0, last = 0;
};

using SeriesName = std::initializer_list<std::string_view>;

// All days of `rest` of `owner`: the values of the rollup's `by`, in its order, cut where its owner ends. `rest` is
// empty when `by` has nothing more.
SeriesRange series_of(SeriesName owner, SeriesName rest = {});
// Days outside of 1970-01-01 to 2149-06-06 are cut.
SeriesRange series_of(SeriesName owner, SeriesName rest, std::chrono::sys_days first, std::chrono::sys_days last);
// All days of all that an owner has, and perhaps of others; for rollups whose names have a rest.
SeriesRange series_of_owner(SeriesName owner);
std::chrono::sys_days day_of_series(uint64_t series);

// How many of the rollup's `by` name the owner: those up to the stream's `shard`, or all when it is not among them.
size_t owner_columns(const Stream& stream, const Rollup& rollup);
// The same number in SQL, from the columns of the rollup's table.
std::string series_sql(const Stream& stream, const Rollup& rollup);

}  // namespace dalgona::events
