#include "fake_follower/cli_score.h"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/errors.h"
#include "fake_follower/features.h"
#include "fake_follower/follower_line.h"
#include "fake_follower/name_files.h"
#include "fake_follower/reasons.h"
#include "insights/stream.h"

namespace dalgona::fake_follower {
namespace {

using insights::append_json;

struct Arguments {
  std::vector<std::string> files, names;
  std::string input, output = "table", rule_order;
  LineOptions line;
  bool progress = false;
  int threads = 1;
  size_t longest_mib = 16;
};

// What a table shows of a handle or name: no control characters, and only so much.
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

void print_table(const FollowerLine& follower, const Features& f, RuleOrder order, uint64_t line, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{:>8}  {:4.2f}  {:5.1f}  {:5.1f}  {:>6}  {:>9}  {:>7}  {}  [{}]  ", line,
                 f.score, f.similarity, f.name_score, f.handle_digits, f.separator_rule, f.foreign_script ? 1 : 0,
                 shown(follower.handle, 64), shown(follower.full_name, 96));
  const char* gap = "";
  for (const Reason& reason : reasons(f, order)) {
    out += gap;
    out += reason.text;
    gap = "; ";
  }
  out += "\n";
}

constexpr std::string_view kTableHead =
    "#   line score  alike   name  digits  separator  foreign  handle  [name]  reasons\n";

void print_ndjson(const FollowerLine& follower, const Features& f, RuleOrder order, uint64_t line, std::string& out) {
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
  integer("{\"line\":", static_cast<int64_t>(line));
  text(",\"follower_handle\":", follower.handle);
  text(",\"follower_full_name\":", follower.full_name);
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
  for (const Reason& reason : reasons(f, order)) {
    text(first ? "{\"code\":" : ",{\"code\":", reason.code);
    text(",\"text\":", reason.text);
    out += "}";
    first = false;
  }
  out += "]}\n";
}

LineFormat format_of(const Arguments& arguments) {
  if (arguments.input == "ndjson") return LineFormat::kNdjson;
  if (arguments.input == "csv") return LineFormat::kCsv;
  if (arguments.input == "text") return LineFormat::kText;
  const std::string first = arguments.files.empty() ? "" : arguments.files.front();
  if (first.ends_with(".csv")) return LineFormat::kCsv;
  return first.ends_with(".txt") || first.ends_with(".tsv") ? LineFormat::kText : LineFormat::kNdjson;
}

void run_score(Arguments& arguments, const cli::Common& common) {
  const Config config = common.load();
  arguments.line.format = format_of(arguments);
  const RuleOrder order =
      parse_rule_order(arguments.rule_order.empty() ? config.text("fake_follower.rule_order") : arguments.rule_order);
  const auto names = load_names(
      arguments.names.empty() ? name_files(config)
                              : std::vector<std::filesystem::path>(arguments.names.begin(), arguments.names.end()));
  const bool ndjson = arguments.output == "ndjson";
  const insights::StreamOptions stream{.files = arguments.files,
                                       .longest_line = arguments.longest_mib << 20,
                                       .threads = arguments.threads,
                                       .progress = arguments.progress || ::isatty(STDERR_FILENO) == 1};
  const auto make_worker = [&](int) -> insights::LineWorker {
    auto extractor = std::make_shared<FeatureExtractor>(names, FeatureOptions{.order = order});
    auto reader = std::make_shared<FollowerReader>(arguments.line);
    return [=](const insights::Line& line, std::string& out) {
      const FollowerLine follower = reader->read(line.text);
      if (follower.header) return;
      const Features features = extractor->extract(follower.handle, follower.full_name);
      if (ndjson)
        print_ndjson(follower, features, order, line.number, out);
      else
        print_table(follower, features, order, line.number, out);
    };
  };
  const auto on_error = [&](const insights::Line& line, std::string_view reason, std::string& out) {
    if (!ndjson) {
      fmt::format_to(std::back_inserter(out), "{:>8}  error: {}\n", line.number, reason);
      return;
    }
    out += "{\"line\":";
    append_json(out, static_cast<int64_t>(line.number));
    out += ",\"error\":";
    append_json(out, reason);
    out += "}\n";
  };
  if (!ndjson) std::fwrite(kTableHead.data(), 1, kTableHead.size(), stdout);
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
      "Every feature, the score (0 real, 0.33 weak, 1 fake) and the reasons of each follower, a line each. Exit code 3 "
      "when some lines were no good: each is reported with its number and the rest goes on");
  auto common = cli::common_options(*command);
  auto a = std::make_shared<Arguments>();
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
  command->add_option("--threads", a->threads, "Threads")->capture_default_str()->check(CLI::Range(1, 256));
  command->add_option("--longest-line", a->longest_mib, "A longer line, in MiB, is an error of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_flag("--progress", a->progress, "Progress on standard error (also when it is a terminal)");
  command->callback([a, common] { run_score(*a, *common); });
}

}  // namespace dalgona::fake_follower
