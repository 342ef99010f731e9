// What is declared, not coded: config/flows.yaml and config/sources.yaml. Whatever is wrong in them is refused with
// file, line and the nearest known word.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "beat/limits.h"

namespace dalgona::beat {

struct ParamSpec {
  enum class Type { kText, kInt, kList };
  Type type = Type::kText;
  bool required = false;
  std::optional<int64_t> min, max;  // of an int; count of items of a list; characters of a text
  std::string pattern;              // RE2, matched whole; of each item of a list
  std::optional<std::string> default_value;
};

struct Flow {
  std::string name, platform, description;
  int concurrency = 1;
  std::chrono::milliseconds timeout{600'000};
  std::vector<std::string> sources;  // in order of preference
  std::map<std::string, ParamSpec, std::less<>> params;
};

struct Source {
  struct Limit {
    Rate rate;
    bool each_credential = false;  // else the source as a whole
  };
  std::string name, platform, api, base_url, credential_source;
  bool trust_date = false;
  std::chrono::milliseconds timeout{30'000};
  std::vector<Limit> limits;
  std::string quota_reset_zone;  // tz database name; empty: quota_recheck alone decides
  std::chrono::milliseconds quota_recheck{86'400'000};
  std::chrono::milliseconds throttled_for{3'600'000};
};

// Immutable once loaded.
class Catalogue {
 public:
  // The texts of the two files and the names to show in errors. Throws InvalidInput.
  static Catalogue parse(std::string_view flows, const std::string& flows_file, std::string_view sources,
                         const std::string& sources_file);
  // "name=url": the source is asked there, its Date header is trusted, and quota is looked for again after `recheck`.
  void simulate(const std::vector<std::string>& sources, std::chrono::milliseconds recheck);

  const std::map<std::string, Flow, std::less<>>& flows() const { return flows_; }
  const std::map<std::string, Source, std::less<>>& sources() const { return sources_; }
  // Throws InvalidInput naming the nearest known one.
  const Flow& flow(std::string_view name) const;
  const Source& source(std::string_view name) const;

 private:
  std::map<std::string, Flow, std::less<>> flows_;
  std::map<std::string, Source, std::less<>> sources_;
};

// The parameters with defaults filled in. Throws InvalidInput naming flow and parameter.
boost::json::object check_params(const Flow& flow, std::string_view json);

}  // namespace dalgona::beat
