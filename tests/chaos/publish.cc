#include "chaos/publish.h"

#include <cerrno>
#include <cstdio>
#include <fstream>

#include <unistd.h>

#include "base/amqp/amqp.h"
#include "base/errors.h"
#include "base/log.h"
#include "base/resources.h"
#include "base/text.h"

namespace dalgona::chaos {
namespace {
namespace fs = std::filesystem;

// The last number that stands in the pipe; waits for one. False at its end.
bool read_allowance(int descriptor, std::string& rest, uint64_t& allowed) {
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    rest.append(buffer, size_t(got));
    const size_t end = rest.rfind('\n');
    if (end == std::string::npos) continue;
    const size_t before = end == 0 ? std::string::npos : rest.rfind('\n', end - 1);
    allowed = std::stoull(rest.substr(before == std::string::npos ? 0 : before + 1, end));
    rest.erase(0, end + 1);
    return true;
  }
}

// Whole or not at all for whoever reads it; it need not outlive the machine, for the publisher's machine stays.
void write_progress(const fs::path& file, uint64_t windows) {
  const fs::path beside = file.string() + ".new";
  std::ofstream(beside) << windows << "\n";
  fs::rename(beside, file);
}

}  // namespace

uint64_t read_progress(const fs::path& file) {
  uint64_t windows = 0;
  std::ifstream(file) >> windows;
  return windows;
}

void publish(const Plan& plan, const PublishOptions& options) {
  amqp::Publisher publisher({.url = std::string(trim(read_file(options.url_file))), .name = "chaos publisher"});
  uint64_t allowed = 0;
  std::string rest;
  uint64_t index = read_progress(options.progress);
  bool maybe_sent = true;  // by whoever had our place before us
  while (index < plan.windows()) {
    while (index >= allowed)
      if (!read_allowance(options.allowances, rest, allowed)) return;
    Window window = plan.window(index);
    if (maybe_sent)
      for (auto& message : window.messages) message.properties.headers[amqp::kResentHeader] = int64_t{1};
    try {
      publisher.publish_blocking(std::move(window.messages));
    } catch (const Error& e) {
      // Also when it was refused as unroutable: the broker comes back before the sink has declared its queues again.
      log::warn("msg=\"window not confirmed, sent again\" window={} error={}", index, log::quoted(e.what()));
      maybe_sent = true;
      ::usleep(200'000);
      continue;
    }
    maybe_sent = false;
    write_progress(options.progress, ++index);
  }
}

}  // namespace dalgona::chaos
