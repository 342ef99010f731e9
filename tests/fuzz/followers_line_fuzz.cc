// Any bytes as a line of each format: a follower or an error, no more.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/errors.h"
#include "fake_follower/follower_line.h"

using namespace dalgona::fake_follower;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static FollowerReader ndjson({.format = LineFormat::kNdjson}), csv({.format = LineFormat::kCsv}),
      text({.format = LineFormat::kText});
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  for (FollowerReader* reader : {&ndjson, &csv, &text}) {
    try {
      const FollowerLine follower = reader->read(line);
      if (follower.handle.empty() && !follower.header) std::abort();
    } catch (const dalgona::InvalidInput&) {
    }
  }
  return 0;
}
