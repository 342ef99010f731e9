#include "fake_follower/cli_report.h"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/errors.h"
#include "base/resources.h"
#include "fake_follower/configured_files.h"
#include "fake_follower/report.h"
#include "insights/stream.h"

namespace dalgona::fake_follower {
namespace {

struct ReportArguments {
  std::vector<std::string> files;
  std::string input = "auto", model, json, html, title, order = "similarity-early";
  size_t samples = 10, longest_mib = 64;
  uint64_t seed = 1;
  int threads = 1;
  bool progress = false;
};

FollowerFormat format_of(const ReportArguments& a) {
  if (a.input == "csv") return FollowerFormat::kCsv;
  if (a.input == "ndjson") return FollowerFormat::kNdjson;
  const bool csv = std::all_of(a.files.begin(), a.files.end(), [](const auto& file) { return file.ends_with(".csv"); });
  return csv && !a.files.empty() ? FollowerFormat::kCsv : FollowerFormat::kNdjson;
}

void run_report(const ReportArguments& a, const cli::Common& common) {
  const Model model = Model::load(model_path(common.load(), a.model));
  FollowerInput input(format_of(a));
  // The list of names does not enter the rule score.
  const auto no_names = std::make_shared<const NameIndex>(std::vector<std::string>{});
  const FeatureOptions features{a.order == "similarity-last" ? RuleOrder::kSimilarityLast
                                                             : RuleOrder::kSimilarityEarly};

  // One for each thread, and one for the lines that no parser took.
  std::vector<std::unique_ptr<FollowerTally>> tallies;
  FollowerTally total(a.samples, a.seed);
  std::mutex bad_mutex;
  insights::StreamOptions stream{.files = a.files,
                                 .longest_line = a.longest_mib << 20,
                                 .threads = a.threads,
                                 .progress = a.progress || ::isatty(STDERR_FILENO) == 1};
  const auto make_worker = [&](int) -> insights::LineWorker {
    FollowerTally* tally = tallies.emplace_back(std::make_unique<FollowerTally>(a.samples, a.seed)).get();
    auto parser = std::make_shared<FollowerInput::Parser>(input);
    auto extractor = std::make_shared<FeatureExtractor>(no_names, features);
    auto follower = std::make_shared<Follower>();
    return [&model, tally, parser, extractor, follower](const insights::Line& line, std::string&) {
      if (!parser->parse(line, *follower)) return;
      tally->add(line.number, *follower, extractor->extract(follower->handle, follower->full_name),
                 model.predict(follower->account));
    };
  };
  try {
    insights::for_each_line(stream, make_worker,
                            [&](const insights::Line& line, std::string_view reason, std::string&) {
                              input.refused(line, reason);
                              const std::lock_guard lock(bad_mutex);
                              total.add_bad(line.number, reason);
                            });
  } catch (const Permanent&) {
    if (const std::string error = input.header_error(); !error.empty()) throw InvalidInput(error);
    throw;
  }
  for (const auto& tally : tallies) total.merge(*tally);

  const ReportInfo info{a.title};
  if (!a.html.empty() && a.html != "-") write_file(a.html, to_html(total, model, info));
  if (!a.json.empty() && a.json != "-") write_file(a.json, to_json(total, model, info));
  if (a.html == "-")
    std::cout << to_html(total, model, info) << std::flush;
  else if (a.json == "-" || (a.json.empty() && a.html.empty()))
    std::cout << to_json(total, model, info) << std::flush;
  if (!std::cout) throw Retryable("writing the report failed");
  if (total.bad > 0) {
    std::cerr << fmt::format("{} of {} lines were no good\n", total.bad, total.bad + total.followers);
    cli::set_exit_code(3);
  }
}

}  // namespace

void register_report(CLI::App& fake_follower) {
  CLI::App* command = fake_follower.add_subcommand(
      "report",
      "One creator's followers taken together: shares of real, weak and fake, how sure, why, and samples. Exit code 3 "
      "when some lines were no good: the first are named in the report and the rest goes on");
  auto common = cli::common_options(*command);
  auto a = std::make_shared<ReportArguments>();
  command->add_option("FILE", a->files, "Followers; none or - is standard input");
  command->add_option("--input", a->input, "ndjson, csv, or auto: csv when every file is named so")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "ndjson", "csv"}));
  command->add_option("--html", a->html, "The page, to this file or - for standard output");
  command->add_option("--json-out", a->json, "JSON, to this file or - for standard output; the default without --html");
  command->add_option("--title", a->title, "The creator, as the page's title names it");
  command->add_option("--model", a->model, "Another model's file");
  command->add_option("--rule-order", a->order, "When the rule asks for similarity")
      ->capture_default_str()
      ->check(CLI::IsMember({"similarity-early", "similarity-last"}));
  command->add_option("--samples", a->samples, "Followers shown of each verdict")
      ->capture_default_str()
      ->check(CLI::Range(0, 10000));
  command->add_option("--seed", a->seed, "Of the samples")->capture_default_str();
  command->add_option("--threads", a->threads, "Threads; they change nothing but the time")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  command->add_option("--longest-line", a->longest_mib, "A longer line, in MiB, is an error of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_flag("--progress", a->progress, "Progress on standard error (also when it is a terminal)");
  command->callback([a, common] { run_report(*a, *common); });
}

}  // namespace dalgona::fake_follower
