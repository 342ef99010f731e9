#include "sandbox/faults.h"

#include <cmath>
#include <set>

#include <boost/json.hpp>

#include "base/errors.h"
#include "sandbox/population.h"

namespace dalgona::sandbox {
namespace {

// In [0, 1), from the plan's seed and where it is asked.
double chance(uint64_t seed, std::string_view endpoint, uint64_t number, uint64_t rule, uint64_t draw) {
  const uint64_t hash = stable_hash(endpoint, seed ^ (number * 0x9e3779b97f4a7c15ull) ^ (rule << 32) ^ (draw << 48));
  return double(hash >> 11) * 0x1.0p-53;
}

double number_of(const boost::json::value& value, std::string_view name, double most) {
  boost::system::error_code error;
  const double number = value.to_number<double>(error);
  if (error || !(number >= 0) || number > most)
    throw InvalidInput("fault '" + std::string(name) + "' must be a number from 0 to " +
                       boost::json::serialize(boost::json::value(most)));
  return number;
}

FaultRule parse_rule(const boost::json::value& json) {
  if (!json.is_object()) throw InvalidInput("each of 'rules' must be an object");
  FaultRule rule;
  const std::map<std::string, double*> probabilities = {{"reset", &rule.reset},         {"truncate", &rule.truncate},
                                                        {"error_500", &rule.error_500}, {"error_503", &rule.error_503},
                                                        {"error_429", &rule.error_429}, {"error_403", &rule.error_403}};
  for (const auto& [key, value] : json.as_object()) {
    const std::string name = key;
    if (const auto probability = probabilities.find(name); probability != probabilities.end()) {
      *probability->second = number_of(value, name, 1);
    } else if (name == "latency_ms") {
      rule.latency_ms = number_of(value, name, 600'000);
    } else if (name == "skip" || name == "times") {
      (name == "skip" ? rule.skip : rule.times) = uint64_t(number_of(value, name, 1e15));
    } else if (name == "endpoint" && value.is_string()) {
      static const std::set<std::string, std::less<>> known = {"*",      "videos",         "channels", "playlistItems",
                                                               "search", "videoCategories"};
      rule.endpoint = value.as_string();
      if (!known.contains(rule.endpoint)) throw InvalidInput("fault endpoint '" + rule.endpoint + "' is not known");
    } else if (name == "distribution" && value.is_string()) {
      rule.distribution = value.as_string();
      if (rule.distribution != "fixed" && rule.distribution != "uniform" && rule.distribution != "exponential")
        throw InvalidInput("fault distribution must be fixed, uniform or exponential");
    } else {
      throw InvalidInput("fault '" + name + "' is not known or not of its kind");
    }
  }
  if (rule.reset + rule.truncate + rule.error_500 + rule.error_503 + rule.error_429 + rule.error_403 > 1 + 1e-9)
    throw InvalidInput("the probabilities of a fault rule add up to more than 1");
  return rule;
}

}  // namespace

FaultPlan FaultPlan::parse(std::string_view text) {
  boost::system::error_code error;
  const boost::json::value json = boost::json::parse(text, error);
  if (error || !json.is_object()) throw InvalidInput("faults are not a JSON object");
  FaultPlan plan;
  for (const auto& [key, value] : json.as_object()) {
    if (key == "seed") {
      plan.seed = uint64_t(number_of(value, "seed", 9e15));
    } else if (key == "rules" && value.is_array()) {
      for (const auto& rule : value.as_array()) plan.rules.push_back(parse_rule(rule));
    } else {
      throw InvalidInput("faults have 'seed' and a list 'rules', not '" + std::string(key) + "'");
    }
  }
  return plan;
}

std::string FaultPlan::json() const {
  boost::json::array list;
  for (const FaultRule& r : rules)
    list.push_back({{"endpoint", r.endpoint},
                    {"distribution", r.distribution},
                    {"latency_ms", r.latency_ms},
                    {"reset", r.reset},
                    {"truncate", r.truncate},
                    {"error_500", r.error_500},
                    {"error_503", r.error_503},
                    {"error_429", r.error_429},
                    {"error_403", r.error_403},
                    {"skip", r.skip},
                    {"times", r.times}});
  return boost::json::serialize(boost::json::object{{"seed", seed}, {"rules", std::move(list)}});
}

void Faults::set(FaultPlan plan) {
  const std::scoped_lock lock(mutex_);
  plan_ = std::move(plan);
  counts_.clear();
}

FaultPlan Faults::plan() const {
  const std::scoped_lock lock(mutex_);
  return plan_;
}

Fault Faults::next(std::string_view endpoint) {
  const std::scoped_lock lock(mutex_);
  Fault fault;
  if (plan_.rules.empty()) return fault;
  const uint64_t number = ++counts_[std::string(endpoint)];
  for (size_t i = 0; i < plan_.rules.size(); ++i) {
    const FaultRule& rule = plan_.rules[i];
    if (rule.endpoint != "*" && rule.endpoint != endpoint) continue;
    if (number <= rule.skip || (rule.times > 0 && number > rule.skip + rule.times)) continue;
    const auto draw = [&](uint64_t which) { return chance(plan_.seed, endpoint, number, i, which); };
    double latency = rule.latency_ms;
    if (rule.distribution == "uniform") latency *= 2 * draw(0);
    if (rule.distribution == "exponential") latency *= -std::log1p(-draw(0));
    fault.latency += std::chrono::microseconds{int64_t(latency * 1000)};
    if (fault.kind != Fault::kNone) continue;
    double left = draw(1);
    const auto happens = [&](double probability) {
      const bool yes = left >= 0 && left < probability;
      left -= probability;
      return yes;
    };
    if (happens(rule.reset)) {
      fault.kind = Fault::kReset;
    } else if (happens(rule.truncate)) {
      fault.kind = Fault::kTruncate;
      fault.position = 0.05 + 0.9 * draw(2);
    } else {
      for (const auto& [probability, status] :
           {std::pair{rule.error_500, 500}, {rule.error_503, 503}, {rule.error_429, 429}, {rule.error_403, 403}}) {
        if (!happens(probability)) continue;
        fault.kind = Fault::kError;
        fault.status = status;
        break;
      }
    }
  }
  return fault;
}

}  // namespace dalgona::sandbox
