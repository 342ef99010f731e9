#pragma once

namespace dalgona::stir {

// The Python module that jinja.cc runs.
extern const char* const kJinjaSource;

}  // namespace dalgona::stir
