// A creator's report as JSON.
#include <boost/json.hpp>

#include "base/text.h"
#include "fake_follower/report.h"

namespace dalgona::fake_follower {
namespace {

namespace json = boost::json;

json::object share(uint64_t count, uint64_t of) {
  const Interval i = wilson(static_cast<double>(count), static_cast<double>(of));
  return {{"count", count}, {"share", i.value}, {"low", i.low}, {"high", i.high}};
}

json::array to_json(const std::vector<Sample>& samples) {
  json::array out;
  for (const Sample& s : samples) {
    json::array reasons;
    for (const std::string& reason : s.reasons) reasons.emplace_back(reason);
    out.push_back(json::object{{"line", s.line},
                               {"follower_handle", s.handle},
                               {"follower_full_name", s.full_name},
                               {"probability", s.probability},
                               {"model", name_of(s.by_model)},
                               {"rule", name_of(s.by_rule)},
                               {"reasons", reasons}});
  }
  return out;
}

}  // namespace

std::string to_json(const FollowerTally& tally, const Model& model, const ReportInfo& info) {
  json::object rule, by_model, rule_samples, model_samples, agreement;
  for (size_t v = 0; v < kVerdicts; ++v) {
    const auto verdict = static_cast<Verdict>(v);
    by_model[name_of(verdict)] = share(tally.by_model[v], tally.followers);
    model_samples[name_of(verdict)] = to_json(tally.samples_by_model(verdict));
    if (verdict == Verdict::kUnsure) continue;  // the rule is always sure
    rule[name_of(verdict)] = share(tally.by_rule[v], tally.followers);
    rule_samples[name_of(verdict)] = to_json(tally.samples_by_rule(verdict));
    json::object row;
    for (size_t m = 0; m < kVerdicts; ++m) row[name_of(static_cast<Verdict>(m))] = tally.rule_and_model[v][m];
    agreement[name_of(verdict)] = row;
  }
  json::array rule_reasons, inputs, histogram, bad;
  for (size_t i = 0; i < kRuleReasons; ++i)
    rule_reasons.push_back(
        json::object{{"reason", in_words(static_cast<RuleReason>(i))}, {"count", tally.rule_reasons[i]}});
  for (size_t i = 0; i < kInputs; ++i)
    inputs.push_back(json::object{{"input", name_of(static_cast<Input>(i))},
                                  {"known", tally.inputs[i].known},
                                  {"reason_for_fake", tally.inputs[i].reason_for_fake},
                                  {"reason_for_real", tally.inputs[i].reason_for_real}});
  for (size_t bar = 0; bar < FollowerTally::kBars; ++bar) {
    json::object row{{"from", static_cast<double>(bar) / FollowerTally::kBars},
                     {"to", static_cast<double>(bar + 1) / FollowerTally::kBars}};
    for (size_t v = 0; v < kVerdicts; ++v) row[name_of(static_cast<Verdict>(v))] = tally.histogram[bar][v];
    histogram.push_back(row);
  }
  for (const auto& line : tally.bad_lines) bad.push_back(json::object{{"line", line.line}, {"error", line.reason}});
  const CorrectedShare corrected = corrected_share(tally, model);
  return json::serialize(
             json::object{{"title", to_utf8_lossy(info.title)},
                          {"followers", tally.followers},
                          {"bad_lines", {{"count", tally.bad}, {"first", bad}}},
                          {"rule", rule},
                          {"model", by_model},
                          {"fake_share_corrected",
                           {{"share", corrected.fake.value},
                            {"low", corrected.fake.low},
                            {"high", corrected.fake.high},
                            {"open", corrected.open}}},
                          {"mean_probability", tally.mean_probability()},
                          {"rule_and_model", agreement},
                          {"histogram", histogram},
                          {"reasons", {{"rule", rule_reasons}, {"model", inputs}}},
                          {"samples", {{"rule", rule_samples}, {"model", model_samples}}},
                          {"model_trained_on", {{"fake", model.source().fake}, {"real", model.source().real}}}}) +
         "\n";
}

}  // namespace dalgona::fake_follower
