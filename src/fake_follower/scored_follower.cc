#include "fake_follower/scored_follower.h"

#include <cmath>

#include <fmt/format.h>

#include "insights/stream.h"

namespace dalgona::fake_follower {
namespace {

using insights::append_json;

// No control characters, and only so much.
std::string shown(std::string_view text, size_t most) {
  std::string out;
  for (size_t at = 0; at < text.size() && out.size() < most; ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    out.push_back(byte < 0x20 || byte == 0x7F ? ' ' : static_cast<char>(byte));
  }
  while (out.size() == most && !out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
  if (out.size() == most) out.pop_back();
  return out;
}

std::string missing_names(Known known) {
  std::string out = "[";
  for (size_t i = 0; i < kInputs; ++i) {
    const auto input = static_cast<Input>(i);
    if (knows(known, input)) continue;
    if (out.size() > 1) out += ',';
    append_json(out, name_of(input));
  }
  return out + "]";
}

// Four digits: what a model of a few hundred accounts says is not finer than that.
double four_digits(double number) {
  return std::round(number * 1e4) / 1e4;
}

void append_learned(const ScoredFollower& scored, std::string& out) {
  static const std::string kHandleAlone = R"(,"learned":{"verdict":"unsure","probability":null,"missing":)" +
                                          missing_names(kKnowsHandleOnly) + R"(,"reasons":[]})";
  if (!scored.prediction) {
    out += kHandleAlone;
    return;
  }
  const Prediction& prediction = *scored.prediction;
  out += ",\"learned\":{\"verdict\":";
  append_json(out, name_of(prediction.verdict));
  out += ",\"probability\":";
  append_json(out, four_digits(prediction.probability));
  out += ",\"missing\":" + missing_names(prediction.known) + ",\"reasons\":[";
  bool first = true;
  for (const Reason& reason : reasons(scored.follower.account, prediction)) {
    out += first ? "{\"input\":" : ",{\"input\":";
    append_json(out, name_of(reason.input));
    out += ",\"weight\":";
    append_json(out, four_digits(reason.weight));
    out += ",\"text\":";
    append_json(out, reason.text);
    out += "}";
    first = false;
  }
  out += "]}";
}

}  // namespace

std::string_view table_head(bool has_model) {
  return has_model
             ? "#   line score  alike   name  digits  separator  foreign  learned  verdict  handle  [name]  reasons"
               " | of the learned score\n"
             : "#   line score  alike   name  digits  separator  foreign  handle  [name]  reasons\n";
}

void append_table(const ScoredFollower& scored, std::string& out) {
  const Features& f = scored.features;
  const auto& prediction = scored.prediction;
  const auto into = std::back_inserter(out);
  fmt::format_to(into, "{:>8}  {:4.2f}  {:5.1f}  {:5.1f}  {:>6}  {:>9}  {:>7}  ", scored.line, f.score, f.similarity,
                 f.name_score, f.handle_digits, f.separator_rule, f.foreign_script ? 1 : 0);
  if (scored.has_model)
    fmt::format_to(into, "{:>7}  {:>7}  ", prediction ? fmt::format("{:.2f}", prediction->probability) : "-",
                   name_of(prediction ? prediction->verdict : Verdict::kUnsure));
  fmt::format_to(into, "{}  [{}]  ", shown(scored.follower.handle, 64), shown(scored.follower.full_name, 96));
  const char* gap = "";
  const auto say = [&](std::string_view text) {
    out += gap;
    out += text;
    gap = "; ";
  };
  for (const Finding& finding : scored.findings) say(finding.text);
  if (scored.has_model) {
    gap = " | ";
    if (prediction) {
      // With its sign: + speaks for fake.
      for (const Reason& reason : reasons(scored.follower.account, *prediction))
        say(fmt::format("{:+.1f} {}", reason.weight, reason.text));
      if (prediction->known != kKnowsAll) say("not known: " + unknown_in_words(prediction->known));
    } else {
      say("only the handle is known");
    }
  }
  out += "\n";
}

void append_ndjson(const ScoredFollower& scored, std::string& out) {
  const Features& f = scored.features;
  const auto text = [&](std::string_view key, std::string_view value) {
    out += key;
    append_json(out, value);
  };
  const auto integer = [&](std::string_view key, int64_t value) {
    out += key;
    append_json(out, value);
  };
  const auto number = [&](std::string_view key, double value) {
    out += key;
    append_json(out, value);
  };
  integer("{\"line\":", static_cast<int64_t>(scored.line));
  text(",\"follower_handle\":", scored.follower.handle);
  text(",\"follower_full_name\":", scored.follower.full_name);
  text(",\"folded\":", f.folded);
  integer(",\"foreign_script\":", f.foreign_script ? 1 : 0);
  text(",\"cleaned_handle\":", f.cleaned_handle);
  text(",\"cleaned_name\":", f.cleaned_name);
  integer(",\"separator_rule\":", f.separator_rule);
  integer(",\"handle_digits\":", f.handle_digits);
  number(",\"similarity\":", f.similarity);
  number(",\"name_score\":", f.name_score);
  number(",\"score\":", f.score);
  out += ",\"reasons\":[";
  bool first = true;
  for (const Finding& finding : scored.findings) {
    text(first ? "{\"code\":" : ",{\"code\":", finding.code);
    text(",\"text\":", finding.text);
    out += "}";
    first = false;
  }
  out += "]";
  if (scored.has_model) append_learned(scored, out);
  out += "}\n";
}

}  // namespace dalgona::fake_follower
