// dbt's Jinja: Debian's Jinja2 in an embedded CPython, sandboxed as dbt has it. The only room that includes pybind11.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include <boost/json.hpp>

#include "base/errors.h"

namespace dalgona::stir {

// A model, macro, test or YAML file that is wrong. The text begins with FILE:LINE.
class CompileError : public InvalidInput {
 public:
  using InvalidInput::InvalidInput;
};

// Thread-safe: one render at a time, since Python has one lock; a running query gives it free.
class Jinja {
 public:
  // Asked by run_query and statement; gives a JSONCompact answer, or {"error": text}. Must not throw.
  using RunQuery = std::function<std::string(const std::string& sql)>;

  // `project`: {project, macros: [{path, source}], target: {name, schema, type}, vars, sources, invocation_id}.
  // Throws CompileError for a macro file that is wrong.
  explicit Jinja(const boost::json::object& project);
  ~Jinja();
  Jinja(const Jinja&) = delete;
  Jinja& operator=(const Jinja&) = delete;

  // `request`: {mode: "parse" or "compile", name, path, source, this, refs, config, is_incremental, ...}. Gives {sql,
  // refs, sources, config, logs}. Throws CompileError.
  boost::json::object render(const boost::json::object& request, const RunQuery& run_query = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dalgona::stir
