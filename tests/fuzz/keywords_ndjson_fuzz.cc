// Any bytes as a JSON line with a text in it: a row or an error, no more.
#include <cstdint>
#include <string_view>

#include "base/errors.h"
#include "insights/text_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static dalgona::insights::TextLineReader reader("text", "id");
  try {
    reader.read(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const dalgona::InvalidInput&) {
  }
  return 0;
}
