#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pybind11/embed.h>
#include <pybind11/functional.h>
#include <pybind11/stl.h>
#pragma GCC diagnostic pop

#include <fmt/format.h>

#include "stir/jinja.h"
#include "stir/jinja_source.h"

namespace dalgona::stir {
namespace {
namespace py = pybind11;

// Once a process, never ended: Python cannot be started twice with extension modules.
void start_python() {
  static const bool once = [] {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    // Debian's Python whatever PATH and the environment say: its Jinja is what models are compiled with.
    PyConfig_SetString(&config, &config.program_name, L"/usr/bin/python3.11");
    config.install_signal_handlers = 0;
    const PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0)
      throw Permanent(fmt::format("Python does not start: {}", status.err_msg ? status.err_msg : "no reason given"));
    PyEval_SaveThread();
    return true;
  }();
  (void)once;
}

std::string place(const boost::json::object& error) {
  std::string text(error.at("file").as_string());
  if (error.at("line").is_int64()) text += fmt::format(":{}", error.at("line").as_int64());
  return text + ": " + std::string(error.at("message").as_string());
}

}  // namespace

// Hidden, as all of pybind11's types are.
struct __attribute__((visibility("hidden"))) Jinja::State {
  py::object project;
};

Jinja::Jinja(const boost::json::object& project) : state_(std::make_unique<State>()) {
  start_python();
  const py::gil_scoped_acquire lock;
  try {
    py::dict scope;
    scope["__builtins__"] = py::module_::import("builtins");
    scope["__name__"] = "dalgona_stir";
    py::exec(kJinjaSource, scope);
    state_->project = scope["Project"](boost::json::serialize(project));
    const py::object error = state_->project.attr("error");
    if (!error.is_none()) {
      const auto text = py::module_::import("json").attr("dumps")(error).cast<std::string>();
      throw CompileError(place(boost::json::parse(text).as_object()));
    }
  } catch (const py::error_already_set& e) {
    throw Permanent(fmt::format("Jinja does not start: {}", e.what()));
  }
}

Jinja::~Jinja() {
  const py::gil_scoped_acquire lock;
  state_.reset();
}

boost::json::object Jinja::render(const boost::json::object& request, const RunQuery& run_query) {
  std::string answer;
  {
    const std::string text = boost::json::serialize(request);
    const py::gil_scoped_acquire lock;
    try {
      const std::function<std::string(const std::string&)> ask = [&run_query](const std::string& sql) {
        if (!run_query) return std::string(R"({"error": "no warehouse at hand to ask"})");
        const py::gil_scoped_release released;
        return run_query(sql);
      };
      answer = state_->project.attr("render")(text, py::cpp_function(ask)).cast<std::string>();
    } catch (const py::error_already_set& e) {
      throw CompileError(fmt::format("{}: {}", request.at("path").as_string().c_str(), e.what()));
    }
  }
  auto result = boost::json::parse(answer).as_object();
  if (const auto* error = result.if_contains("error")) throw CompileError(place(error->as_object()));
  return result;
}

}  // namespace dalgona::stir
