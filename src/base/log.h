// Structured logs: logfmt lines on standard error, one event a line, through spdlog. Fields are key=value with values
// quoted when needed; no secret is ever a field.
#pragma once
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

#include "base/config.h"

namespace dalgona::log {

// Level and role from the config; call once, before threads start.
void start(const Config& config, std::string_view role);

// A value as logfmt wants it: bare, or in double quotes with \" \\ \n escaped.
std::string quoted(std::string_view value);
// scheme://user:password@host -> scheme://user:***@host.
std::string without_password(std::string_view url);

template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::debug(text, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::info(text, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::warn(text, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  spdlog::error(text, std::forward<Args>(args)...);
}

}  // namespace dalgona::log
