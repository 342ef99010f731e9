// Any bytes as a stream's file: a stream whose tables can be written down, or a refusal that names the file.
#include <cstdlib>

#include "base/errors.h"
#include "events/catalogue.h"
#include "events/ddl.h"
#include "events/topology.h"

using namespace dalgona;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto stream = events::Catalogue::parse(std::string(reinterpret_cast<const char*>(data), size), "x.yaml");
    if (!stream.same_as.empty()) return 0;
    events::stream_ddl(stream, "");
    events::stream_ddl(stream, "main");
    events::topology({stream});
  } catch (const InvalidInput& e) {
    if (!std::string_view(e.what()).starts_with("x.yaml:")) std::abort();
  }
  return 0;
}
