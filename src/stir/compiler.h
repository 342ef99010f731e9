// From a project to SQL: what depends on what, and the text that each model runs.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "stir/jinja.h"
#include "stir/project.h"

namespace dalgona::stir {

// A parsed project: the dependencies and settings of every node are known.
class Compiler {
 public:
  // Reads, parses, and checks that nothing depends on itself. Throws CompileError.
  Compiler(const std::filesystem::path& folder, const Target& target, const boost::json::object& vars = {});

  const Project& project() const { return project_; }
  const Node& node(const std::string& id) const { return project_.nodes.at(id); }
  // Ids in an order in which each comes after all it depends on; equal ones by id.
  const std::vector<std::string>& order() const { return order_; }

  struct Compiled {
    std::string sql;
    boost::json::object config;  // with what config() said this time
    std::vector<std::string> logs;
  };
  // `incremental`: what is_incremental() answers. Ephemeral models it refers to are put before it as common table
  // expressions. Throws CompileError. Thread-safe; may block on `run_query`.
  Compiled compile(const Node& node, bool incremental = false, bool full_refresh = false,
                   const Jinja::RunQuery& run_query = {}) const;

 private:
  void parse();
  boost::json::object request(const Node& node, const char* mode) const;
  // Compiles `node` without its common table expressions and collects those it needs, innermost first.
  Compiled compile_alone(const Node& node, bool incremental, bool full_refresh, const Jinja::RunQuery& run_query,
                         std::vector<std::pair<std::string, std::string>>& expressions) const;

  Project project_;
  std::unique_ptr<Jinja> jinja_;
  std::vector<std::string> order_;
};

// `sql` with the expressions before it; they are joined with a WITH that it begins with.
std::string with_expressions(const std::string& sql,
                             const std::vector<std::pair<std::string, std::string>>& expressions);

// Ids of `nodes` ordered by `depends`; throws CompileError that shows the circle.
std::vector<std::string> topological(const std::map<std::string, Node>& nodes);

}  // namespace dalgona::stir
