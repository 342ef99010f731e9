// Lines in, lines out: files or standard input of any length, in bounded memory, on several threads, in order.
#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dalgona::insights {

struct Line {
  std::string_view text;  // without its newline
  uint64_t number = 0;    // from 1, over all files
  bool too_long = false;  // longer than the limit: `text` is its beginning
};

struct StreamOptions {
  std::vector<std::string> files;  // "-" or none: standard input
  size_t longest_line = 64 << 20;  // bytes; a longer line is given as too_long
  int threads = 1;
  bool progress = false;  // a line a second on standard error
  std::FILE* out = stdout;
};

// Handles one line: appends what is to be written. Throws InvalidInput for a line that is no good; the stream turns it
// into what `on_error` makes of it and goes on.
using LineWorker = std::function<void(const Line&, std::string& out)>;

struct StreamTotals {
  uint64_t lines = 0, bad = 0;
};

// `make_worker` is called once for each thread, on the calling thread. Throws InvalidInput for a file that can't be
// opened, Retryable when reading or writing fails.
StreamTotals for_each_line(const StreamOptions& options, const std::function<LineWorker(int thread)>& make_worker,
                           const std::function<void(const Line&, std::string_view reason, std::string& out)>& on_error);

// "text" in double quotes as JSON wants it; ill-formed UTF-8 becomes U+FFFD.
void append_json(std::string& out, std::string_view text);
// The shortest form that reads back the same; null for what is no finite number.
void append_json(std::string& out, double number);
void append_json(std::string& out, int64_t number);

}  // namespace dalgona::insights
