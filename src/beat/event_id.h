// Ids of events that are the same however often they are derived.
#pragma once
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"

namespace dalgona::beat {

// A UUID of version 7's layout: the milliseconds of `at` in front, so that ids sort and compress as others do, and 74
// bits of SHA-256(`name`) where chance would stand. Equal inputs give equal ids: an event that is published again after
// a crash is recognised downstream.
Uuid event_uuid(Time at, std::string_view name);

}  // namespace dalgona::beat
