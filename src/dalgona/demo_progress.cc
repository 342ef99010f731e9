#include "dalgona/demo_progress.h"

#include <iostream>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dalgona {
namespace {

constexpr auto kPlainEvery = std::chrono::seconds{2};

double between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// A live line that wraps could not be taken back.
std::string fitting(const std::string& text) {
  winsize size{};
  const size_t columns = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 8 ? size.ws_col - 1 : 79;
  return text.size() <= columns ? text : text.substr(0, columns);
}

}  // namespace

DemoProgress::DemoProgress(Where where)
    : terminal_(where == Where::kOutput && ::isatty(STDOUT_FILENO) == 1), silent_(where == Where::kNowhere) {}

double DemoProgress::seconds() const {
  return between(begin_, Clock::now());
}

void DemoProgress::clear_live() {
  if (live_) std::cout << "\r\033[K";
  live_ = false;
}

void DemoProgress::print_ended(const std::string& text) {
  clear_live();
  if (silent_) return;
  std::cout << fmt::format("{:<12} {} ({:.1f} s)", stage_, text, between(stage_begin_, Clock::now())) << std::endl;
  stage_.clear();
}

void DemoProgress::stage(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (!stage_.empty()) print_ended(last_);
  stage_ = name;
  last_.clear();
  stage_begin_ = Clock::now();
  shown_ = Clock::now();
}

void DemoProgress::now(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  last_ = text;
  if (terminal_) {
    std::cout << "\r\033[K" << fitting(fmt::format("{:<12} {}", stage_, text)) << std::flush;
    live_ = true;
  } else if (!silent_ && Clock::now() - shown_ >= kPlainEvery) {
    shown_ = Clock::now();
    std::cout << fmt::format("{:<12} {}", stage_, text) << std::endl;
  }
}

void DemoProgress::done(const std::string& result) {
  const std::scoped_lock lock(mutex_);
  print_ended(result);
}

void DemoProgress::line(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  clear_live();
  if (!silent_) std::cout << text << std::endl;
}

}  // namespace dalgona
