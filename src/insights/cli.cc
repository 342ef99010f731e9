#include "insights/cli.h"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/errors.h"
#include "base/resources.h"
#include "insights/keywords/keywords.h"
#include "insights/stream.h"
#include "insights/text_line.h"

namespace dalgona::insights {
namespace {

struct Arguments {
  std::vector<std::string> files;
  std::string language = "en", stop_words, dedup = "seqm", input = "text", output = "table", field = "text", id = "id";
  KeywordOptions options;
  bool reference = false, progress = false, whole = false;
  int threads = 1;
  size_t longest_mib = 64;
};

void print_table(const std::vector<Keyword>& keywords, uint64_t line, std::string& out) {
  out += fmt::format("# line {}\n", line);
  for (const Keyword& keyword : keywords) out += fmt::format("{:<12.6g} {}\n", keyword.score, keyword.text);
}

void print_ndjson(const std::vector<Keyword>& keywords, uint64_t line, std::string_view id, std::string& out) {
  out += "{\"line\":";
  append_json(out, static_cast<int64_t>(line));
  if (!id.empty()) {
    out += ",\"id\":";
    out += id;
  }
  out += ",\"keywords\":[";
  for (size_t i = 0; i < keywords.size(); ++i) {
    out += i ? ",{\"keyword\":" : "{\"keyword\":";
    append_json(out, std::string_view(keywords[i].text));
    out += ",\"score\":";
    append_json(out, keywords[i].score);
    out += "}";
  }
  out += "]}\n";
}

void run_keywords(Arguments& arguments) {
  arguments.options.dedup = parse_dedup(arguments.dedup);
  arguments.options.mode = arguments.reference ? TextMode::kReference : TextMode::kProduct;
  const auto stop_words = arguments.stop_words.empty() ? StopWords::of_language(arguments.language)
                                                       : StopWords::from_file(arguments.stop_words);
  const bool ndjson = arguments.output == "ndjson";
  if (arguments.whole) {
    KeywordExtractor extractor(arguments.options, stop_words);
    uint64_t number = 0;
    for (const std::string& file : arguments.files) {
      const auto keywords = extractor.extract(read_file(file));
      std::string out;
      std::string id;
      append_json(id, std::string_view(file));
      if (ndjson)
        print_ndjson(keywords, ++number, id, out);
      else
        print_table(keywords, ++number, out);
      std::cout << out;
    }
    return;
  }
  StreamOptions stream{.files = arguments.files,
                       .longest_line = arguments.longest_mib << 20,
                       .threads = arguments.threads,
                       .progress = arguments.progress || ::isatty(STDERR_FILENO) == 1};
  const auto make_worker = [&](int) -> LineWorker {
    auto extractor = std::make_shared<KeywordExtractor>(arguments.options, stop_words);
    auto reader = std::make_shared<TextLineReader>(arguments.field, arguments.id);
    return [&arguments, ndjson, extractor, reader](const Line& line, std::string& out) {
      TextLineReader::Row row{line.text, {}};
      if (arguments.input == "ndjson") row = reader->read(line.text);
      const auto keywords = extractor->extract(row.text);
      if (ndjson)
        print_ndjson(keywords, line.number, row.id, out);
      else
        print_table(keywords, line.number, out);
    };
  };
  const auto totals =
      for_each_line(stream, make_worker, [&](const Line& line, std::string_view reason, std::string& out) {
        if (!ndjson) {
          out += fmt::format("# line {}: error: {}\n", line.number, reason);
          return;
        }
        out += "{\"line\":";
        append_json(out, static_cast<int64_t>(line.number));
        out += ",\"error\":";
        append_json(out, reason);
        out += "}\n";
      });
  if (totals.bad > 0) {
    std::cerr << totals.bad << " of " << totals.lines << " lines were no good\n";
    cli::set_exit_code(3);
  }
}

}  // namespace

void register_insights(CLI::App& app) {
  CLI::App* insights = app.add_subcommand("insights", "Keywords of texts");
  insights->require_subcommand(1);

  CLI::App* languages = insights->add_subcommand("languages", "Languages that have stop words");
  languages->callback([] {
    for (const auto& language : StopWords::languages()) std::cout << language << "\n";
  });

  CLI::App* command = insights->add_subcommand(
      "keywords",
      "Keywords of every line (YAKE), lower scores first. Exit code 3 when some lines were no good: each is reported "
      "with its number and the rest goes on");
  auto a = std::make_shared<Arguments>();
  command->add_option("FILE", a->files, "Files; none or - is standard input");
  command->add_option("--language", a->language, "Stop words of this language")->capture_default_str();
  command->add_option("--stopwords", a->stop_words, "A list of your own, one word a line");
  command->add_option("--n", a->options.n, "Longest keyword, in words")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
  command->add_option("--top", a->options.top, "How many")->capture_default_str()->check(CLI::Range(0, 1000000));
  command->add_option("--window", a->options.window, "Co-occurrence window")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_option("--dedup", a->dedup, "How near-doubles are found")
      ->capture_default_str()
      ->check(CLI::IsMember({"seqm", "levs", "jaro"}));
  command
      ->add_option("--dedup-limit", a->options.dedup_limit,
                   "More similar than this to a better one is dropped; 1: none")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--reference", a->reference, "Read text exactly as YAKE 0.6.0 does, combining marks and all");
  command->add_option("--input", a->input, "A text a line, or a JSON object a line")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "ndjson"}));
  command->add_option("--field", a->field, "The field that holds the text (ndjson)")->capture_default_str();
  command->add_option("--id", a->id, "A field that is copied to the answer (ndjson)")->capture_default_str();
  command->add_option("--output", a->output, "table or ndjson")
      ->capture_default_str()
      ->check(CLI::IsMember({"table", "ndjson"}));
  command->add_flag("--whole", a->whole, "Each file is one text")->needs("FILE");
  command->add_option("--threads", a->threads, "Threads")->capture_default_str()->check(CLI::Range(1, 256));
  command->add_option("--longest-line", a->longest_mib, "A longer line, in MiB, is an error of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_flag("--progress", a->progress, "Progress on standard error (also when it is a terminal)");
  command->callback([a] { run_keywords(*a); });
}

}  // namespace dalgona::insights
