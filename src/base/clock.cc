#include "base/clock.h"

#include <array>
#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "base/errors.h"

namespace dalgona {
namespace {

struct Civil {
  int year;
  unsigned month, day;
  int64_t hour, minute, second, micros;
  unsigned weekday;
};

Civil civil(Time t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day ymd{day};
  const int64_t in_day = (t - day).count();
  return {
      int(ymd.year()),          unsigned(ymd.month()),   unsigned(ymd.day()), in_day / 3'600'000'000,
      in_day / 60'000'000 % 60, in_day / 1'000'000 % 60, in_day % 1'000'000,  std::chrono::weekday{day}.c_encoding()};
}

constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// Reads exactly `width` digits and moves on.
int digits(std::string_view& rest, size_t width, std::string_view whole) {
  int value = 0;
  if (rest.size() < width) throw InvalidInput(fmt::format("not a time: '{}'", whole.substr(0, 64)));
  for (size_t i = 0; i < width; ++i) {
    if (rest[i] < '0' || rest[i] > '9') throw InvalidInput(fmt::format("not a time: '{}'", whole.substr(0, 64)));
    value = value * 10 + (rest[i] - '0');
  }
  rest.remove_prefix(width);
  return value;
}

void expect(std::string_view& rest, std::string_view any_of, std::string_view whole) {
  if (rest.empty() || any_of.find(rest[0]) == std::string_view::npos)
    throw InvalidInput(fmt::format("not a time: '{}'", whole.substr(0, 64)));
  rest.remove_prefix(1);
}

Time from_civil(int year, int month, int day, int hour, int minute, int second, int64_t micros,
                std::string_view whole) {
  const std::chrono::year_month_day ymd{std::chrono::year{year}, std::chrono::month(unsigned(month)),
                                        std::chrono::day(unsigned(day))};
  // 60 is a leap second; it is folded into the next minute.
  if (year < 1 || !ymd.ok() || hour > 23 || minute > 59 || second > 60)
    throw InvalidInput(fmt::format("no such time: '{}'", whole.substr(0, 64)));
  return Time{std::chrono::sys_days{ymd}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + std::chrono::microseconds{micros};
}

}  // namespace

Time SystemClock::now() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string to_iso(Time t) {
  const Civil c = civil(t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     c.micros);
}

std::string to_sql(Time t) {
  const Civil c = civil(t);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     c.micros);
}

std::string to_date(Time t) {
  const Civil c = civil(t);
  return fmt::format("{:04}-{:02}-{:02}", c.year, c.month, c.day);
}

std::string to_http_date(Time t) {
  const Civil c = civil(t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[c.weekday], c.day, kMonths[c.month - 1], c.year,
                     c.hour, c.minute, c.second);
}

Time parse_time(std::string_view text) {
  std::string_view rest = text;
  const int year = digits(rest, 4, text);
  expect(rest, "-", text);
  const int month = digits(rest, 2, text);
  expect(rest, "-", text);
  const int day = digits(rest, 2, text);
  if (rest.empty()) return from_civil(year, month, day, 0, 0, 0, 0, text);
  expect(rest, "T t", text);
  const int hour = digits(rest, 2, text);
  expect(rest, ":", text);
  const int minute = digits(rest, 2, text);
  int second = 0;
  if (!rest.empty() && rest[0] == ':') {
    rest.remove_prefix(1);
    second = digits(rest, 2, text);
  }
  int64_t micros = 0;
  if (!rest.empty() && (rest[0] == '.' || rest[0] == ',')) {
    rest.remove_prefix(1);
    int64_t unit = 100'000;
    size_t count = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1), ++count) {
      micros += (rest[0] - '0') * unit;
      unit /= 10;
    }
    if (count == 0 || count > 9) throw InvalidInput(fmt::format("not a time: '{}'", text.substr(0, 64)));
  }
  const Time local = from_civil(year, month, day, hour, minute, second, micros, text);
  if (rest.empty() || rest == "Z" || rest == "z") return local;
  const int sign = rest[0] == '-' ? -1 : 1;
  expect(rest, "+-", text);
  const int offset_hours = digits(rest, 2, text);
  if (!rest.empty() && rest[0] == ':') rest.remove_prefix(1);
  const int offset_minutes = rest.empty() ? 0 : digits(rest, 2, text);
  if (!rest.empty() || offset_hours > 18 || offset_minutes > 59)
    throw InvalidInput(fmt::format("not a time: '{}'", text.substr(0, 64)));
  return local - sign * (std::chrono::hours{offset_hours} + std::chrono::minutes{offset_minutes});
}

Time parse_http_date(std::string_view text) {
  std::string_view rest = text;
  const size_t comma = rest.find(", ");
  if (comma == std::string_view::npos) throw InvalidInput(fmt::format("not an HTTP date: '{}'", text.substr(0, 64)));
  rest.remove_prefix(comma + 2);
  const int day = digits(rest, 2, text);
  expect(rest, " ", text);
  int month = 0;
  for (size_t i = 0; i < kMonths.size(); ++i)
    if (rest.starts_with(kMonths[i])) month = int(i) + 1;
  if (month == 0) throw InvalidInput(fmt::format("not an HTTP date: '{}'", text.substr(0, 64)));
  rest.remove_prefix(3);
  expect(rest, " ", text);
  const int year = digits(rest, 4, text);
  expect(rest, " ", text);
  const int hour = digits(rest, 2, text);
  expect(rest, ":", text);
  const int minute = digits(rest, 2, text);
  expect(rest, ":", text);
  const int second = digits(rest, 2, text);
  if (rest != " GMT") throw InvalidInput(fmt::format("not an HTTP date: '{}'", text.substr(0, 64)));
  return from_civil(year, month, day, hour, minute, second, 0, text);
}

}  // namespace dalgona
