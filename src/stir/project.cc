#include "stir/project.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/resources.h"
#include "base/text.h"
#include "base/yaml.h"
#include "stir/jinja.h"

namespace dalgona::stir {
namespace {
namespace fs = std::filesystem;
namespace json = boost::json;

std::string at(const std::string& path, const YAML::Node& node) {
  return fmt::format("{}:{}: ", path, node.Mark().line + 1);
}

json::value scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return json::string(text);  // quoted
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  int64_t integer = 0;
  const char* end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, integer); error == std::errc() && stop == end)
    return integer;
  double number = 0;
  if (std::isalpha(static_cast<unsigned char>(text[0])) == 0)
    if (const auto [stop, error] = std::from_chars(text.data(), end, number); error == std::errc() && stop == end)
      return number;
  return json::string(text);
}

json::value to_json(const YAML::Node& node, const std::string& path) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return scalar(node);
    case YAML::NodeType::Sequence: {
      json::array items;
      for (const auto& item : node) items.push_back(to_json(item, path));
      return items;
    }
    case YAML::NodeType::Map: {
      json::object members;
      for (const auto& member : node) {
        if (!member.first.IsScalar()) throw CompileError(at(path, member.first) + "a key must be text");
        if (members.contains(member.first.Scalar()))
          throw CompileError(at(path, member.first) + "'" + member.first.Scalar() + "' stands twice");
        members[member.first.Scalar()] = to_json(member.second, path);
      }
      return members;
    }
    default:
      return nullptr;
  }
}

YAML::Node load(const std::string& text, const std::string& path) {
  try {
    return yaml::parse(text, path);
  } catch (const InvalidInput& e) {
    throw CompileError(e.what());
  }
}

void add_tags(const json::value& value, std::set<std::string>& tags) {
  if (value.is_string()) tags.emplace(value.as_string());
  if (value.is_array())
    for (const auto& tag : value.as_array()) add_tags(tag, tags);
}

// Lays `over` on the node's configuration; '+' before a key is dbt's mark of a setting. Tags add up; dictionaries of
// settings are laid over one another.
void merge_config(Node& node, const json::object& over) {
  for (const auto& [marked, value] : over) {
    std::string key(marked);
    if (key.starts_with('+')) key.erase(0, 1);
    if (key == "tags") {
      add_tags(value, node.tags);
    } else if ((key == "settings" || key == "query_settings" || key == "meta") && value.is_object() &&
               node.config.contains(key) && node.config[key].is_object()) {
      for (const auto& [name, inner] : value.as_object()) node.config[key].as_object()[name] = inner;
    } else {
      node.config[key] = value;
    }
  }
}

// The settings that dbt_project.yml gives for the folders a node stands in, outermost first.
void merge_project_config(Node& node, const json::value& tree) {
  const json::value* level = &tree;
  for (size_t depth = 0; level && level->is_object(); ++depth) {
    json::object settings;
    for (const auto& [key, value] : level->as_object())
      if (key.starts_with("+") || (!value.is_object() && key != node.fqn[0])) settings[key] = value;
    merge_config(node, settings);
    level = depth < node.fqn.size() ? level->as_object().if_contains(node.fqn[depth]) : nullptr;
  }
}

std::string hash8(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

class Reader {
 public:
  Reader(fs::path folder, const Target& target, const json::object& vars) {
    project_.folder = std::move(folder);
    project_.target = target;
    const fs::path file = project_.folder / "dbt_project.yml";
    if (!fs::exists(file)) throw CompileError(file.string() + ": there is no dbt project here");
    settings_ = yaml_to_json(read_file(file), "dbt_project.yml");
    if (!settings_.is_object() || !settings_.as_object().contains("name"))
      throw CompileError("dbt_project.yml:1: 'name' is missing");
    project_.name = settings_.at("name").as_string().c_str();
    if (const auto* given = settings_.as_object().if_contains("vars"); given && given->is_object()) {
      for (const auto& [key, value] : given->as_object())
        if (key == project_.name && value.is_object())
          for (const auto& [inner, inner_value] : value.as_object()) project_.vars[inner] = inner_value;
        else
          project_.vars[key] = value;
    }
    for (const auto& [key, value] : vars) project_.vars[key] = value;
  }

  Project read() {
    each_file("macro-paths", "macros", ".sql", [&](const std::string&, const std::string& path) {
      project_.macros.push_back({path, read_file(project_.folder / path)});
    });
    each_file("test-paths", "tests", ".sql", [&](const std::string& root, const std::string& path) {
      if (fs::path(path).lexically_relative(root).string().starts_with("generic/")) {
        project_.macros.push_back({path, read_file(project_.folder / path)});
        return;
      }
      add_file(Kind::kTest, root, path, "data_tests");
    });
    each_file("model-paths", "models", ".sql",
              [&](const std::string& root, const std::string& path) { add_file(Kind::kModel, root, path, "models"); });
    each_file("seed-paths", "seeds", ".csv",
              [&](const std::string& root, const std::string& path) { add_file(Kind::kSeed, root, path, "seeds"); });
    for (const char* key : {"model-paths", "seed-paths", "test-paths", "macro-paths"})
      for (const char* extension : {".yml", ".yaml"})
        each_file(key, std::string(key).substr(0, std::string(key).find('-')) + "s", extension,
                  [&](const std::string&, const std::string& path) { properties(path); });
    return std::move(project_);
  }

 private:
  template <typename F>
  void each_file(const char* key, const std::string& otherwise, std::string_view extension, F f) {
    std::vector<std::string> roots{otherwise};
    if (const auto* given = settings_.as_object().if_contains(key); given && given->is_array()) {
      roots.clear();
      for (const auto& root : given->as_array()) roots.emplace_back(root.as_string());
    }
    std::set<std::string> paths;
    for (const auto& root : roots) {
      if (!fs::is_directory(project_.folder / root)) continue;
      paths.clear();
      for (const auto& entry : fs::recursive_directory_iterator(project_.folder / root))
        if (entry.is_regular_file() && entry.path().extension() == extension)
          paths.insert(entry.path().lexically_relative(project_.folder).generic_string());
      for (const auto& path : paths)
        if (extension == ".sql" || extension == ".csv" || seen_properties_.insert(path).second) f(root, path);
    }
  }

  void add_file(Kind kind, const std::string& root, const std::string& path, const char* tree) {
    Node node;
    node.kind = kind;
    node.path = path;
    node.name = fs::path(path).stem().string();
    node.id = fmt::format("{}.{}.{}", name_of(kind), project_.name, node.name);
    node.fqn.push_back(project_.name);
    const fs::path below = fs::path(path).lexically_relative(root).parent_path();
    for (const auto& folder : below)
      if (!folder.empty() && folder != ".") node.fqn.push_back(folder.string());
    node.fqn.push_back(node.name);
    node.schema = project_.target.schema;
    node.identifier = node.name;
    node.text = read_file(project_.folder / path);
    if (const auto* settings = settings_.as_object().if_contains(tree)) merge_project_config(node, *settings);
    if (kind != Kind::kTest && project_.find(node.name))
      throw CompileError(
          fmt::format("{}:1: '{}' is defined here and in {}", path, node.name, project_.find(node.name)->path));
    project_.nodes.emplace(node.id, std::move(node));
  }

  void properties(const std::string& path) {
    const YAML::Node file = load(read_file(project_.folder / path), path);
    if (!file.IsMap()) return;
    for (const auto& source : file["sources"]) read_source(path, source);
    for (const char* section : {"models", "seeds"})
      for (const auto& item : file[section]) {
        const std::string name = item["name"].as<std::string>("");
        const Node* found = project_.find(name);
        if (!found) {
          std::vector<std::string> known;
          for (const auto& [id, node] : project_.nodes)
            if (node.kind == Kind::kModel || node.kind == Kind::kSeed) known.push_back(node.name);
          throw CompileError(at(path, item) + "there is no model or seed '" + name + "'" + did_you_mean(name, known));
        }
        Node& node = project_.nodes.at(found->id);
        node.description = item["description"].as<std::string>("");
        if (item["config"]) merge_config(node, to_json(item["config"], path).as_object());
        if (item["tags"]) add_tags(to_json(item["tags"], path), node.tags);
        tests_of(path, item, fmt::format("ref('{}')", name), name, "");
        for (const auto& column : item["columns"])
          tests_of(path, column, fmt::format("ref('{}')", name), name, column["name"].as<std::string>(""));
      }
  }

  void read_source(const std::string& path, const YAML::Node& source) {
    const std::string group = source["name"].as<std::string>("");
    for (const auto& table : source["tables"]) {
      const std::string name = table["name"].as<std::string>("");
      Node node;
      node.kind = Kind::kSource;
      node.path = path;
      node.line = table.Mark().line + 1;
      node.name = fmt::format("{}.{}", group, name);
      node.id = fmt::format("source.{}.{}.{}", project_.name, group, name);
      node.fqn = {project_.name, group, name};
      node.schema = source["schema"].as<std::string>(group);
      node.identifier = table["identifier"].as<std::string>(name);
      node.description = table["description"].as<std::string>("");
      for (const YAML::Node& level : std::vector<YAML::Node>{source, table})
        if (level["tags"]) add_tags(to_json(level["tags"], path), node.tags);
      if (!project_.nodes.emplace(node.id, node).second)
        throw CompileError(fmt::format("{}source '{}' is declared twice", at(path, table), node.name));
      const auto tested = fmt::format("source('{}', '{}')", group, name);
      const auto prefix = fmt::format("source_{}_{}", group, name);
      tests_of(path, table, tested, prefix, "");
      for (const auto& column : table["columns"])
        tests_of(path, column, tested, prefix, column["name"].as<std::string>(""));
    }
  }

  // `tests:` or `data_tests:` of a table or of one of its columns.
  void tests_of(const std::string& path, const YAML::Node& owner, const std::string& tested, const std::string& table,
                const std::string& column) {
    for (const char* key : {"tests", "data_tests"})
      for (const auto& item : owner[key]) {
        Node node;
        node.kind = Kind::kTest;
        node.path = path;
        node.line = item.Mark().line + 1;
        node.tested = tested;
        std::string test;
        if (item.IsScalar()) {
          test = item.Scalar();
        } else if (item.IsMap() && item.size() >= 1) {
          test = item.begin()->first.Scalar();
          if (item.begin()->second.IsMap()) node.arguments = to_json(item.begin()->second, path).as_object();
        }
        if (test.empty()) throw CompileError(at(path, item) + "a test is a name, or a name with its arguments");
        if (const auto* inner = node.arguments.if_contains("arguments"); inner && inner->is_object()) {
          const auto lifted = inner->as_object();
          node.arguments.erase("arguments");
          for (const auto& [name, value] : lifted) node.arguments[name] = value;
        }
        for (const char* setting : {"config", "severity", "where", "tags", "name"}) {
          const auto* value = node.arguments.if_contains(setting);
          if (!value) continue;
          if (std::string_view(setting) == "config" && value->is_object())
            merge_config(node, value->as_object());
          else if (std::string_view(setting) == "name")
            node.name = value->as_string();
          else
            merge_config(node, {{setting, *value}});
          node.arguments.erase(setting);
        }
        std::string suffix = column.empty() ? "" : "_" + column;
        if (!node.arguments.empty()) suffix += "_" + hash8(json::serialize(node.arguments));
        if (node.name.empty()) node.name = fmt::format("{}_{}{}", test, table, suffix);
        if (!column.empty()) node.arguments["column_name"] = column;
        node.test_macro = "test_" + test;
        node.id = fmt::format("test.{}.{}", project_.name, node.name);
        node.fqn = {project_.name, node.name};
        if (const auto* settings = settings_.as_object().if_contains("data_tests")) {
          const json::object own = node.config;
          merge_project_config(node, *settings);
          merge_config(node, own);
        }
        if (!project_.nodes.emplace(node.id, node).second)
          throw CompileError(at(path, item) + "test '" + node.name + "' is declared twice");
      }
  }

  Project project_;
  json::value settings_;
  std::set<std::string> seen_properties_;
};

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::kModel:
      return "model";
    case Kind::kSeed:
      return "seed";
    case Kind::kTest:
      return "test";
    case Kind::kSource:
      break;
  }
  return "source";
}

std::string Node::setting(std::string_view key, std::string_view otherwise) const {
  const auto* value = config.if_contains(key);
  if (!value || value->is_null()) return std::string(otherwise);
  if (value->is_string()) return value->as_string().c_str();
  return json::serialize(*value);
}

const Node* Project::find(std::string_view ref) const {
  for (const char* kind : {"model", "seed"}) {
    const auto found = nodes.find(fmt::format("{}.{}.{}", kind, name, ref));
    if (found != nodes.end()) return &found->second;
  }
  return nullptr;
}

json::value yaml_to_json(const std::string& text, const std::string& path) {
  return to_json(load(text, path), path);
}

Project read_project(const fs::path& folder, const Target& target, const json::object& vars) {
  try {
    return Reader(folder, target, vars).read();
  } catch (const YAML::Exception& e) {
    throw CompileError(fmt::format("{}: line {}: {}", folder.string(), e.mark.line + 1, e.msg));
  }
}

}  // namespace dalgona::stir
