#include "stir/dags.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "base/yaml.h"

namespace dalgona::stir {
namespace {
namespace fs = std::filesystem;

class File {
 public:
  explicit File(const fs::path& path) : name_(path.filename().string()), root_(yaml::parse(read_file(path), name_)) {}

  Dag read() const {
    check_keys(root_, {"dag", "description", "schedule", "select", "exclude", "full_refresh", "retries", "retry_delay",
                       "timeout", "publish"});
    Dag dag;
    dag.name = text(root_, "dag");
    dag.description = root_["description"].as<std::string>("");
    dag.schedule_text = root_["schedule"].as<std::string>("");
    at(root_["schedule"], [&] { dag.schedule = Schedule::parse(dag.schedule_text); });
    dag.select = list(root_["select"]);
    dag.exclude = list(root_["exclude"]);
    at(root_["full_refresh"], [&] { dag.full_refresh = root_["full_refresh"].as<bool>(false); });
    at(root_["retries"], [&] { dag.retries = root_["retries"].as<int>(1); });
    at(root_["retry_delay"], [&] { dag.retry_delay = parse_duration(root_["retry_delay"].as<std::string>("5m")); });
    at(root_["timeout"], [&] { dag.timeout = parse_duration(root_["timeout"].as<std::string>("60m")); });
    for (const auto& item : root_["publish"]) dag.publish.push_back(target(item));
    return dag;
  }

 private:
  [[noreturn]] void fail(const YAML::Node& node, const std::string& what) const { yaml::fail(name_, node, what); }
  template <typename F>
  void at(const YAML::Node& node, F f) const {
    try {
      f();
    } catch (const std::exception& e) {
      fail(node, e.what());
    }
  }
  void check_keys(const YAML::Node& node, const std::vector<std::string>& known) const {
    yaml::expect_keys(name_, node, {}, known);
  }
  std::string text(const YAML::Node& node, const char* key) const {
    if (!node[key] || !node[key].IsScalar() || node[key].Scalar().empty())
      fail(node, fmt::format("'{}' is missing", key));
    return node[key].Scalar();
  }
  std::vector<std::string> list(const YAML::Node& node) const {
    std::vector<std::string> items;
    if (!node) return items;
    if (node.IsScalar()) return {node.Scalar()};
    if (!node.IsSequence()) fail(node, "want a list");
    for (const auto& item : node) items.push_back(item.Scalar());
    return items;
  }

  PublishTarget target(const YAML::Node& node) const {
    check_keys(node, {"model", "object", "table", "guard", "primary_key", "indexes", "columns"});
    PublishTarget t;
    t.model = text(node, "model");
    t.object = text(node, "object");
    const std::string table = text(node, "table");
    const auto dot = table.find('.');
    if (dot == table.npos) fail(node["table"], "want schema.table, not '" + table + "'");
    t.schema = table.substr(0, dot);
    t.table = table.substr(dot + 1);
    at(node["guard"], [&] { t.guard = node["guard"].as<double>(0.5); });
    if (t.guard < 0 || t.guard > 1) fail(node["guard"], "the guard is a share, 0 to 1");
    if (!node["columns"].IsMap()) fail(node, "'columns' is missing");
    std::set<std::string> known;
    for (const auto& column : node["columns"]) {
      t.columns.emplace_back(column.first.Scalar(), column.second.Scalar());
      known.insert(column.first.Scalar());
    }
    t.primary_key = list(node["primary_key"]);
    if (t.primary_key.empty()) fail(node, "'primary_key' is missing");
    for (const auto& index : node["indexes"]) t.indexes.push_back(list(index));
    auto named = t.indexes;
    named.push_back(t.primary_key);
    for (const auto& index : named)
      for (const auto& column : index)
        if (!known.contains(column)) fail(node, "'" + column + "' is indexed and is not a column");
    return t;
  }

  std::string name_;
  YAML::Node root_;
};

}  // namespace

std::map<std::string, Dag> read_dags(const fs::path& folder) {
  std::map<std::string, Dag> dags;
  std::set<fs::path> files;
  if (!fs::is_directory(folder)) throw InvalidInput(folder.string() + " is not a folder of DAGs");
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") files.insert(entry.path());
  for (const auto& file : files) {
    Dag dag = File(file).read();
    const std::string name = dag.name;
    if (!dags.emplace(name, std::move(dag)).second)
      throw InvalidInput(file.filename().string() + ": DAG '" + name + "' is declared twice");
  }
  return dags;
}

}  // namespace dalgona::stir
