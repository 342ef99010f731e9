#include "beat/catalogue.h"

#include <charconv>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/text.h"
#include "base/yaml.h"

namespace dalgona::beat {
namespace {

// The APIs that src/beat/sources/ speaks.
const std::vector<std::string> kApis{"youtube"};

// One YAML mapping being read: every key must be known, every value of its kind.
class Section {
 public:
  Section(const YAML::Node& node, std::string file, std::string where)
      : node_(node), file_(std::move(file)), where_(std::move(where)) {
    if (!node_.IsMap()) fail(node_, "must be a mapping");
  }
  void allow(const std::vector<std::string>& keys) const {
    for (const auto& entry : node_) {
      const auto key = entry.first.as<std::string>();
      if (std::find(keys.begin(), keys.end(), key) == keys.end())
        fail(entry.first, fmt::format("unknown key '{}'{}", key, did_you_mean(key, keys)));
    }
  }
  [[noreturn]] void fail(const YAML::Node& at, std::string_view what) const {
    yaml::fail(file_, at, fmt::format("{}: {}", where_, what));
  }
  [[noreturn]] void fail_at(const std::string& key, std::string_view what) const {
    fail(node_[key] ? node_[key] : node_, fmt::format("{}: {}", key, what));
  }
  bool has(const std::string& key) const { return bool(node_[key]); }
  YAML::Node node(const std::string& key) const { return node_[key]; }
  std::string text(const std::string& key, const std::optional<std::string>& otherwise = {}) const {
    return value<std::string>(key, otherwise, "a text");
  }
  int64_t integer(const std::string& key, std::optional<int64_t> otherwise = {}) const {
    return value<int64_t>(key, otherwise, "a whole number");
  }
  bool flag(const std::string& key, std::optional<bool> otherwise = {}) const {
    return value<bool>(key, otherwise, "true or false");
  }
  std::chrono::milliseconds duration(const std::string& key, std::chrono::milliseconds otherwise) const {
    if (!has(key)) return otherwise;
    try {
      return parse_duration(text(key));
    } catch (const InvalidInput& e) {
      fail_at(key, e.what());
    }
  }
  std::vector<std::string> texts(const std::string& key) const {
    const YAML::Node list = node_[key];
    if (!list || !list.IsSequence()) fail_at(key, "must be a list");
    std::vector<std::string> all;
    for (const auto& item : list) all.push_back(item.as<std::string>());
    return all;
  }
  Section inner(const std::string& key) const {
    if (!has(key)) fail_at(key, "is missing");
    return {node_[key], file_, fmt::format("{}.{}", where_, key)};
  }
  const YAML::Node& all() const { return node_; }
  const std::string& file() const { return file_; }
  const std::string& where() const { return where_; }

 private:
  template <typename T>
  T value(const std::string& key, const std::optional<T>& otherwise, std::string_view kind) const {
    const YAML::Node found = node_[key];
    if (!found) {
      if (otherwise) return *otherwise;
      fail_at(key, "is missing");
    }
    try {
      return found.as<T>();
    } catch (const YAML::Exception&) {
      fail_at(key, fmt::format("must be {}", kind));
    }
  }
  YAML::Node node_;
  std::string file_, where_;
};

ParamSpec read_param(const Section& section) {
  section.allow({"type", "required", "min", "max", "pattern", "default"});
  ParamSpec spec;
  const std::string type = section.text("type");
  const std::vector<std::string> types{"text", "int", "list"};
  if (type == "int")
    spec.type = ParamSpec::Type::kInt;
  else if (type == "list")
    spec.type = ParamSpec::Type::kList;
  else if (type != "text")
    section.fail_at("type", fmt::format("'{}' is none of text, int, list{}", type, did_you_mean(type, types)));
  spec.required = section.flag("required", false);
  if (section.has("min")) spec.min = section.integer("min");
  if (section.has("max")) spec.max = section.integer("max");
  spec.pattern = section.text("pattern", "");
  if (!spec.pattern.empty() && !RE2(spec.pattern, RE2::Quiet).ok())
    section.fail_at("pattern", "is no regular expression");
  if (section.has("default")) {
    if (spec.required) section.fail_at("default", "a required parameter has no default");
    spec.default_value = section.text("default");
  }
  return spec;
}

Flow read_flow(const std::string& name, const Section& section) {
  section.allow({"platform", "description", "concurrency", "timeout", "sources", "params"});
  Flow flow;
  flow.name = name;
  flow.platform = section.text("platform");
  flow.description = section.text("description", "");
  flow.concurrency = int(section.integer("concurrency", 1));
  if (flow.concurrency < 1 || flow.concurrency > 100'000) section.fail_at("concurrency", "must be from 1 to 100000");
  flow.timeout = section.duration("timeout", flow.timeout);
  flow.sources = section.texts("sources");
  if (flow.sources.empty()) section.fail_at("sources", "needs at least one source");
  if (section.has("params")) {
    const Section params = section.inner("params");
    for (const auto& entry : params.all())
      flow.params.emplace(entry.first.as<std::string>(), read_param(params.inner(entry.first.as<std::string>())));
  }
  return flow;
}

Source read_source(const std::string& name, const Section& section) {
  section.allow({"platform", "api", "base_url", "trust_date", "timeout", "credential_source", "limits",
                 "quota_reset_zone", "quota_recheck", "throttled_for"});
  Source source;
  source.name = name;
  source.platform = section.text("platform");
  source.api = section.text("api");
  if (std::find(kApis.begin(), kApis.end(), source.api) == kApis.end())
    section.fail_at("api", fmt::format("nobody speaks '{}'{}", source.api, did_you_mean(source.api, kApis)));
  source.base_url = section.text("base_url");
  if (!source.base_url.starts_with("http://") && !source.base_url.starts_with("https://"))
    section.fail_at("base_url", "must be http:// or https://");
  while (source.base_url.ends_with('/')) source.base_url.pop_back();
  source.trust_date = section.flag("trust_date", false);
  source.timeout = section.duration("timeout", source.timeout);
  source.credential_source = section.text("credential_source", name);
  source.quota_reset_zone = section.text("quota_reset_zone", "");
  source.quota_recheck = section.duration("quota_recheck", source.quota_recheck);
  source.throttled_for = section.duration("throttled_for", source.throttled_for);
  if (!section.has("limits")) return source;
  const YAML::Node limits = section.node("limits");
  if (!limits.IsSequence()) section.fail_at("limits", "must be a list");
  for (const auto& item : limits) {
    const Section limit(item, section.file(), section.where() + ".limits");
    limit.allow({"amount", "per", "each"});
    Source::Limit read;
    read.rate.amount = limit.integer("amount");
    read.rate.per = limit.duration("per", std::chrono::milliseconds{0});
    if (read.rate.amount < 1 || read.rate.amount > 10'000'000) limit.fail_at("amount", "must be from 1 to 10000000");
    if (read.rate.per.count() <= 0) limit.fail_at("per", "must be a time above 0");
    const std::string each = limit.text("each", "source");
    if (each != "source" && each != "credential") limit.fail_at("each", "must be source or credential");
    read.each_credential = each == "credential";
    source.limits.push_back(read);
  }
  return source;
}

Section top(std::string_view text, const std::string& file, const std::string& key) {
  const Section whole(yaml::parse(text, file), file, "the file");
  whole.allow({key});
  if (!whole.has(key)) whole.fail_at(key, "is missing");
  return {whole.node(key), file, key};
}

template <typename T>
const T& find_named(const std::map<std::string, T, std::less<>>& all, std::string_view name, std::string_view kind) {
  if (const auto found = all.find(name); found != all.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [known_name, unused] : all) known.push_back(known_name);
  throw InvalidInput(fmt::format("no {} '{}'{}", kind, name, did_you_mean(name, known)));
}

}  // namespace

Catalogue Catalogue::parse(std::string_view flows, const std::string& flows_file, std::string_view sources,
                           const std::string& sources_file) {
  Catalogue catalogue;
  const Section all_sources = top(sources, sources_file, "sources");
  for (const auto& entry : all_sources.all()) {
    const auto name = entry.first.as<std::string>();
    catalogue.sources_.emplace(name, read_source(name, all_sources.inner(name)));
  }
  const Section all_flows = top(flows, flows_file, "flows");
  for (const auto& entry : all_flows.all()) {
    const auto name = entry.first.as<std::string>();
    const Section section = all_flows.inner(name);
    Flow flow = read_flow(name, section);
    for (const std::string& source : flow.sources) {
      try {
        catalogue.source(source);
      } catch (const InvalidInput& e) {
        section.fail_at("sources", e.what());
      }
    }
    catalogue.flows_.emplace(name, std::move(flow));
  }
  return catalogue;
}

void Catalogue::simulate(const std::vector<std::string>& sources, std::chrono::milliseconds recheck) {
  for (const std::string& entry : sources) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos)
      throw InvalidInput(fmt::format("beat.simulated_sources: '{}' is not name=url", entry));
    const std::string name(entry.substr(0, equals));
    Source& simulated = sources_.at(source(name).name);
    simulated.base_url = entry.substr(equals + 1);
    while (simulated.base_url.ends_with('/')) simulated.base_url.pop_back();
    simulated.trust_date = true;
    simulated.quota_recheck = recheck;
    simulated.throttled_for = std::min(simulated.throttled_for, recheck);
  }
}

const Flow& Catalogue::flow(std::string_view name) const {
  return find_named(flows_, name, "flow");
}

const Source& Catalogue::source(std::string_view name) const {
  return find_named(sources_, name, "source");
}

namespace {

void check_range(const std::string& where, const ParamSpec& spec, int64_t value, std::string_view what) {
  if (spec.min && value < *spec.min) throw InvalidInput(fmt::format("{}: {} below {}", where, what, *spec.min));
  if (spec.max && value > *spec.max) throw InvalidInput(fmt::format("{}: {} above {}", where, what, *spec.max));
}

void check_pattern(const std::string& where, const ParamSpec& spec, std::string_view value) {
  if (spec.pattern.empty() || RE2::FullMatch(re2::StringPiece(value.data(), value.size()), spec.pattern)) return;
  throw InvalidInput(fmt::format("{}: '{}' does not match {}", where, value.substr(0, 100), spec.pattern));
}

boost::json::value check_value(const std::string& where, const ParamSpec& spec, const boost::json::value& value) {
  switch (spec.type) {
    case ParamSpec::Type::kText:
      if (!value.is_string()) throw InvalidInput(fmt::format("{}: must be a text", where));
      check_range(where, spec, int64_t(value.get_string().size()), "length");
      check_pattern(where, spec, value.get_string());
      return value;
    case ParamSpec::Type::kInt: {
      int64_t number = 0;
      if (value.is_int64()) {
        number = value.get_int64();
      } else {
        // "24" is as good as 24: ids that are numbers come as texts from the platforms.
        const std::string_view text = value.is_string() ? std::string_view(value.get_string()) : std::string_view();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size())
          throw InvalidInput(fmt::format("{}: must be a whole number", where));
      }
      check_range(where, spec, number, "value");
      return number;
    }
    case ParamSpec::Type::kList:
      if (!value.is_array()) throw InvalidInput(fmt::format("{}: must be a list of texts", where));
      check_range(where, spec, int64_t(value.get_array().size()), "number of items");
      for (const auto& item : value.get_array()) {
        if (!item.is_string()) throw InvalidInput(fmt::format("{}: must be a list of texts", where));
        check_pattern(where, spec, item.get_string());
      }
      return value;
  }
  throw Permanent("unreachable parameter type");
}

}  // namespace

boost::json::object check_params(const Flow& flow, std::string_view json) {
  boost::system::error_code failed;
  boost::json::value parsed = boost::json::parse({json.data(), json.size()}, failed);
  if (failed || !parsed.is_object()) throw InvalidInput(fmt::format("{}: params must be a JSON object", flow.name));
  std::vector<std::string> known;
  for (const auto& [name, spec] : flow.params) known.push_back(name);
  boost::json::object checked;
  for (const auto& [key, value] : parsed.get_object()) {
    const auto spec = flow.params.find(std::string_view(key));
    if (spec == flow.params.end())
      throw InvalidInput(
          fmt::format("{}: unknown parameter '{}'{}", flow.name, std::string_view(key), did_you_mean(key, known)));
    if (value.is_null()) continue;
    checked[key] = check_value(fmt::format("{}.{}", flow.name, spec->first), spec->second, value);
  }
  for (const auto& [name, spec] : flow.params) {
    if (checked.contains(name)) continue;
    if (spec.required) throw InvalidInput(fmt::format("{}: parameter '{}' is missing", flow.name, name));
    if (spec.default_value)
      checked[name] =
          check_value(fmt::format("{}.{}", flow.name, name), spec, boost::json::string(*spec.default_value));
  }
  return checked;
}

}  // namespace dalgona::beat
