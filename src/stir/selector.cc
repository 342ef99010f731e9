#include "stir/selector.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fnmatch.h>

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::stir {
namespace {

using Ids = std::set<std::string>;
using Edges = std::map<std::string, Ids>;

bool glob(std::string_view pattern, const std::string& text) {
  return ::fnmatch(std::string(pattern).c_str(), text.c_str(), 0) == 0;
}

bool matches(const Node& node, std::string_view method, std::string_view value) {
  if (method == "tag")
    return std::any_of(node.tags.begin(), node.tags.end(), [&](const auto& tag) { return glob(value, tag); });
  if (method == "path") {
    std::string_view path = value;
    while (path.ends_with('/')) path.remove_suffix(1);
    // Given from the project's folder, or from the one above it as dbt's users type it.
    if (path.starts_with("models/") && !node.path.starts_with("models/")) path.remove_prefix(7);
    return node.path == path || node.path.starts_with(std::string(path) + "/") || glob(path, node.path);
  }
  if (method == "file") return node.path.substr(node.path.rfind('/') + 1) == value;
  if (method == "resource_type") return name_of(node.kind) == value;
  if (method == "source")
    return node.kind == Kind::kSource &&
           (glob(value, node.name) || glob(value, node.name.substr(0, node.name.find('.'))));
  if (method == "test_type")
    return node.kind == Kind::kTest && (value == "generic" || value == "singular") &&
           (value == "generic") == !node.test_macro.empty();
  if (method == "test_name") return node.kind == Kind::kTest && node.test_macro == "test_" + std::string(value);
  if (method.starts_with("config.")) return glob(value, node.setting(method.substr(7)));
  if (method == "fqn") {
    if (node.kind == Kind::kSource) return false;
    if (glob(value, node.name)) return true;
    std::string name;
    for (size_t i = 1; i < node.fqn.size(); ++i) {
      name += (name.empty() ? "" : ".") + node.fqn[i];
      if (name == value || fmt::format("{}.{}", node.fqn[0], name) == value) return true;
    }
    return node.fqn[0] == value;
  }
  return false;
}

void walk(const Edges& edges, const std::string& from, int depth, Ids& found) {
  std::vector<std::string> level{from};
  while (!level.empty() && depth-- != 0) {
    std::vector<std::string> next;
    for (const auto& id : level)
      if (const auto at = edges.find(id); at != edges.end())
        for (const auto& other : at->second)
          if (found.insert(other).second) next.push_back(other);
    level.swap(next);
  }
}

struct Graph {
  Edges up, down;
};

Ids one(const Project& project, const Graph& graph, std::string_view text) {
  const std::string whole(text);
  const auto wrong = [&](const std::string& why) { throw InvalidInput("selector '" + whole + "': " + why); };
  bool around = false;
  int above = 0, below = 0;  // -1: without end
  if (text.starts_with('@')) {
    around = true;
    text.remove_prefix(1);
  }
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits < text.size() && text[digits] == '+') {
    above = -1;
    if (digits > 0) std::from_chars(text.data(), text.data() + digits, above);
    text.remove_prefix(digits + 1);
  }
  if (const size_t plus = text.rfind('+'); plus != text.npos) {
    const auto number = text.substr(plus + 1);
    if (number.empty()) {
      below = -1;
    } else if (const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), below);
               error != std::errc() || stop != number.data() + number.size()) {
      wrong("after '+' stands a number or nothing");
    }
    text = text.substr(0, plus);
  }
  std::string_view method, value = text;
  if (const size_t colon = text.find(':'); colon != text.npos) {
    method = text.substr(0, colon);
    value = text.substr(colon + 1);
    static const std::vector<std::string> known{
        "tag", "path", "file", "fqn", "resource_type", "source", "test_type", "test_name", "config.materialized"};
    if (!method.starts_with("config.") && std::find(known.begin(), known.end(), method) == known.end())
      wrong("there is no method '" + std::string(method) + "'" + did_you_mean(method, known));
  }
  if (value.empty()) wrong("nothing is named");
  Ids found;
  for (const auto& [id, node] : project.nodes) {
    const bool match = !method.empty() ? matches(node, method, value)
                                       : matches(node, "fqn", value) ||
                                             (value.find('/') != value.npos && matches(node, "path", value));
    if (match) found.insert(id);
  }
  if (found.empty()) {
    std::vector<std::string> names;
    for (const auto& [id, node] : project.nodes) names.push_back(node.name);
    wrong("finds nothing" + (method.empty() ? did_you_mean(value, names) : ""));
  }
  Ids all = found;
  for (const auto& id : found) {
    if (above != 0) walk(graph.up, id, above, all);
    if (below != 0) walk(graph.down, id, below, all);
    if (around) {
      Ids children{id};
      walk(graph.down, id, -1, children);
      for (const auto& child : children) walk(graph.up, child, -1, all);
      all.insert(children.begin(), children.end());
    }
  }
  return all;
}

Ids any(const Project& project, const Graph& graph, const std::vector<std::string>& texts) {
  Ids all;
  for (const auto& text : texts)
    for (const auto word : split(text, ' ')) {
      if (word.empty()) continue;
      std::optional<Ids> both;
      for (const auto part : split(word, ',')) {
        Ids found = one(project, graph, part);
        if (!both) {
          both = std::move(found);
          continue;
        }
        Ids common;
        std::set_intersection(both->begin(), both->end(), found.begin(), found.end(),
                              std::inserter(common, common.end()));
        both = std::move(common);
      }
      all.merge(*both);
    }
  return all;
}

}  // namespace

std::set<std::string> select_nodes(const Project& project, const std::vector<std::string>& select,
                                   const std::vector<std::string>& exclude) {
  Graph graph;
  for (const auto& [id, node] : project.nodes) {
    graph.up[id] = node.depends;
    for (const auto& upstream : node.depends) graph.down[upstream].insert(id);
  }
  Ids chosen;
  if (select.empty()) {
    for (const auto& [id, node] : project.nodes) chosen.insert(id);
  } else {
    chosen = any(project, graph, select);
    // As in dbt, a test comes with what it tests when all that it tests is chosen.
    for (const auto& [id, node] : project.nodes)
      if (node.kind == Kind::kTest && !node.depends.empty() &&
          std::all_of(
              node.depends.begin(), node.depends.end(),
              [&](const auto& up) { return chosen.contains(up) || project.nodes.at(up).kind == Kind::kSource; }) &&
          std::any_of(node.depends.begin(), node.depends.end(), [&](const auto& up) { return chosen.contains(up); }))
        chosen.insert(id);
  }
  if (!exclude.empty())
    for (const auto& id : any(project, graph, exclude)) chosen.erase(id);
  return chosen;
}

}  // namespace dalgona::stir
