// The evaluation as a table and as JSON.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "fake_follower/evaluation.h"

namespace dalgona::fake_follower {
namespace {

namespace json = boost::json;

json::object to_json(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

json::object to_json(const Figures& f) {
  return {{"f1", to_json(f.f1)},
          {"precision", to_json(f.precision)},
          {"recall", to_json(f.recall)},
          {"auc", to_json(f.auc)},
          {"accuracy", to_json(f.accuracy)},
          {"log_loss", to_json(f.log_loss)},
          {"calibration_error", to_json(f.calibration_error)}};
}

json::object to_json(const std::array<double, kVerdicts>& counts) {
  json::object out;
  for (size_t v = 0; v < kVerdicts; ++v) out[name_of(static_cast<Verdict>(v))] = counts[v];
  return out;
}

std::string text_of(const Interval& interval) {
  return fmt::format("{:.3f} ({:.3f}-{:.3f})", interval.value, interval.low, interval.high);
}

std::string line_of(std::string_view name, const Figures& f) {
  return fmt::format("{:<42} {:<20} {:<20} {:<20} {:<20} {:<20} {:<20}\n", name, text_of(f.f1), text_of(f.precision),
                     text_of(f.recall), text_of(f.auc), text_of(f.log_loss), text_of(f.calibration_error));
}

std::string view_name(Known known) {
  if (known == kKnowsAll) return "all";
  std::string name = "handle";
  for (size_t i = 2; i < kInputs; ++i) {
    const auto input = static_cast<Input>(i);
    if (knows(known, input)) name += fmt::format(", {}", name_of(input));
  }
  return name;
}

}  // namespace

std::string to_json(const Evaluation& evaluation) {
  json::array contenders, views, bins;
  for (const Contender& c : evaluation.contenders)
    contenders.push_back(json::object{{"name", c.name},
                                      {"figures", to_json(c.figures)},
                                      {"log_loss_behind_best", c.behind},
                                      {"standard_error", c.behind_error}});
  for (const View& view : evaluation.views) {
    json::array known;
    for (size_t i = 0; i < kInputs; ++i)
      if (knows(view.known, static_cast<Input>(i))) known.emplace_back(name_of(static_cast<Input>(i)));
    views.push_back(json::object{{"known", known},
                                 {"figures", to_json(view.figures)},
                                 {"verdicts_of_fake", to_json(view.verdicts.of_fake)},
                                 {"verdicts_of_real", to_json(view.verdicts.of_real)}});
  }
  for (const ReliabilityBin& bin : evaluation.reliability)
    bins.push_back(json::object{
        {"mean_probability", bin.mean_probability}, {"accounts", bin.accounts}, {"share_fake", to_json(bin.fake)}});
  json::array unseen;
  for (const UnseenKind& u : evaluation.unseen)
    unseen.push_back(json::object{{"kind", u.kind}, {"accounts", u.accounts}, {"recall", to_json(u.recall)}});
  return json::serialize(json::object{
             {"accounts", {{"fake", evaluation.fake}, {"real", evaluation.real}, {"doubles", evaluation.doubles}}},
             {"contenders", contenders},
             {"chosen", evaluation.chosen},
             {"views", views},
             {"reliability", bins},
             {"unseen", unseen}}) +
         "\n";
}

std::string to_table(const Evaluation& evaluation) {
  const auto header = [](std::string_view first) {
    return fmt::format("{:<42} {:<20} {:<20} {:<20} {:<20} {:<20} {:<20}\n", first, "F1", "precision", "recall", "AUC",
                       "log loss", "calibration error");
  };
  std::string out = fmt::format(
      "{} fake and {} real accounts, {} of them doubles; out of fold, with 95 % intervals "
      "(the calibration error's is an upper bound)\n\n",
      evaluation.fake, evaluation.real, evaluation.doubles);
  out += header("score");
  for (const Contender& c : evaluation.contenders) out += line_of(c.name, c.figures);
  out += fmt::format("\nThe simplest within one standard error of the best log loss: {}\n", evaluation.chosen);
  for (const Contender& c : evaluation.contenders)
    out += fmt::format("  {:<40} {:+.4f} behind the best, standard error {:.4f}\n", c.name, c.behind, c.behind_error);

  out += "\n" + header("what is known");
  for (const View& view : evaluation.views) out += line_of(view_name(view.known), view.figures);
  out += fmt::format("\n{:<42} {:>9} {:>9} {:>9} {:>9}   {:>9} {:>9} {:>9} {:>9}\n", "verdicts (share)", "fake:real",
                     "weak", "unsure", "fake", "real:real", "weak", "unsure", "fake");
  for (const View& view : evaluation.views) {
    out += fmt::format("{:<42}", view_name(view.known));
    for (const auto& [counts, all] :
         {std::pair{&view.verdicts.of_fake, evaluation.fake}, std::pair{&view.verdicts.of_real, evaluation.real}}) {
      for (const Verdict v : {Verdict::kReal, Verdict::kWeak, Verdict::kUnsure, Verdict::kFake})
        out += fmt::format(" {:>9.3f}", (*counts)[static_cast<size_t>(v)] / static_cast<double>(all));
      out += "  ";
    }
    out += "\n";
  }
  out += fmt::format("\n{:<18} {:<10} {}\n", "mean probability", "accounts", "share of fakes");
  for (const ReliabilityBin& bin : evaluation.reliability)
    out += fmt::format("{:<18.4f} {:<10.1f} {}\n", bin.mean_probability, bin.accounts, text_of(bin.fake));
  out += "\nRecall of fakes of a kind that the model was not trained on\n";
  for (const UnseenKind& u : evaluation.unseen)
    out += fmt::format("  {:<40} {:>4} accounts {}\n", u.kind, u.accounts, text_of(u.recall));
  return out;
}

}  // namespace dalgona::fake_follower
