// A creator's report as one page: no script, nothing loaded, light and dark, phone to wide.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "fake_follower/report.h"

namespace dalgona::fake_follower {
namespace {

// Blue, amber, vermilion and grey stay apart for most kinds of colour blindness; each is named in words beside.
constexpr std::string_view kStyle = R"css(
:root{--paper:#fbfaf8;--card:#fff;--ink:#1d1b19;--soft:#67615a;--line:#e4dfd8;--real:#2b7a9b;--weak:#d99a1c;--fake:#c8452e;--unsure:#a39d96}
@media (prefers-color-scheme:dark){:root{--paper:#171513;--card:#211e1b;--ink:#f1ece6;--soft:#aaa298;--line:#3a352f;--real:#5db1d3;--weak:#e9b44c;--fake:#ee7a62;--unsure:#7f7870}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:68rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:clamp(1.4rem,1rem + 2vw,2.1rem);line-height:1.2;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:0 0 .25rem}
h3{font-size:.95rem;margin:1.1rem 0 .4rem}
p{margin:.25rem 0 .75rem}
.soft{color:var(--soft);font-size:.9rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem;margin-top:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.1rem;min-width:0}
section.wide{grid-column:1/-1}
.big{font-size:clamp(2.4rem,1.5rem + 4vw,3.6rem);font-weight:650;line-height:1.1;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--line)}
.track{fill:var(--line)}
svg text{fill:var(--soft);font-size:13px;font-family:inherit}
@media (max-width:40rem){svg text{font-size:22px}th,td{padding-right:.4rem}}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.32rem .6rem .32rem 0;border-top:1px solid var(--line);vertical-align:top}
th{font-weight:600}
thead th{border-top:0;color:var(--soft);font-weight:500;font-size:.82rem}
td.n,th.n{text-align:right;white-space:nowrap}
.scroll{overflow-x:auto}
.key{display:inline-block;width:.7em;height:.7em;border-radius:.2em;margin-right:.45em}
.real{background:var(--real);fill:var(--real)}.weak{background:var(--weak);fill:var(--weak)}
.fake{background:var(--fake);fill:var(--fake)}.unsure{background:var(--unsure);fill:var(--unsure)}
.who{overflow-wrap:anywhere;min-width:9rem}
.who small{color:var(--soft);display:block}
.why{min-width:14rem}
details summary{cursor:pointer;font-weight:600;margin:.6rem 0 .3rem}
)css";

std::string grouped(uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string percent(double share) {
  return fmt::format("{:.1f}&nbsp;%", share * 100);
}

double share_of(uint64_t count, uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
}

// Real to fake, as a reader goes through them; the rule never abstains.
constexpr std::array<Verdict, kVerdicts> kOrder{Verdict::kReal, Verdict::kWeak, Verdict::kUnsure, Verdict::kFake};

void add_interval(std::string& out, const Interval& interval) {
  // The whole from 0 to 100 %, the interval as a band, the figure as a mark.
  out += fmt::format(
      "<svg viewBox=\"0 0 600 34\" role=\"img\" aria-label=\"{} to {}\"><rect class=\"track\" "
      "width=\"600\" height=\"14\" rx=\"7\"/><rect class=\"fake\" opacity=\".45\" x=\"{:.1f}\" "
      "width=\"{:.1f}\" height=\"14\"/><rect class=\"fake\" x=\"{:.1f}\" width=\"4\" height=\"14\"/>"
      "<text x=\"0\" y=\"30\">0%</text><text x=\"300\" y=\"30\" text-anchor=\"middle\">50%</text>"
      "<text x=\"600\" y=\"30\" text-anchor=\"end\">100%</text></svg>",
      percent(interval.low), percent(interval.high), 600 * interval.low,
      std::max(1.0, 600 * (interval.high - interval.low)), std::clamp(600 * interval.value - 2, 0.0, 596.0));
}

void add_shares(std::string& out, const std::array<uint64_t, kVerdicts>& counts, uint64_t all, bool abstains,
                std::string_view label) {
  out += fmt::format(R"(<svg viewBox="0 0 600 28" role="img" aria-label="{}">)", label);
  double at = 0;
  for (const Verdict v : kOrder) {
    const double width = 600 * share_of(counts[static_cast<size_t>(v)], all);
    if (width <= 0) continue;
    out += fmt::format(R"(<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="28"><title>{}: {}</title></rect>)",
                       name_of(v), at, width, name_of(v), percent(width / 600));
    at += width;
  }
  out +=
      "</svg><div class=\"scroll\"><table><thead><tr><th></th><th class=\"n\">followers</th><th class=\"n\">share</th>"
      "<th class=\"n\">95&nbsp;% interval</th></tr></thead><tbody>";
  for (const Verdict v : kOrder) {
    if (v == Verdict::kUnsure && !abstains) continue;
    const uint64_t count = counts[static_cast<size_t>(v)];
    const Interval i = wilson(static_cast<double>(count), static_cast<double>(all));
    out += fmt::format(
        "<tr><td><span class=\"key {}\"></span>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{} to {}</td></tr>",
        name_of(v), name_of(v), grouped(count), percent(i.value), percent(i.low), percent(i.high));
  }
  out += "</tbody></table></div>";
}

void add_histogram(std::string& out, const FollowerTally& tally) {
  constexpr double kLeft = 56, kWidth = 600, kHeight = 200, kBottom = 30;
  uint64_t highest = 1;
  for (const auto& bar : tally.histogram) {
    uint64_t sum = 0;
    for (const uint64_t count : bar) sum += count;
    highest = std::max(highest, sum);
  }
  // Ranges over many orders: the square root keeps small bars in sight and is said on the axis.
  const auto height = [&](double count) { return std::sqrt(count / static_cast<double>(highest)) * (kHeight - 14); };
  out += fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="Followers by probability of being fake">)",
                     kLeft + kWidth + 32, kHeight + kBottom);
  for (const double part : {0.0, 0.25, 1.0}) {
    const double y = kHeight - height(part * static_cast<double>(highest));
    out += fmt::format(R"(<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)", kLeft, kLeft + kWidth, y);
    out += fmt::format(R"(<text x="{}" y="{:.1f}" text-anchor="end">{:.0f}%</text>)", kLeft - 6, y + 4,
                       100 * part * share_of(highest, std::max<uint64_t>(tally.followers, 1)));
  }
  const double step = kWidth / FollowerTally::kBars;
  for (size_t bar = 0; bar < FollowerTally::kBars; ++bar) {
    uint64_t sum = 0;
    for (const uint64_t count : tally.histogram[bar]) sum += count;
    if (sum == 0) continue;
    const double full = std::max(1.0, height(static_cast<double>(sum)));
    double y = kHeight;
    for (const Verdict v : kOrder) {  // within a bar the parts are true to each other
      const double part = full * share_of(tally.histogram[bar][static_cast<size_t>(v)], sum);
      if (part <= 0) continue;
      y -= part;
      out += fmt::format(R"(<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}">)", name_of(v),
                         kLeft + step * static_cast<double>(bar) + 1, y, step - 2, part);
      out += fmt::format("<title>{}: {}, {} to {}</title></rect>", name_of(v),
                         grouped(tally.histogram[bar][static_cast<size_t>(v)]),
                         percent(static_cast<double>(bar) / FollowerTally::kBars),
                         percent(static_cast<double>(bar + 1) / FollowerTally::kBars));
    }
  }
  for (int tick = 0; tick <= 4; ++tick)
    out += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{}%</text>)", kLeft + kWidth * tick / 4,
                       kHeight + 22, 25 * tick);
  out += "</svg>";
}

struct Bar {
  std::string label;
  uint64_t count = 0;
};

// Text beside bars in a table, so that long labels wrap on a phone.
void add_bars(std::string& out, std::vector<Bar> bars, uint64_t all, std::string_view colour) {
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.count > b.count; });
  std::erase_if(bars, [](const Bar& bar) { return bar.count == 0; });
  if (bars.empty()) {
    out += "<p class=\"soft\">None.</p>";
    return;
  }
  out += "<table><tbody>";
  for (const Bar& bar : bars)
    out += fmt::format(
        "<tr><td>{}<svg viewBox=\"0 0 300 6\" preserveAspectRatio=\"none\" style=\"height:6px\" "
        "aria-hidden=\"true\"><rect class=\"{}\" width=\"{:.2f}\" height=\"6\"/></svg></td>"
        "<td class=\"n\">{}<br>{}</td></tr>",
        escape_html(bar.label), colour, 300 * share_of(bar.count, all), grouped(bar.count),
        percent(share_of(bar.count, all)));
  out += "</tbody></table>";
}

std::string_view label_of(Input input) {
  static constexpr std::array<std::string_view, kInputs> kLabels{
      "digits in the handle", "length of the handle",    "number of followers", "number of accounts followed",
      "number of posts",      "length of the biography", "profile picture",     "private or public"};
  return kLabels[static_cast<size_t>(input)];
}

void add_samples(std::string& out, const std::vector<Sample>& samples) {
  if (samples.empty()) {
    out += "<p class=\"soft\">None.</p>";
    return;
  }
  out +=
      "<div class=\"scroll\"><table><thead><tr><th>follower</th><th class=\"n\">chance of fake</th><th>model</th>"
      "<th>rule</th><th>what weighs most (log-odds)</th></tr></thead><tbody>";
  for (const Sample& s : samples) {
    std::string reasons;
    for (const std::string& reason : s.reasons) {
      if (!reasons.empty()) reasons += "<br>";
      reasons += escape_html(reason);
    }
    // <bdi> keeps right-to-left marks in a name from turning the rest of the row around.
    out += fmt::format(
        "<tr><td class=\"who\"><bdi>{}</bdi><small><bdi>{}</bdi></small></td><td class=\"n\">{}</td>"
        "<td><span class=\"key {}\"></span>{}</td><td><span class=\"key {}\"></span>{}</td>"
        "<td class=\"why\">{}</td></tr>",
        escape_html(s.handle), escape_html(s.full_name), percent(s.probability), name_of(s.by_model),
        name_of(s.by_model), name_of(s.by_rule), name_of(s.by_rule), reasons);
  }
  out += "</tbody></table></div>";
}

void add_agreement(std::string& out, const FollowerTally& tally) {
  out += "<div class=\"scroll\"><table><thead><tr><th>rule says</th>";
  for (const Verdict m : kOrder) out += fmt::format("<th class=\"n\">model: {}</th>", name_of(m));
  out += "</tr></thead><tbody>";
  for (const Verdict r : {Verdict::kReal, Verdict::kWeak, Verdict::kFake}) {
    out += fmt::format("<tr><td><span class=\"key {}\"></span>{}</td>", name_of(r), name_of(r));
    for (const Verdict m : kOrder) {
      const uint64_t count = tally.rule_and_model[static_cast<size_t>(r)][static_cast<size_t>(m)];
      out += fmt::format("<td class=\"n\">{}</td>", grouped(count));
    }
    out += "</tr>";
  }
  out += "</tbody></table></div>";
}

void add_headline(std::string& out, const FollowerTally& tally, const Model& model) {
  const CorrectedShare corrected = corrected_share(tally, model);
  out += "<section><h2>Share of fakes</h2>";
  if (tally.followers == 0) {
    out += "<div class=\"big\">unknown</div><p>No follower could be read.</p></section>";
    return;
  }
  // An interval this wide is no figure: the page says so in its largest letters.
  if (corrected.fake.high - corrected.fake.low > 0.5) {
    out += fmt::format(
        "<div class=\"big\">can&#39;t tell</div><p>Anything from {} to {} would fit what is known "
        "of these followers.</p>",
        percent(corrected.fake.low), percent(corrected.fake.high));
  } else {
    out += fmt::format(
        "<div class=\"big\">{}</div><p>With 95&nbsp;% confidence {} to {}, if these followers are like the "
        "accounts that the model learnt from.</p>",
        percent(corrected.fake.value), percent(corrected.fake.low), percent(corrected.fake.high));
  }
  add_interval(out, corrected.fake);
  out += fmt::format(
      "<p class=\"soft\">The model&#39;s calls, corrected for how often it is wrong with what is known of "
      "each follower; the interval counts both the number of followers and the model&#39;s own errors, "
      "measured on {} fake and {} real accounts.",
      grouped(model.source().fake), grouped(model.source().real));
  if (corrected.open > 0)
    out += fmt::format(" Of {} of the followers too little is known to say anything.", percent(corrected.open));
  out += "</p></section>";
}

}  // namespace

std::string to_html(const FollowerTally& tally, const Model& model, const ReportInfo& info) {
  const std::string title = escape_html(info.title.empty() ? "Followers" : info.title);
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"><title>";
  out += title;
  out += ": who follows</title><style>";
  out += kStyle;
  out += "</style></head><body><main><h1><bdi>" + title + "</bdi>: who follows</h1>";
  out += fmt::format("<p class=\"soft\">{} followers scored", grouped(tally.followers));
  if (tally.bad > 0) out += fmt::format(", {} lines could not be read", grouped(tally.bad));
  out += ".</p><div class=\"cards\">";

  add_headline(out, tally, model);
  out +=
      "<section><h2>What is known of them</h2><p class=\"soft\">The model says only what its inputs can carry: without "
      "counts it abstains.</p>";
  std::vector<Bar> known;
  for (size_t i = 1; i < kInputs; ++i)  // the handle's two figures are always there
    known.push_back({i == 1 ? "handle" : std::string(label_of(static_cast<Input>(i))), tally.inputs[i].known});
  add_bars(out, std::move(known), tally.followers, "real");
  out += "</section><section><h2>Learned score</h2>";
  add_shares(out, tally.by_model, tally.followers, true, "Shares by the learned score");
  out += "<p class=\"soft\">Weak: probably real, yet not clean. Unsure: not enough to tell.</p>";
  out += "</section><section><h2>Rule score</h2>";
  add_shares(out, tally.by_rule, tally.followers, false, "Shares by the rule score");
  out += "<p class=\"soft\">From handle and name alone. Weak: the two are unlike.</p>";
  out +=
      "</section><section class=\"wide\"><h2>Chance of being fake</h2><p class=\"soft\">Followers by the learned "
      "probability, coloured by verdict; heights by square root.</p>";
  add_histogram(out, tally);
  out += "</section>";

  std::vector<Bar> for_fake, for_real, by_rule;
  for (size_t i = 0; i < kInputs; ++i) {
    for_fake.push_back({std::string(label_of(static_cast<Input>(i))), tally.inputs[i].reason_for_fake});
    for_real.push_back({std::string(label_of(static_cast<Input>(i))), tally.inputs[i].reason_for_real});
  }
  for (size_t i = 0; i < kRuleReasons; ++i)
    by_rule.push_back({std::string(in_words(static_cast<RuleReason>(i))), tally.rule_reasons[i]});
  const auto count = [&](Verdict v) { return tally.by_model[static_cast<size_t>(v)]; };
  out +=
      "<section><h2>Why fake, by the learned score</h2><p class=\"soft\">Among the three heaviest reasons of those "
      "called fake.</p>";
  add_bars(out, std::move(for_fake), count(Verdict::kFake), "fake");
  out +=
      "</section><section><h2>Why real, by the learned score</h2><p class=\"soft\">Among the three heaviest reasons of "
      "those called real.</p>";
  add_bars(out, std::move(for_real), count(Verdict::kReal), "real");
  out +=
      "</section><section><h2>Why weak or fake, by the rule</h2><p class=\"soft\">The first reason that holds, of all "
      "followers.</p>";
  add_bars(out, std::move(by_rule), tally.followers, "weak");
  out +=
      "</section><section><h2>Where the two agree</h2><p class=\"soft\">The rule looks at handle and name, the model "
      "at "
      "the account: they may well differ.</p>";
  add_agreement(out, tally);
  out +=
      "</section><section class=\"wide\"><h2>Samples</h2><p class=\"soft\">Drawn evenly from each verdict. Log-odds of "
      "1 make the odds 2.7 times as high.</p>";
  for (const Verdict v : {Verdict::kFake, Verdict::kUnsure, Verdict::kWeak, Verdict::kReal}) {
    out += fmt::format("<details{}><summary>Model: {}</summary>", v == Verdict::kFake ? " open" : "", name_of(v));
    add_samples(out, tally.samples_by_model(v));
    out += "</details>";
  }
  for (const Verdict v : {Verdict::kFake, Verdict::kWeak}) {
    out += fmt::format("<details><summary>Rule: {}</summary>", name_of(v));
    add_samples(out, tally.samples_by_rule(v));
    out += "</details>";
  }
  out += "</section>";
  if (!tally.bad_lines.empty()) {
    out += "<section class=\"wide\"><h2>Lines that could not be read</h2><table><tbody>";
    for (const auto& line : tally.bad_lines)
      out +=
          fmt::format("<tr><td class=\"n\">{}</td><td class=\"who\">{}</td></tr>", line.line, escape_html(line.reason));
    out += "</tbody></table></section>";
  }
  out += fmt::format(
      "<section class=\"wide\"><h2>How to read this</h2><p>The model learnt from {} fake and {} real Instagram "
      "accounts, "
      "the fakes bought, at one time. Figures measured within such a set are known not to carry over to other "
      "platforms, "
      "audiences and years; there is no proof here that they do. A verdict is a reason to look at an account, not a "
      "judgement on the person behind it.</p><p class=\"soft\">Intervals of the shares treat the followers as a sample "
      "of "
      "an audience; they do not count the model&#39;s errors, the share of fakes on top does.</p></section>",
      grouped(model.source().fake), grouped(model.source().real));
  out += "</div></main></body></html>\n";
  return out;
}

}  // namespace dalgona::fake_follower
