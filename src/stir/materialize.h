// How a compiled model becomes a table, view or more rows of a table: plans of statements, as text, without running
// them. Names of settings are dbt-clickhouse's.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "stir/compiler.h"

namespace dalgona::stir {

struct Relation {
  std::string schema, identifier;
  std::string sql() const;  // `schema`.`identifier`
};

// What stands in the warehouse under the model's name.
struct Existing {
  enum class Kind { kNone, kTable, kView } kind = Kind::kNone;
  std::vector<std::string> columns;  // of a table, in order
};

struct Plan {
  std::string materialized;
  // In order. A twin left by a run that was killed is dropped first.
  std::vector<std::string> statements;
  // For insert_overwrite: after the statements, each partition of `staged` replaces the one of `target`; then `staged`
  // is dropped.
  std::optional<Relation> overwrite_from;
  std::vector<std::string> after;
  bool appends = false;  // running it twice doubles rows
};

// True when the model is incremental, a table of it stands, and no full refresh is asked for.
bool runs_incrementally(const Node& node, const Existing& existing, bool full_refresh);

// `columns`: names the compiled SELECT gives; needed when it runs incrementally. Throws CompileError naming the file
// for a setting that is wrong.
Plan plan_model(const Node& node, const Compiler::Compiled& compiled, const Existing& existing, bool incremental,
                const std::vector<std::string>& columns, const std::string& cluster);

// A seed's table, empty, and the swap; rows are inserted into `twin` between the two.
struct SeedPlan {
  Relation twin;
  std::vector<std::string> before, after;
};
SeedPlan plan_seed(const Node& node, const Existing& existing, const std::string& cluster);

// Query settings of the model ({"max_threads": "2"}).
std::map<std::string, std::string> query_settings(const boost::json::object& config);

}  // namespace dalgona::stir
