#include "stir/cron.h"

#include <charconv>

#include <fmt/format.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/text.h"

namespace dalgona::stir {
namespace {
using namespace std::chrono;

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

template <size_t N>
int value_of(std::string_view text, const std::array<std::string_view, N>& names, int first_name) {
  const std::string lower = to_lower_ascii(text);
  for (size_t i = 0; i < N; ++i)
    if (lower == names[i]) return int(i) + first_name;
  int value = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() ? value : -1;
}

// One field: "*", "5", "1-5", "*/15", "1-23/2", lists of them.
template <size_t Bits, size_t N>
std::bitset<Bits> field(std::string_view text, const char* name, int low, int high,
                        const std::array<std::string_view, N>& names, int first_name) {
  std::bitset<Bits> set;
  const auto wrong = [&] {
    throw InvalidInput(fmt::format("schedule: '{}' is not a {} ({} to {})", text, name, low, high));
  };
  for (const auto item : split(text, ',')) {
    std::string_view range = item;
    int step = 1;
    if (const auto slash = item.find('/'); slash != item.npos) {
      range = item.substr(0, slash);
      step = value_of(item.substr(slash + 1), std::array<std::string_view, 0>{}, 0);
      if (step < 1) wrong();
    }
    int from = low, to = high;
    if (range != "*") {
      const auto dash = range.find('-');
      from = value_of(range.substr(0, dash), names, first_name);
      to = dash != range.npos           ? value_of(range.substr(dash + 1), names, first_name)
           : range.size() < item.size() ? high
                                        : from;
    }
    if (from < low || to > high || from > to) wrong();
    for (int i = from; i <= to; i += step) set.set(size_t(i) % Bits);
  }
  return set;
}

}  // namespace

Schedule Schedule::parse(const std::string& given) {
  std::string text(trim(given));
  Schedule schedule;
  if (text.empty()) return schedule;
  schedule.never_ = false;
  if (text.starts_with("every ")) {
    schedule.every_ = parse_duration(trim(std::string_view(text).substr(6)));
    if (schedule.every_ < seconds{1}) throw InvalidInput("schedule: '" + text + "' is shorter than a second");
    return schedule;
  }
  if (text == "@hourly") text = "0 * * * *";
  if (text == "@daily") text = "0 0 * * *";
  if (text == "@weekly") text = "0 0 * * 0";
  if (text == "@monthly") text = "0 0 1 * *";
  std::vector<std::string_view> fields;
  for (const auto piece : split(text, ' '))
    if (!piece.empty()) fields.push_back(piece);
  if (fields.size() != 5)
    throw InvalidInput("schedule: '" + text + "': want minute, hour, day, month and weekday, or 'every 30s'");
  const std::array<std::string_view, 0> none{};
  schedule.minutes_ = field<60>(fields[0], "minute", 0, 59, none, 0);
  schedule.hours_ = field<24>(fields[1], "hour", 0, 23, none, 0);
  schedule.days_ = field<32>(fields[2], "day", 1, 31, none, 0);
  schedule.months_ = field<13>(fields[3], "month", 1, 12, kMonths, 1);
  schedule.weekdays_ = field<7>(fields[4], "weekday", 0, 7, kWeekdays, 0);  // 7 is Sunday too
  schedule.any_day_ = fields[2].starts_with('*');
  schedule.any_weekday_ = fields[4].starts_with('*');
  return schedule;
}

std::optional<Time> Schedule::next(Time t) const {
  if (never_) return {};
  if (every_.count() > 0) {
    const auto step = duration_cast<microseconds>(every_);
    return Time{(t.time_since_epoch() / step + 1) * step};
  }
  auto at = floor<minutes>(t) + minutes{1};
  const auto end = at + days{366 * 9};  // a leap day comes within eight years
  while (at < end) {
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const bool in_days = days_.test(unsigned(date.day()));
    const bool in_weekdays = weekdays_.test(weekday{day}.c_encoding());
    // As cron has it: when both are given, either will do.
    const bool day_fits = any_day_ || any_weekday_ ? in_days && in_weekdays : in_days || in_weekdays;
    if (!months_.test(unsigned(date.month())) || !day_fits) {
      at = day + days{1};
      continue;
    }
    const auto minute = duration_cast<minutes>(at - day).count();
    if (!hours_.test(size_t(minute / 60))) {
      at = day + hours{minute / 60 + 1};
      continue;
    }
    if (minutes_.test(size_t(minute % 60))) return Time{at};
    at += minutes{1};
  }
  return {};
}

}  // namespace dalgona::stir
