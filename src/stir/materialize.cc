#include "stir/materialize.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "warehouse/client.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;

std::string text_of(const json::value& value) {
  if (value.is_string()) return value.as_string().c_str();
  if (value.is_bool()) return value.as_bool() ? "1" : "0";
  return json::serialize(value);
}

std::string setting(const json::object& config, std::string_view key, std::string_view otherwise = {}) {
  const auto* value = config.if_contains(key);
  if (!value || value->is_null()) return std::string(otherwise);
  return text_of(*value);
}

// "a", ["a", "b"] -> a, b
std::vector<std::string> names(const json::object& config, std::string_view key) {
  std::vector<std::string> found;
  const auto* value = config.if_contains(key);
  if (!value || value->is_null()) return found;
  if (value->is_array()) {
    for (const auto& item : value->as_array()) found.push_back(text_of(item));
  } else {
    for (const auto piece : split(text_of(*value), ',')) found.emplace_back(trim(piece));
  }
  return found;
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::string quoted(const std::vector<std::string>& columns) {
  std::vector<std::string> all;
  for (const auto& column : columns) all.push_back(warehouse::identifier(column));
  return joined(all);
}

// A sort or partition expression as given, or a list of them in brackets.
std::string expression(const json::object& config, std::string_view key) {
  const auto* value = config.if_contains(key);
  if (!value || value->is_null()) return {};
  if (value->is_array()) return "(" + joined(names(config, key)) + ")";
  const std::string text = text_of(*value);
  return text.starts_with("(") || text == "tuple()" ? text : "(" + text + ")";
}

std::string storage(const json::object& config) {
  std::string sql = " ENGINE = " + setting(config, "engine", "MergeTree()");
  if (const auto by = expression(config, "partition_by"); !by.empty()) sql += " PARTITION BY " + by;
  if (const auto by = expression(config, "primary_key"); !by.empty()) sql += " PRIMARY KEY " + by;
  const auto order = expression(config, "order_by");
  sql += " ORDER BY " + (order.empty() ? "tuple()" : order);
  if (const auto ttl = setting(config, "ttl"); !ttl.empty()) sql += " TTL " + ttl;
  if (const auto* settings = config.if_contains("settings"); settings && settings->is_object()) {
    std::vector<std::string> all;
    for (const auto& [key, value] : settings->as_object())
      all.push_back(fmt::format("{} = {}", std::string_view(key),
                                value.is_string() ? warehouse::literal(value.as_string().c_str()) : text_of(value)));
    if (!all.empty()) sql += " SETTINGS " + joined(all);
  }
  return sql;
}

class Planner {
 public:
  Planner(const Node& node, const Existing& existing, const std::string& cluster)
      : node_(node),
        existing_(existing),
        on_cluster_(cluster.empty() ? "" : " ON CLUSTER " + warehouse::identifier(cluster)),
        target_{node.schema, node.identifier},
        twin_{node.schema, node.identifier + "__dbt_tmp"} {}

  std::string drop(const Relation& relation) const {
    return fmt::format("DROP TABLE IF EXISTS {}{}", relation.sql(), on_cluster_);
  }
  // The twin takes the target's name in one step, so that no reader finds nothing.
  std::vector<std::string> take_over(const Relation& twin) const {
    if (existing_.kind == Existing::Kind::kNone)
      return {fmt::format("RENAME TABLE {} TO {}{}", twin.sql(), target_.sql(), on_cluster_)};
    return {fmt::format("EXCHANGE TABLES {} AND {}{}", twin.sql(), target_.sql(), on_cluster_), drop(twin)};
  }
  void make(std::vector<std::string>& out, const Relation& relation, const Compiler::Compiled& compiled) const {
    out.push_back(drop(relation));
    out.push_back(fmt::format("CREATE TABLE {}{}{} EMPTY AS\n{}", relation.sql(), on_cluster_, storage(compiled.config),
                              compiled.sql));
  }
  std::string insert(const Relation& into, const std::vector<std::string>& columns, const std::string& sql) const {
    if (columns.empty()) return fmt::format("INSERT INTO {}\n{}", into.sql(), sql);
    return fmt::format("INSERT INTO {} ({})\n{}", into.sql(), quoted(columns), sql);
  }

  const Node& node_;
  const Existing& existing_;
  std::string on_cluster_;
  Relation target_, twin_;
};

}  // namespace

std::string Relation::sql() const {
  return warehouse::identifier(schema) + "." + warehouse::identifier(identifier);
}

bool runs_incrementally(const Node& node, const Existing& existing, bool full_refresh) {
  return node.setting("materialized", "view") == "incremental" && existing.kind == Existing::Kind::kTable &&
         !full_refresh && node.setting("full_refresh", "false") != "true";
}

Plan plan_model(const Node& node, const Compiler::Compiled& compiled, const Existing& existing, bool incremental,
                const std::vector<std::string>& columns, const std::string& cluster) {
  const Planner p(node, existing, cluster);
  Plan plan;
  plan.materialized = setting(compiled.config, "materialized", "view");
  const auto wrong = [&](const std::string& text) { throw CompileError(node.path + ":1: " + text); };
  if (plan.materialized == "view") {
    if (existing.kind == Existing::Kind::kTable) {
      plan.statements = {p.drop(p.twin_),
                         fmt::format("CREATE VIEW {}{} AS\n{}", p.twin_.sql(), p.on_cluster_, compiled.sql)};
      plan.after = p.take_over(p.twin_);
    } else {
      plan.statements = {
          fmt::format("CREATE OR REPLACE VIEW {}{} AS\n{}", p.target_.sql(), p.on_cluster_, compiled.sql)};
    }
    return plan;
  }
  if (plan.materialized != "table" && plan.materialized != "incremental")
    wrong("materialized is '" + plan.materialized + "': want table, view, incremental or ephemeral");
  if (!incremental) {
    p.make(plan.statements, p.twin_, compiled);
    plan.statements.push_back(p.insert(p.twin_, {}, compiled.sql));
    plan.after = p.take_over(p.twin_);
    return plan;
  }

  // Columns are matched by name: a model that gives them in another order must not mix them up.
  std::vector<std::string> missing;
  for (const auto& column : columns)
    if (std::find(existing.columns.begin(), existing.columns.end(), column) == existing.columns.end())
      missing.push_back(column);
  std::vector<std::string> common;
  for (const auto& column : columns)
    if (std::find(missing.begin(), missing.end(), column) == missing.end()) common.push_back(column);
  const auto on_change = setting(compiled.config, "on_schema_change", "ignore");
  if (on_change != "ignore" && on_change != "fail")
    wrong("on_schema_change is '" + on_change + "': want ignore or fail");
  if (on_change == "fail" && (!missing.empty() || common.size() != existing.columns.size()))
    wrong("the columns have changed (" + joined(missing) + "); run it with --full-refresh");

  const auto keys = names(compiled.config, "unique_key");
  auto strategy = setting(compiled.config, "incremental_strategy");
  std::replace(strategy.begin(), strategy.end(), '+', '_');
  if (strategy.empty() || strategy == "default" || strategy == "legacy")
    strategy = keys.empty() ? "append" : "delete_insert";
  const Relation fresh{node.schema, node.identifier + "__dbt_new_data"};
  if (strategy == "append") {
    plan.appends = true;
    plan.statements = {
        p.insert(p.target_, common, fmt::format("SELECT {} FROM (\n{}\n)", quoted(common), compiled.sql))};
  } else if (strategy == "delete_insert") {
    if (keys.empty()) wrong("incremental_strategy delete+insert needs a unique_key");
    // Rows that stay and rows that are new, side by side in a twin that then takes over: readers see neither a gap nor
    // a double, which DELETE and then INSERT would show them.
    p.make(plan.statements, fresh, compiled);
    plan.statements.push_back(p.insert(fresh, {}, compiled.sql));
    plan.statements.push_back(p.drop(p.twin_));
    plan.statements.push_back(fmt::format("CREATE TABLE {}{} AS {}", p.twin_.sql(), p.on_cluster_, p.target_.sql()));
    plan.statements.push_back(fmt::format("INSERT INTO {} SELECT * FROM {} WHERE ({}) NOT IN (SELECT {} FROM {})",
                                          p.twin_.sql(), p.target_.sql(), joined(keys), joined(keys), fresh.sql()));
    plan.statements.push_back(p.insert(p.twin_, common, fmt::format("SELECT {} FROM {}", quoted(common), fresh.sql())));
    plan.after = p.take_over(p.twin_);
    plan.after.push_back(p.drop(fresh));
  } else if (strategy == "insert_overwrite") {
    if (expression(compiled.config, "partition_by").empty()) wrong("insert_overwrite needs partition_by");
    // REPLACE PARTITION wants the very structure of the target.
    plan.statements = {p.drop(fresh),
                       fmt::format("CREATE TABLE {}{} AS {}", fresh.sql(), p.on_cluster_, p.target_.sql()),
                       p.insert(fresh, common, fmt::format("SELECT {} FROM (\n{}\n)", quoted(common), compiled.sql))};
    plan.overwrite_from = fresh;
    plan.after = {p.drop(fresh)};
  } else {
    wrong("incremental_strategy is '" + strategy + "': want append, delete+insert or insert_overwrite");
  }
  return plan;
}

SeedPlan plan_seed(const Node& node, const Existing& existing, const std::string& cluster) {
  const Planner p(node, existing, cluster);
  SeedPlan plan;
  plan.twin = p.twin_;
  const auto end = node.text.find('\n');
  std::vector<std::string> columns;
  const json::object* types = nullptr;
  if (const auto* given = node.config.if_contains("column_types"); given && given->is_object())
    types = &given->as_object();
  std::string header = node.text.substr(0, end);
  if (header.starts_with("\xef\xbb\xbf")) header.erase(0, 3);
  for (const auto piece : split(trim(header), ',')) {
    std::string name(trim(piece));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    if (name.empty()) throw CompileError(node.path + ":1: a column has no name");
    const auto* type = types ? types->if_contains(name) : nullptr;
    columns.push_back(warehouse::identifier(name) + " " +
                      (type && type->is_string() ? std::string(type->as_string()) : "String"));
  }
  plan.before = {p.drop(p.twin_), fmt::format("CREATE TABLE {}{} ({}){}", p.twin_.sql(), p.on_cluster_, joined(columns),
                                              storage(node.config))};
  plan.after = p.take_over(p.twin_);
  return plan;
}

std::map<std::string, std::string> query_settings(const json::object& config) {
  std::map<std::string, std::string> all;
  if (const auto* settings = config.if_contains("query_settings"); settings && settings->is_object())
    for (const auto& [key, value] : settings->as_object()) all[std::string(key)] = text_of(value);
  return all;
}

}  // namespace dalgona::stir
