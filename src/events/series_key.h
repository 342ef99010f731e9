// Where a rollup keeps a day: one text in place of the columns that name it, so that a question for some days of one
// thing is one range of one column. Each further condition is planned for 0.2 to 0.3 ms (docs/traps.md).
//
// "YOUTUBE\0UCa\0" "2026-11-20": the values of the rollup's `by`, each with a zero byte behind it, which none of them
// has inside (such events are parked), and the day. It sorts as the columns do, and what one begins lies together.
#pragma once
#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "events/catalogue.h"

namespace dalgona::events {

// Inclusive at both ends.
struct SeriesRange {
  std::string first, last;
};

// The first values of the rollup's `by`, or all of them.
using SeriesName = std::initializer_list<std::string_view>;

// Some days of what has the whole name.
SeriesRange series_of(SeriesName name, std::chrono::sys_days first, std::chrono::sys_days last);
// All that the name begins.
SeriesRange series_under(SeriesName name);

// The same text in SQL, from the columns of the rollup's table.
std::string series_sql(const Rollup& rollup);

}  // namespace dalgona::events
