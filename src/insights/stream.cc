#include "insights/stream.h"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::insights {
namespace {

constexpr size_t kPiece = 256 << 10;  // read at once, and the size of a batch

struct Batch {
  uint64_t sequence = 0;
  uint64_t first_number = 0;
  std::string bytes;
  struct Piece {
    size_t begin, size;
    bool too_long;
  };
  std::vector<Piece> lines;
};

// Cuts what it reads into batches of whole lines. A line over the limit is cut short and its rest skipped.
class BatchReader {
 public:
  BatchReader(std::vector<std::string> files, size_t longest) : files_(std::move(files)), longest_(longest) {
    if (files_.empty()) files_.push_back("-");
    for (const auto& file : files_) {  // a name that is wrong is known before any work
      if (file != "-" && ::access(file.c_str(), R_OK) != 0)
        throw InvalidInput(fmt::format("can't read {}: {}", file, std::strerror(errno)));
    }
  }
  ~BatchReader() { close(); }

  // False at the end of the last file.
  bool next(Batch& batch) {
    batch.bytes.clear();
    batch.lines.clear();
    batch.first_number = number_ + 1;
    while (batch.lines.empty()) {
      if (descriptor_ < 0 && !open()) return false;
      const size_t before = rest_.size();
      rest_.resize(before + kPiece);
      const ssize_t got = ::read(descriptor_, rest_.data() + before, kPiece);
      if (got < 0 && errno == EINTR) {
        rest_.resize(before);
        continue;
      }
      if (got < 0) throw Retryable(fmt::format("reading {} failed: {}", files_[at_ - 1], std::strerror(errno)));
      rest_.resize(before + static_cast<size_t>(got));
      take(batch, before, got == 0);
      if (got == 0) close();
    }
    return true;
  }

 private:
  bool open() {
    if (at_ == files_.size()) return false;
    const std::string& file = files_[at_++];
    descriptor_ = file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw InvalidInput(fmt::format("can't open {}: {}", file, std::strerror(errno)));
    return true;
  }
  void close() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
    descriptor_ = -1;
  }

  // Moves whole lines from rest_ to the batch; `fresh`: where bytes not yet looked at begin.
  void take(Batch& batch, size_t fresh, bool end) {
    size_t begin = 0;
    size_t from = fresh;
    while (true) {
      const size_t newline = rest_.find('\n', from);
      if (newline == std::string::npos) break;
      add(batch, begin, newline);
      begin = from = newline + 1;
    }
    if (end && (begin < rest_.size() || cut_)) {
      add(batch, begin, rest_.size());
      begin = rest_.size();
    }
    rest_.erase(0, begin);
    if (rest_.size() > longest_) {  // keep the beginning only, and remember that the line is lost
      if (!cut_) kept_ = rest_.substr(0, 64);
      cut_ = true;
      rest_.clear();
    }
  }

  void add(Batch& batch, size_t begin, size_t end) {
    ++number_;
    const bool too_long = cut_ || end - begin > longest_;
    const std::string_view text = cut_ ? std::string_view(kept_) : std::string_view(rest_).substr(begin, end - begin);
    const size_t at = batch.bytes.size();
    batch.bytes.append(too_long ? text.substr(0, 64) : text);
    size_t size = batch.bytes.size() - at;
    if (size > 0 && batch.bytes.back() == '\r') --size;
    batch.lines.push_back({at, size, too_long});
    cut_ = false;
  }

  std::vector<std::string> files_;
  size_t longest_;
  size_t at_ = 0;
  int descriptor_ = -1;
  uint64_t number_ = 0;
  std::string rest_, kept_;
  bool cut_ = false;
};

// Takes finished batches in any order and writes them in theirs.
class Writer {
 public:
  Writer(std::FILE* out, bool progress) : out_(out), progress_(progress), started_(Clock::now()), told_(started_) {}

  void put(uint64_t sequence, std::string text, uint64_t lines, uint64_t bad) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(sequence, std::move(text));
    totals_.lines += lines;
    totals_.bad += bad;
    for (auto ready = waiting_.find(next_); ready != waiting_.end(); ready = waiting_.find(next_)) {
      const std::string& bytes = ready->second;
      if (std::fwrite(bytes.data(), 1, bytes.size(), out_) != bytes.size() || std::fflush(out_) != 0)
        throw Retryable(fmt::format("writing failed: {}", std::strerror(errno)));
      waiting_.erase(ready);
      ++next_;
    }
    const auto now = Clock::now();
    if (progress_ && now - told_ >= std::chrono::seconds{1}) {
      told_ = now;
      tell(now, false);
    }
  }
  void finish() {
    if (progress_) tell(Clock::now(), true);
  }
  StreamTotals totals() const { return totals_; }
  // Batches written so far.
  uint64_t written() const { return next_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  void tell(Clock::time_point now, bool last) {
    const double took = std::chrono::duration<double>(now - started_).count();
    fmt::print(stderr, "\r{} lines, {} bad, {:.0f} lines/s{}", totals_.lines, totals_.bad,
               took > 0 ? static_cast<double>(totals_.lines) / took : 0.0, last ? "\n" : "   ");
    std::fflush(stderr);
  }

  std::FILE* out_;
  bool progress_;
  Clock::time_point started_, told_;
  std::mutex mutex_;
  std::map<uint64_t, std::string> waiting_;
  std::atomic<uint64_t> next_ = 0;
  StreamTotals totals_;
};

}  // namespace

StreamTotals for_each_line(
    const StreamOptions& options, const std::function<LineWorker(int thread)>& make_worker,
    const std::function<void(const Line&, std::string_view reason, std::string& out)>& on_error) {
  BatchReader reader(options.files, options.longest_line);
  Writer writer(options.out, options.progress);
  const auto work = [&](const LineWorker& worker, const Batch& batch) {
    std::string out;
    uint64_t bad = 0;
    for (size_t i = 0; i < batch.lines.size(); ++i) {
      const auto& piece = batch.lines[i];
      const Line line{std::string_view(batch.bytes).substr(piece.begin, piece.size), batch.first_number + i,
                      piece.too_long};
      const size_t before = out.size();
      try {
        if (line.too_long) throw InvalidInput(fmt::format("longer than {} bytes", options.longest_line));
        worker(line, out);
      } catch (const InvalidInput& e) {
        ++bad;
        out.resize(before);
        on_error(line, e.what(), out);
      }
    }
    writer.put(batch.sequence, std::move(out), batch.lines.size(), bad);
  };

  if (options.threads <= 1) {
    const LineWorker worker = make_worker(0);
    Batch batch;
    for (uint64_t sequence = 0; reader.next(batch); ++sequence) {
      batch.sequence = sequence;
      work(worker, batch);
    }
    writer.finish();
    return writer.totals();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Batch> queue;  // at most twice the threads, so memory stays bounded
  const size_t bound = static_cast<size_t>(options.threads) * 2;
  // Read ahead of what is written by so many batches at most: while one thread is long at a line, the others' finished
  // batches wait in memory.
  const uint64_t window = static_cast<uint64_t>(options.threads) * 8;
  bool done = false;
  std::exception_ptr failure;
  std::vector<LineWorker> workers;
  for (int i = 0; i < options.threads; ++i) workers.push_back(make_worker(i));
  const auto fail = [&] {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::current_exception();
    changed.notify_all();
  };
  {
    std::vector<std::jthread> threads;
    for (const LineWorker& worker : workers) {
      threads.emplace_back([&, &worker = worker] {
        try {
          while (true) {
            Batch batch;
            {
              std::unique_lock lock(mutex);
              changed.wait(lock, [&] { return !queue.empty() || done || failure; });
              if (failure || queue.empty()) return;
              batch = std::move(queue.front());
              queue.pop_front();
            }
            changed.notify_all();
            work(worker, batch);
            { const std::lock_guard lock(mutex); }  // the reader has either seen what was written or is asleep by now
            changed.notify_all();
          }
        } catch (...) {
          fail();
        }
      });
    }
    try {
      Batch batch;
      for (uint64_t sequence = 0; reader.next(batch); ++sequence) {
        batch.sequence = sequence;
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return (queue.size() < bound && sequence < writer.written() + window) || failure; });
        if (failure) break;
        queue.push_back(std::move(batch));
        batch = {};
        changed.notify_all();
      }
    } catch (...) {
      fail();
    }
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  }
  if (failure) std::rethrow_exception(failure);
  writer.finish();
  return writer.totals();
}

void append_json(std::string& out, std::string_view text) {
  std::string mended;
  if (!is_utf8(text)) {
    mended = to_utf8_lossy(text);
    text = mended;
  }
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
          out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_json(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_json(std::string& out, int64_t number) {
  out += std::to_string(number);
}

}  // namespace dalgona::insights
