#include "events/series_key.h"

#include "base/clock.h"

namespace dalgona::events {

namespace {

std::string prefix(SeriesName name) {
  std::string text;
  for (const auto value : name) {
    text += value;
    text += '\0';
  }
  return text;
}

}  // namespace

SeriesRange series_of(SeriesName name, std::chrono::sys_days first, std::chrono::sys_days last) {
  const std::string text = prefix(name);
  return {text + to_date(Time{first}), text + to_date(Time{last})};
}

SeriesRange series_under(SeriesName name) {
  SeriesRange range{prefix(name), prefix(name)};
  range.last.back() = '\1';  // follows all that go on after the zero byte
  return range;
}

std::string series_sql(const Rollup& rollup) {
  std::string values;
  for (const auto& name : rollup.by) values += name + ", '\\0', ";
  return "concat(" + values + "toString(date))";
}

}  // namespace dalgona::events
