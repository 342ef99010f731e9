// Wall clocks: when a day begins in a place, as platforms count their daily quotas.
#pragma once
#include <string>

#include "base/clock.h"

namespace dalgona {

// The first midnight after `now` in a zone of the tz database. Throws InvalidInput for an unknown zone. Thread-safe.
Time next_midnight(const std::string& zone, Time now);

}  // namespace dalgona
