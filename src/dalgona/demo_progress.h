// What the demo says while it works: one line a stage that keeps itself up to date on a terminal; plain lines, few of
// them, everywhere else.
#pragma once
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace dalgona {

// Thread-safe. Writes to standard output.
class DemoProgress {
 public:
  enum class Where { kOutput, kNowhere };
  explicit DemoProgress(Where where = Where::kOutput);
  // Begins a stage and ends the one before, whose line keeps what it said last and the seconds it took.
  void stage(const std::string& name);
  // What the stage is doing now. Off a terminal it is shown at most every two seconds.
  void now(const std::string& text);
  // Ends the stage with its result.
  void done(const std::string& result);
  // A line of its own.
  void line(const std::string& text);
  // Seconds since the demo began.
  double seconds() const;

 private:
  void clear_live();  // under mutex_
  void print_ended(const std::string& text);

  using Clock = std::chrono::steady_clock;
  std::mutex mutex_;
  const bool terminal_, silent_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point stage_begin_ = begin_, shown_{};
  std::string stage_, last_;
  bool live_ = false;
};

}  // namespace dalgona
