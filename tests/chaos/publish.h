// The publisher under test: a process of its own, so that it can be killed.
#pragma once
#include <filesystem>
#include <string>

#include "chaos/plan.h"

namespace dalgona::chaos {

struct PublishOptions {
  // Holds the broker's URL, mode 0600.
  std::filesystem::path url_file;
  // The index of the first window that is not known to be confirmed.
  std::filesystem::path progress;
  // Lines with the number of windows that may be published come in here; its end ends the process.
  int allowances = 3;
};

// Publishes windows one after another, writes down each that is confirmed, and returns after the last. A window that
// may have been sent before goes out marked as resent. Throws only when nothing can be done about it.
void publish(const Plan& plan, const PublishOptions& options);

// 0 when there is none yet.
uint64_t read_progress(const std::filesystem::path& file);

}  // namespace dalgona::chaos
