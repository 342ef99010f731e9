#include "base/time_zone.h"

#include <fmt/format.h>
#include <unicode/calendar.h>
#include <unicode/timezone.h>

#include "base/errors.h"

namespace dalgona {

Time next_midnight(const std::string& zone, Time now) {
  // g++ 12 has no time zones of its own.
  std::unique_ptr<icu::TimeZone> found(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(zone)));
  if (*found == icu::TimeZone::getUnknown()) throw InvalidInput(fmt::format("no time zone '{}'", zone));
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::Calendar> calendar(icu::Calendar::createInstance(found.release(), status));
  if (U_FAILURE(status)) throw Permanent(fmt::format("ICU: {}", u_errorName(status)));
  calendar->setTime(double(std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count()), status);
  // Adding a day on the wall keeps midnight midnight when the clocks change.
  calendar->add(UCAL_DATE, 1, status);
  for (const auto field : {UCAL_HOUR_OF_DAY, UCAL_MINUTE, UCAL_SECOND, UCAL_MILLISECOND}) calendar->set(field, 0);
  const double millis = calendar->getTime(status);
  if (U_FAILURE(status)) throw Permanent(fmt::format("ICU: {}", u_errorName(status)));
  return Time{std::chrono::milliseconds{int64_t(millis)}};
}

}  // namespace dalgona
