#include "fake_follower/cli_train.h"

#include <iostream>
#include <thread>

#include <fmt/format.h>

#include "base/cli.h"
#include "base/errors.h"
#include "base/resources.h"
#include "fake_follower/evaluation.h"
#include "fake_follower/training.h"

namespace dalgona::fake_follower {
namespace {

struct TrainArguments {
  std::string fake, real, out, report_json;
  bool report = false;
  EvaluationOptions options;
};

void run_train(const TrainArguments& a) {
  const std::string fake_text = read_file(a.fake), real_text = read_file(a.real);
  std::vector<Example> examples = read_examples(fake_text, a.fake, true);
  const std::vector<Example> real = read_examples(real_text, a.real, false);
  examples.insert(examples.end(), real.begin(), real.end());

  const Model model = train(examples, a.options.training).with_files(checksum_of(fake_text), checksum_of(real_text));
  const std::string text = model.serialize();
  Model::parse(text, a.out);  // what is written can be read
  write_file(a.out, text);
  std::cerr << fmt::format("{}: trained on {} fake and {} real accounts, {} bytes\n", a.out, model.source().fake,
                           model.source().real, text.size());
  if (!a.report && a.report_json.empty()) return;
  std::cerr << fmt::format("evaluating: {} times {} folds, each tuned within itself ...\n", a.options.repeats,
                           a.options.training.folds);
  const Evaluation evaluation = evaluate(examples, a.options);
  if (a.report) std::cout << to_table(evaluation) << std::flush;
  if (a.report_json == "-")
    std::cout << to_json(evaluation) << std::flush;
  else if (!a.report_json.empty())
    write_file(a.report_json, to_json(evaluation));
}

}  // namespace

void register_train(CLI::App& fake_follower) {
  CLI::App* command = fake_follower.add_subcommand(
      "train",
      "Learn the score from labelled accounts. The same files, options and seed give the same model, byte for byte");
  auto a = std::make_shared<TrainArguments>();
  TrainingOptions& training = a->options.training;
  training.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  command->add_option("--fake", a->fake, "Fake accounts: a JSON list in InstaFake's form")->required();
  command->add_option("--real", a->real, "Real accounts")->required();
  command->add_option("--out", a->out, "The model's file, replaced whole")->required();
  command->add_option("--seed", training.seed, "Of the folds")->capture_default_str();
  command->add_option("--folds", training.folds, "Of each cross-validation")
      ->capture_default_str()
      ->check(CLI::Range(2, 50));
  command->add_option("--repeats", training.repeats, "Of the cross-validation that tunes and calibrates")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command->add_option("--knots", training.knots, "Bends of each count")
      ->capture_default_str()
      ->check(CLI::Range(0, 20));
  command->add_flag("--report", a->report, "Evaluate by nested cross-validation and print a table");
  command->add_option("--report-json", a->report_json, "The same as JSON, to this file or - for standard output");
  command->add_option("--report-repeats", a->options.repeats, "Of the outer cross-validation")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--resamples", a->options.resamples, "Of the bootstrap")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  command->add_option("--threads", training.threads, "Threads; they change nothing but the time")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  command->callback([a] { run_train(*a); });
}

}  // namespace dalgona::fake_follower
