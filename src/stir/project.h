// A dbt project read from its folder: models, seeds, sources, tests, macros and their configuration, before any Jinja.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>

namespace dalgona::stir {

enum class Kind { kModel, kSeed, kTest, kSource };
std::string_view name_of(Kind kind);

struct Node {
  Kind kind = Kind::kModel;
  std::string id;                  // model.PROJECT.NAME, as dbt writes it
  std::string name;                // of a source: SOURCE.TABLE
  std::string path;                // of the file that defines it, from the project's folder
  int line = 0;                    // in a .yml: where it is declared
  std::vector<std::string> fqn;    // PROJECT, folders below the model path, NAME
  std::string text;                // a model's or singular test's SQL with its Jinja, a seed's CSV
  std::string schema, identifier;  // the relation
  boost::json::object config;      // dbt_project.yml < .yml < config() in the file; tags are added up
  std::set<std::string> tags;
  std::string description;
  std::set<std::string> depends;  // ids, filled by parse()

  // Generic tests.
  std::string test_macro;  // test_NAME; empty: a singular test
  boost::json::object arguments;
  std::string tested;  // "ref('x')" or "source('x', 'y')"

  // The configuration as text, or `otherwise`.
  std::string setting(std::string_view key, std::string_view otherwise = {}) const;
};

struct Macro {
  std::string path, source;
};

struct Target {
  std::string name = "dalgona";
  std::string schema = "dbt";
};

struct Project {
  std::string name;
  std::filesystem::path folder;
  Target target;
  std::map<std::string, Node> nodes;  // by id
  std::vector<Macro> macros;
  boost::json::object vars;

  const Node* find(std::string_view ref) const;  // a model or seed by name
};

// Throws CompileError naming file and line. `vars` are laid over those of dbt_project.yml.
Project read_project(const std::filesystem::path& folder, const Target& target, const boost::json::object& vars = {});

// A YAML text as JSON; plain scalars get their YAML type. Throws CompileError naming `path` and line.
boost::json::value yaml_to_json(const std::string& text, const std::string& path);

}  // namespace dalgona::stir
