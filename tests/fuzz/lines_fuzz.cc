// Any bytes as a stream: as many lines as there are, in order, with their own bytes, whatever their length.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "insights/stream.h"

using namespace dalgona::insights;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > (1 << 16)) return 0;
  constexpr size_t kLongest = 100;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const int file = ::memfd_create("lines", MFD_CLOEXEC);
  if (file < 0 || ::write(file, bytes.data(), size) != static_cast<ssize_t>(size)) std::abort();
  static std::FILE* const nowhere = std::fopen("/dev/null", "w");
  uint64_t lines = 0, bad = 0;
  size_t at = 0;
  const auto expect = [&](const Line& line) {
    const size_t end = std::min(bytes.find('\n', at), size);
    std::string_view text = std::string_view(bytes).substr(at, end - at);
    const bool too_long = text.size() > kLongest;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (line.number != ++lines || line.too_long != too_long || (!too_long && line.text != text)) std::abort();
    bad += too_long;
    at = end + 1;
  };
  const auto totals = for_each_line(
      {.files = {"/proc/self/fd/" + std::to_string(file)}, .longest_line = kLongest, .out = nowhere},
      [&](int) { return [&](const Line& line, std::string&) { expect(line); }; },
      [&](const Line& line, std::string_view, std::string&) { expect(line); });
  ::close(file);
  if (totals.lines != lines || totals.bad != bad || at < size) std::abort();
  return 0;
}
