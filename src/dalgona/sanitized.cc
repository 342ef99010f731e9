#include "dalgona/sanitized.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/resources.h"

namespace dalgona {

void run_engine_unsanitized([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
#ifdef DALGONA_SANITIZED
  if (argc < 2 || std::string_view(argv[1]) != "warehouse") return;
  const auto program = self_path().parent_path().parent_path() / "release" / "dalgona";
  ::execv(program.c_str(), argv);
  throw Permanent(fmt::format("the engine does not run under a sanitizer, and {} can't be started in its place: {}",
                              program.string(), std::strerror(errno)));
#endif
}

}  // namespace dalgona
