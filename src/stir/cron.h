// When a DAG is due: five-field cron in UTC, or "every 30s".
#pragma once
#include <array>
#include <bitset>
#include <optional>
#include <string>

#include "base/clock.h"

namespace dalgona::stir {

class Schedule {
 public:
  // "*/15 * * * *", "0 1-23/2 * * *", "15 20 * * mon,fri", "@hourly", "every 30s", or "" for never. Throws InvalidInput
  // naming the field.
  static Schedule parse(const std::string& text);
  // The first time after `t`; nothing when it never comes.
  std::optional<Time> next(Time t) const;

 private:
  std::chrono::milliseconds every_{0};
  bool never_ = true;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;  // 0: Sunday
  bool any_day_ = true, any_weekday_ = true;
};

}  // namespace dalgona::stir
