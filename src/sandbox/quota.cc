#include "sandbox/quota.h"

#include <array>
#include <chrono>

#include <fmt/format.h>
#include <openssl/sha.h>

namespace dalgona::sandbox {
namespace {

using std::chrono::hours;

struct Saving {
  Time begin, end;  // UTC
};

// 15 U.S.C. 260a: since 2007 from the second Sunday of March to the first of November; from 1987 to 2006 from the first
// Sunday of April to the last of October; always at 2 o'clock local time, which is 10:00 UTC in spring and 09:00 in
// autumn.
Saving saving_of(std::chrono::year year) {
  using namespace std::chrono;
  const sys_days begin =
      year >= std::chrono::year{2007} ? sys_days(year / March / Sunday[2]) : sys_days(year / April / Sunday[1]);
  const sys_days end =
      year >= std::chrono::year{2007} ? sys_days(year / November / Sunday[1]) : sys_days(year / October / Sunday[last]);
  return {Time(begin) + hours{10}, Time(end) + hours{9}};
}

hours offset_at(Time t) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(t));
  const Saving saving = saving_of(date.year());
  return t >= saving.begin && t < saving.end ? hours{-7} : hours{-8};
}

}  // namespace

int32_t pacific_day(Time t) {
  return int32_t(std::chrono::floor<std::chrono::days>(t + offset_at(t)).time_since_epoch().count());
}

Time next_pacific_midnight(Time t) {
  // A local midnight is 07:00 or 08:00 UTC; the changes of time are hours after it, so trying both is exact.
  const Time midnight = Time(std::chrono::days{pacific_day(t) + 1});
  const Time in_summer = midnight + hours{7};
  return offset_at(in_summer) == hours{-7} ? in_summer : midnight + hours{8};
}

void Quota::add(const std::string& key, KeyLimits limits) {
  const std::scoped_lock lock(mutex_);
  keys_[key].limits = limits;
}

bool Quota::remove(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(keys_, [&](const auto& entry) { return id_of(entry.first) == id; }) > 0;
}

bool Quota::known(std::string_view key) const {
  const std::scoped_lock lock(mutex_);
  return keys_.find(key) != keys_.end();
}

bool Quota::take(std::string_view key, int64_t units, bool search, Time now) {
  const std::scoped_lock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return false;
  auto& [used_units, used_searches] = found->second.used[pacific_day(now)];
  const KeyLimits& limits = found->second.limits;
  const bool enough =
      search ? used_searches + 1 <= limits.searches_per_day : used_units + units <= limits.units_per_day;
  if (!enough) {
    ++found->second.refused;
    return false;
  }
  (search ? used_searches : used_units) += search ? 1 : units;
  return true;
}

std::vector<KeyUsage> Quota::usage(Time now) const {
  const std::scoped_lock lock(mutex_);
  std::vector<KeyUsage> all;
  const int32_t day = pacific_day(now);
  for (const auto& [key, state] : keys_) {
    KeyUsage usage{.id = id_of(key), .limits = state.limits, .day = day, .refused = state.refused};
    if (const auto used = state.used.find(day); used != state.used.end())
      std::tie(usage.units, usage.searches) = used->second;
    all.push_back(std::move(usage));
  }
  return all;
}

std::string Quota::id_of(std::string_view key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  std::string id;
  for (size_t i = 0; i < 6; ++i) id += fmt::format("{:02x}", digest[i]);
  return id;
}

}  // namespace dalgona::sandbox
