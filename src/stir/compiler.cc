#include "stir/compiler.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"

namespace dalgona::stir {
namespace {
namespace json = boost::json;

std::string expression_name(const Node& node) {
  return "__dbt__cte__" + node.name;
}

bool is_ephemeral(const Node& node) {
  return node.kind == Kind::kModel && node.setting("materialized", "view") == "ephemeral";
}

// The first place in `sql` that is neither white space nor comment.
size_t skip_comments(std::string_view sql) {
  size_t at = 0;
  while (at < sql.size()) {
    if (std::isspace(static_cast<unsigned char>(sql[at])) != 0) {
      ++at;
    } else if (sql.substr(at, 2) == "--" || sql[at] == '#') {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at, 2) == "/*") {
      const size_t end = sql.find("*/", at + 2);
      at = end == sql.npos ? sql.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

}  // namespace

std::string with_expressions(const std::string& sql,
                             const std::vector<std::pair<std::string, std::string>>& expressions) {
  if (expressions.empty()) return sql;
  std::string list;
  for (const auto& [name, text] : expressions)
    list += fmt::format("{}{} as (\n{}\n)", list.empty() ? "" : ", ", name, text);
  const size_t begin = skip_comments(sql);
  if (to_lower_ascii(sql.substr(begin, 4)) == "with" && begin + 4 < sql.size() &&
      std::isspace(static_cast<unsigned char>(sql[begin + 4])) != 0)
    return sql.substr(0, begin) + "with " + list + "," + sql.substr(begin + 4);
  return sql.substr(0, begin) + "with " + list + "\n" + sql.substr(begin);
}

std::vector<std::string> topological(const std::map<std::string, Node>& nodes) {
  enum class Mark { kNew, kOpen, kDone };
  std::map<std::string, Mark> marks;
  std::vector<std::string> order, way;
  // Recursion is bounded by the longest chain of models.
  const std::function<void(const std::string&)> visit = [&](const std::string& id) {
    Mark& mark = marks[id];
    if (mark == Mark::kDone) return;
    if (mark == Mark::kOpen) {
      std::string circle;
      for (auto at = std::find(way.begin(), way.end(), id); at != way.end(); ++at)
        circle += nodes.at(*at).name + " -> ";
      throw CompileError(fmt::format("{}:1: models depend on one another in a circle: {}{}", nodes.at(id).path, circle,
                                     nodes.at(id).name));
    }
    mark = Mark::kOpen;
    way.push_back(id);
    for (const auto& upstream : nodes.at(id).depends) visit(upstream);
    way.pop_back();
    marks[id] = Mark::kDone;
    order.push_back(id);
  };
  for (const auto& [id, node] : nodes) visit(id);
  return order;
}

Compiler::Compiler(const std::filesystem::path& folder, const Target& target, const json::object& vars)
    : project_(read_project(folder, target, vars)) {
  json::object given;
  given["project"] = project_.name;
  given["target"] = {{"name", target.name}, {"schema", target.schema}, {"database", ""}, {"type", "clickhouse"}};
  given["vars"] = project_.vars;
  given["invocation_id"] = make_uuid7(system_clock().now()).text();
  json::array macros;
  for (const auto& macro : project_.macros) macros.push_back({{"path", macro.path}, {"source", macro.source}});
  given["macros"] = std::move(macros);
  json::object sources;
  for (const auto& [id, node] : project_.nodes)
    if (node.kind == Kind::kSource) sources[node.name] = {{"schema", node.schema}, {"identifier", node.identifier}};
  given["sources"] = std::move(sources);
  jinja_ = std::make_unique<Jinja>(given);
  parse();
  order_ = topological(project_.nodes);
}

json::object Compiler::request(const Node& node, const char* mode) const {
  json::object r;
  r["mode"] = mode;
  r["name"] = node.name;
  r["path"] = node.path;
  r["config"] = node.config;
  json::array tags;
  for (const auto& tag : node.tags) tags.emplace_back(tag);
  r["model"] = {{"name", node.name},        {"unique_id", node.id},  {"tags", tags},     {"config", node.config},
                {"alias", node.identifier}, {"schema", node.schema}, {"path", node.path}};
  if (node.test_macro.empty()) {
    r["source"] = node.text;
  } else {
    r["test_macro"] = node.test_macro;
    r["kwargs"] = node.arguments;
    r["tested"] = node.tested;
    r["where"] = node.setting("where");
  }
  if (node.kind != Kind::kTest) r["this"] = {{"schema", node.schema}, {"identifier", node.identifier}};
  return r;
}

void Compiler::parse() {
  std::vector<std::string> known;
  for (const auto& [id, node] : project_.nodes)
    if (node.kind == Kind::kModel || node.kind == Kind::kSeed) known.push_back(node.name);
  for (auto& [id, node] : project_.nodes) {
    if (node.kind == Kind::kSource || node.kind == Kind::kSeed) continue;
    json::object parsed;
    try {
      parsed = jinja_->render(request(node, "parse"));
    } catch (const CompileError& e) {
      if (node.test_macro.empty()) throw;
      throw CompileError(fmt::format("{}:{}: test '{}': {}", node.path, node.line, node.name, e.what()));
    }
    for (const auto& name : parsed.at("refs").as_array()) {
      const std::string ref(name.as_string());
      const Node* found = project_.find(ref);
      if (!found)
        throw CompileError(fmt::format("{}:{}: ref('{}'): there is no such model or seed{}", node.path,
                                       std::max(node.line, 1), ref, did_you_mean(ref, known)));
      node.depends.insert(found->id);
    }
    for (const auto& name : parsed.at("sources").as_array())
      node.depends.insert(fmt::format("source.{}.{}", project_.name, name.as_string().c_str()));
    for (const auto& [key, value] : parsed.at("config").as_object()) {
      if (key == "tags") {
        if (value.is_string()) node.tags.emplace(value.as_string());
        if (value.is_array())
          for (const auto& tag : value.as_array()) node.tags.emplace(tag.as_string());
      } else {
        node.config[key] = value;
      }
    }
    if (node.kind == Kind::kModel) node.identifier = node.setting("alias", node.name);
  }
}

Compiler::Compiled Compiler::compile_alone(const Node& node, bool incremental, bool full_refresh,
                                           const Jinja::RunQuery& run_query,
                                           std::vector<std::pair<std::string, std::string>>& expressions) const {
  json::object r = request(node, "compile");
  json::object refs;
  for (const auto& id : node.depends) {
    const Node& upstream = project_.nodes.at(id);
    if (upstream.kind == Kind::kSource) continue;
    json::object relation{{"schema", upstream.schema}, {"identifier", upstream.identifier}};
    if (is_ephemeral(upstream)) {
      relation["cte"] = expression_name(upstream);
      const auto same = [&](const auto& known) { return known.first == expression_name(upstream); };
      if (std::none_of(expressions.begin(), expressions.end(), same)) {
        const auto inner = compile_alone(upstream, false, full_refresh, run_query, expressions);
        if (std::none_of(expressions.begin(), expressions.end(), same))
          expressions.emplace_back(expression_name(upstream), inner.sql);
      }
    }
    refs[upstream.name] = std::move(relation);
  }
  r["refs"] = std::move(refs);
  r["is_incremental"] = incremental;
  r["full_refresh"] = full_refresh;
  const json::object rendered = jinja_->render(r, run_query);
  Compiled compiled;
  compiled.sql = rendered.at("sql").as_string();
  compiled.config = node.config;
  for (const auto& [key, value] : rendered.at("config").as_object()) compiled.config[key] = value;
  for (const auto& line : rendered.at("logs").as_array()) compiled.logs.emplace_back(line.as_string());
  return compiled;
}

Compiler::Compiled Compiler::compile(const Node& node, bool incremental, bool full_refresh,
                                     const Jinja::RunQuery& run_query) const {
  std::vector<std::pair<std::string, std::string>> expressions;
  Compiled compiled = compile_alone(node, incremental, full_refresh, run_query, expressions);
  compiled.sql = with_expressions(compiled.sql, expressions);
  return compiled;
}

}  // namespace dalgona::stir
