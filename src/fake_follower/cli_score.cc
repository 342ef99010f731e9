#include "fake_follower/cli_score.h"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/errors.h"
#include "fake_follower/configured_files.h"
#include "fake_follower/features.h"
#include "fake_follower/findings.h"
#include "fake_follower/follower_line.h"
#include "fake_follower/model.h"
#include "fake_follower/scored_follower.h"
#include "insights/stream.h"

namespace dalgona::fake_follower {
namespace {

struct ScoreArguments {
  std::vector<std::string> files, names;
  std::string input, output = "table", rule_order, model;
  LineOptions line;
  bool progress = false, no_model = false;
  int threads = 1;
  size_t longest_mib = 16;
};

LineFormat format_of(const ScoreArguments& arguments) {
  if (arguments.input == "ndjson") return LineFormat::kNdjson;
  if (arguments.input == "csv") return LineFormat::kCsv;
  if (arguments.input == "text") return LineFormat::kText;
  const std::string first = arguments.files.empty() ? "" : arguments.files.front();
  if (first.ends_with(".csv")) return LineFormat::kCsv;
  return first.ends_with(".txt") || first.ends_with(".tsv") ? LineFormat::kText : LineFormat::kNdjson;
}

void run_score(ScoreArguments& arguments, const cli::Common& common) {
  const Config config = common.load();
  arguments.line.format = format_of(arguments);
  const RuleOrder order =
      parse_rule_order(arguments.rule_order.empty() ? config.text("fake_follower.rule_order") : arguments.rule_order);
  const auto names = load_names(
      arguments.names.empty() ? name_files(config)
                              : std::vector<std::filesystem::path>(arguments.names.begin(), arguments.names.end()));
  std::optional<Model> model;
  if (!arguments.no_model) model = Model::load(model_path(config, arguments.model));
  arguments.line.account = model.has_value();
  // What most lists are, a handle and a name, the model can't tell: it is not asked then.
  const bool handle_decides = model && model->variant(kKnowsHandleOnly).decides();
  const bool ndjson = arguments.output == "ndjson";
  const insights::StreamOptions stream{.files = arguments.files,
                                       .longest_line = arguments.longest_mib << 20,
                                       .threads = arguments.threads,
                                       .progress = arguments.progress || ::isatty(STDERR_FILENO) == 1};
  const Model* with_model = model ? &*model : nullptr;
  const auto make_worker = [&](int) -> insights::LineWorker {
    auto extractor = std::make_shared<FeatureExtractor>(names, FeatureOptions{.order = order});
    auto reader = std::make_shared<FollowerReader>(arguments.line);
    return [=](const insights::Line& line, std::string& out) {
      ScoredFollower scored;
      scored.line = line.number;
      scored.follower = reader->read(line.text);
      if (scored.follower.header) return;
      scored.features = extractor->extract(scored.follower.handle, scored.follower.full_name);
      scored.findings = findings(scored.features, order);
      scored.has_model = with_model != nullptr;
      Account& account = scored.follower.account;
      if (with_model && (handle_decides || account.known() != kKnowsHandleOnly)) {
        account.count_handle(scored.follower.handle);
        scored.prediction = with_model->predict(account);
      }
      if (ndjson)
        append_ndjson(scored, out);
      else
        append_table(scored, out);
    };
  };
  const auto on_error = [&](const insights::Line& line, std::string_view reason, std::string& out) {
    if (!ndjson) {
      fmt::format_to(std::back_inserter(out), "{:>8}  error: {}\n", line.number, reason);
      return;
    }
    out += "{\"line\":";
    insights::append_json(out, static_cast<int64_t>(line.number));
    out += ",\"error\":";
    insights::append_json(out, reason);
    out += "}\n";
  };
  if (!ndjson) {
    const std::string_view head = table_head(with_model != nullptr);
    std::fwrite(head.data(), 1, head.size(), stdout);
  }
  const auto totals = insights::for_each_line(stream, make_worker, on_error);
  if (totals.bad > 0) {
    std::cerr << totals.bad << " of " << totals.lines << " lines were no good\n";
    cli::set_exit_code(3);
  }
}

}  // namespace

void register_score(CLI::App& fake_follower) {
  CLI::App* command = fake_follower.add_subcommand(
      "score",
      "Every feature, the score (0 real, 0.33 weak, 1 fake), the learned score beside it and the reasons of each "
      "follower, "
      "a line each. Exit code 3 when some lines were no good: each is reported with its number and the rest goes on");
  auto common = cli::common_options(*command);
  auto a = std::make_shared<ScoreArguments>();
  command->add_option("FILE", a->files, "Files; none or - is standard input");
  command
      ->add_option("--input", a->input,
                   "ndjson, csv (handle, name) or text (handle, tab, name); from the first file's name when not given")
      ->check(CLI::IsMember({"ndjson", "csv", "text"}));
  command->add_option("--output", a->output, "table or ndjson")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "ndjson"}));
  command->add_option("--handle-field", a->line.handle_field, "Field of the handle (ndjson, csv header)")
      ->capture_default_str();
  command->add_option("--name-field", a->line.name_field, "Field of the display name (ndjson, csv header)")
      ->capture_default_str();
  command->add_option("--handle-column", a->line.handle_column, "Column of the handle, from 1 (csv)")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--name-column", a->line.name_column, "Column of the display name, from 1 (csv)")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--names", a->names, "Lists of names instead of the configured ones")->take_all();
  command->add_option("--rule-order", a->rule_order, "Instead of fake_follower.rule_order")
      ->check(CLI::IsMember({"similarity_early", "similarity_last"}));
  CLI::Option* model =
      command->add_option("--model", a->model, "Model of the learned score instead of fake_follower.model_file");
  command->add_flag("--no-model", a->no_model, "No learned score; counts in the input are not looked at")
      ->excludes(model);
  command->add_option("--threads", a->threads, "Threads")->capture_default_str()->check(CLI::Range(1, 256));
  command->add_option("--longest-line", a->longest_mib, "A longer line, in MiB, is an error of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_flag("--progress", a->progress, "Progress on standard error (also when it is a terminal)");
  command->callback([a, common] { run_score(*a, *common); });
}

}  // namespace dalgona::fake_follower
