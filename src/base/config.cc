#include "base/config.h"

#include <charconv>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "base/yaml.h"

namespace dalgona {
namespace {

constexpr std::string_view kDefaults = "config/dalgona.yaml";

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

bool is_flag(std::string_view text) {
  return text == "true" || text == "false";
}

std::string where(const std::string& file, const YAML::Node& node) {
  return fmt::format("{}:{}", file, node.Mark().line + 1);
}

// "beat.poll_interval" -> "DALGONA_BEAT_POLL_INTERVAL".
std::string environment_name(std::string_view key) {
  std::string name = "DALGONA_";
  for (char c : key) name += c == '.' ? '_' : char(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// Set by users and tests for other reasons than configuration.
constexpr std::string_view kOtherEnvironment[] = {"DALGONA_HOME", "DALGONA_SOURCE",    "DALGONA_BUILD",
                                                  "DALGONA_DATA", "DALGONA_RESOURCES", "DALGONA_BIN"};

bool is_secret(std::string_view key) {
  for (std::string_view end : {"url", "password", "key", "keys", "token", "secret"})
    if (key.ends_with(end)) return true;
  return false;
}

}  // namespace

std::chrono::milliseconds parse_duration(std::string_view text) {
  const size_t unit_at = text.find_first_not_of("0123456789.");
  const auto value = parse_number<double>(text.substr(0, unit_at));
  const std::string_view unit = unit_at == std::string_view::npos ? "" : text.substr(unit_at);
  double scale = 0;
  if (unit == "ms") scale = 1;
  if (unit == "s") scale = 1e3;
  if (unit == "m") scale = 60e3;
  if (unit == "h") scale = 3600e3;
  if (unit == "d") scale = 86400e3;
  if (!value || scale == 0 || *value * scale > 1e15)
    throw InvalidInput(fmt::format("'{}' is not a duration such as 250ms, 5s, 10m, 1h or 7d", text));
  return std::chrono::milliseconds{int64_t(*value * scale)};
}

uint64_t parse_bytes(std::string_view text) {
  const size_t unit_at = text.find_first_not_of("0123456789.");
  const auto value = parse_number<double>(text.substr(0, unit_at));
  const std::string_view unit = unit_at == std::string_view::npos ? "B" : text.substr(unit_at);
  double scale = 0;
  if (unit == "B") scale = 1;
  if (unit == "KiB") scale = 1024.0;
  if (unit == "MiB") scale = 1024.0 * 1024;
  if (unit == "GiB") scale = 1024.0 * 1024 * 1024;
  if (unit == "TiB") scale = 1024.0 * 1024 * 1024 * 1024;
  if (!value || scale == 0 || *value * scale > 9e18)
    throw InvalidInput(fmt::format("'{}' is not a size such as 512KiB, 64MiB or 2GiB", text));
  return uint64_t(*value * scale);
}

std::map<std::string, std::string> Config::process_environment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view pair = *entry;
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos) environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return environment;
}

Config Config::load(const Sources& sources) {
  Config config;
  config.home_ = std::filesystem::absolute(sources.home).lexically_normal();
  config.load_defaults();
  for (const auto& file : {config.home_ / "run" / "stores.yaml", config.home_ / "dalgona.yaml"})
    if (std::filesystem::exists(file)) config.overlay(read_file(file), file.string());
  if (sources.file) config.overlay(read_file(*sources.file), sources.file->string());
  config.overlay_environment(sources.environment);
  return config;
}

Config Config::from_text(std::string_view yaml) {
  Config config;
  config.home_ = std::filesystem::absolute("var");
  config.load_defaults();
  config.overlay(std::string(yaml), "test");
  return config;
}

void Config::load_defaults() {
  const auto path = resource(kDefaults);
  const YAML::Node root = yaml::parse(read_file(path), path.string());
  for (const auto& section : root) {
    const auto name = section.first.as<std::string>();
    if (!section.second.IsMap())
      throw Permanent(fmt::format("{}: section '{}' is not a map", where(path.string(), section.first), name));
    for (const auto& entry : section.second) {
      Value value;
      value.origin = "default";
      if (entry.second.IsSequence()) {
        value.kind = Kind::kList;
        for (const auto& item : entry.second) value.items.push_back(item.as<std::string>());
      } else {
        value.scalar = entry.second.IsNull() ? "" : entry.second.as<std::string>();
        const bool quoted = entry.second.Tag() == "!";
        if (quoted)
          value.kind = Kind::kText;
        else if (is_flag(value.scalar))
          value.kind = Kind::kFlag;
        else if (parse_number<int64_t>(value.scalar))
          value.kind = Kind::kInteger;
        else if (parse_number<double>(value.scalar))
          value.kind = Kind::kNumber;
      }
      values_[name + "." + entry.first.as<std::string>()] = std::move(value);
    }
  }
}

void Config::overlay(const std::string& yaml, const std::string& file) {
  const YAML::Node root = yaml::parse(yaml, file);
  if (root.IsNull()) return;
  if (!root.IsMap()) throw InvalidInput(fmt::format("{}:1: not a map of sections", file));
  const std::vector<std::string> known = keys();
  for (const auto& section : root) {
    const auto name = section.first.as<std::string>();
    if (!section.second.IsMap()) {
      if (section.second.IsNull()) continue;
      throw InvalidInput(fmt::format("{}: '{}' must be a section with keys{}", where(file, section.first), name,
                                     did_you_mean(name, known)));
    }
    for (const auto& entry : section.second) {
      const std::string key = name + "." + entry.first.as<std::string>();
      const std::string place = where(file, entry.first);
      const auto found = values_.find(key);
      if (found == values_.end())
        throw InvalidInput(fmt::format("{}: unknown key '{}'{}", place, key, did_you_mean(key, known)));
      Value& value = found->second;
      if (value.kind == Kind::kList) {
        if (!entry.second.IsSequence()) throw InvalidInput(fmt::format("{}: '{}' must be a list", place, key));
        value.items.clear();
        for (const auto& item : entry.second) value.items.push_back(item.as<std::string>());
      } else {
        if (!entry.second.IsScalar() && !entry.second.IsNull())
          throw InvalidInput(fmt::format("{}: '{}' must be a single value", place, key));
        const std::string scalar = entry.second.IsNull() ? "" : entry.second.as<std::string>();
        if (value.kind == Kind::kFlag && !is_flag(scalar))
          throw InvalidInput(fmt::format("{}: '{}' must be true or false, not '{}'", place, key, scalar));
        if (value.kind == Kind::kInteger && !parse_number<int64_t>(scalar))
          throw InvalidInput(fmt::format("{}: '{}' must be a whole number, not '{}'", place, key, scalar));
        if (value.kind == Kind::kNumber && !parse_number<double>(scalar))
          throw InvalidInput(fmt::format("{}: '{}' must be a number, not '{}'", place, key, scalar));
        value.scalar = scalar;
      }
      value.origin = place;
      value.is_default = false;
    }
  }
}

void Config::overlay_environment(const std::map<std::string, std::string>& environment) {
  std::map<std::string, std::string> names;
  std::vector<std::string> known;
  for (const auto& [key, value] : values_) {
    names[environment_name(key)] = key;
    known.push_back(environment_name(key));
  }
  for (const auto& [name, text] : environment) {
    if (!name.starts_with("DALGONA_")) continue;
    const auto found = names.find(name);
    if (found == names.end()) {
      if (std::ranges::find(kOtherEnvironment, std::string_view(name)) != std::end(kOtherEnvironment)) continue;
      throw InvalidInput(fmt::format("environment: unknown variable '{}'{}", name, did_you_mean(name, known)));
    }
    Value& value = values_.find(found->second)->second;
    const auto refuse = [&name = name, &text = text](std::string_view what) {
      throw InvalidInput(fmt::format("environment: {} must be {}, not '{}'", name, what, text));
    };
    if (value.kind == Kind::kFlag && !is_flag(text)) refuse("true or false");
    if (value.kind == Kind::kInteger && !parse_number<int64_t>(text)) refuse("a whole number");
    if (value.kind == Kind::kNumber && !parse_number<double>(text)) refuse("a number");
    if (value.kind == Kind::kList) {
      value.items.clear();
      for (std::string_view item : split(text, ',')) value.items.emplace_back(trim(item));
    } else {
      value.scalar = text;
    }
    value.origin = "environment " + name;
    value.is_default = false;
  }
}

const Config::Value& Config::at(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) throw Permanent(fmt::format("{} has no key '{}'", kDefaults, key));
  return found->second;
}

std::vector<std::string> Config::keys() const {
  std::vector<std::string> all;
  for (const auto& [key, value] : values_) all.push_back(key);
  return all;
}

std::string Config::text(std::string_view key) const {
  return at(key).scalar;
}

int64_t Config::integer(std::string_view key) const {
  const Value& value = at(key);
  if (const auto number = parse_number<int64_t>(value.scalar)) return *number;
  throw InvalidInput(fmt::format("{}: '{}' must be a whole number, not '{}'", value.origin, key, value.scalar));
}

double Config::number(std::string_view key) const {
  const Value& value = at(key);
  if (const auto number = parse_number<double>(value.scalar)) return *number;
  throw InvalidInput(fmt::format("{}: '{}' must be a number, not '{}'", value.origin, key, value.scalar));
}

bool Config::flag(std::string_view key) const {
  return at(key).scalar == "true";
}

std::chrono::milliseconds Config::duration(std::string_view key) const {
  const Value& value = at(key);
  try {
    return parse_duration(value.scalar);
  } catch (const InvalidInput& e) {
    throw InvalidInput(fmt::format("{}: {}: {}", value.origin, key, e.what()));
  }
}

uint64_t Config::bytes(std::string_view key) const {
  const Value& value = at(key);
  try {
    return parse_bytes(value.scalar);
  } catch (const InvalidInput& e) {
    throw InvalidInput(fmt::format("{}: {}: {}", value.origin, key, e.what()));
  }
}

std::vector<std::string> Config::list(std::string_view key) const {
  return at(key).items;
}

bool Config::is_set(std::string_view key) const {
  return !at(key).is_default;
}

std::vector<Config::Entry> Config::entries() const {
  std::vector<Entry> all;
  for (const auto& [key, value] : values_) {
    const std::string shown =
        value.kind == Kind::kList ? fmt::format("[{}]", fmt::join(value.items, ", ")) : value.scalar;
    all.push_back({key, is_secret(key) && !shown.empty() ? "***" : shown, value.origin});
  }
  return all;
}

}  // namespace dalgona
