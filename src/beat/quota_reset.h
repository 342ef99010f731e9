// When a platform's daily quota comes back.
#pragma once
#include <string>

#include "base/clock.h"

namespace dalgona::beat {

// The first midnight after `now` in a zone of the tz database. Throws InvalidInput for an unknown zone. Thread-safe.
Time next_midnight(const std::string& zone, Time now);

}  // namespace dalgona::beat
