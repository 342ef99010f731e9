#include "events/catalogue.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/config.h"
#include "base/errors.h"
#include "base/resources.h"
#include "base/text.h"
#include "base/yaml.h"

namespace dalgona::events {

namespace {

const std::map<std::string, FieldType, std::less<>> kTypes{
    {"uuid", FieldType::kUuid},   {"string", FieldType::kString},   {"keyword", FieldType::kKeyword},
    {"int64", FieldType::kInt64}, {"float64", FieldType::kFloat64}, {"bool", FieldType::kBool},
    {"time", FieldType::kTime},   {"json", FieldType::kJson},       {"rest", FieldType::kRest}};

// Reads one file and knows where everything stood, so that every complaint has its line.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  [[noreturn]] void fail(const YAML::Node& at, const std::string& reason) const {
    fail_line(at.Mark().line + 1, reason);
  }
  [[noreturn]] void fail_line(int line, const std::string& reason) const {
    throw InvalidInput(fmt::format("{}:{}: {}", file_, line, reason));
  }

  void expect_map(const YAML::Node& node, const std::string& what, const std::vector<std::string>& known) const {
    yaml::expect_keys(file_, node, what, known);
  }
  std::string text(const YAML::Node& map, const char* key, const std::string& what) const {
    const auto node = map[key];
    if (!node) fail(map, fmt::format("{} needs '{}'", what, key));
    if (!node.IsScalar() || node.Scalar().empty()) fail(node, fmt::format("'{}' must be a text", key));
    return node.Scalar();
  }
  std::string text_or(const YAML::Node& map, const char* key, const std::string& otherwise) const {
    const auto node = map[key];
    if (!node) return otherwise;
    if (!node.IsScalar()) fail(node, fmt::format("'{}' must be a text", key));
    return node.Scalar();
  }
  int64_t integer_or(const YAML::Node& map, const char* key, int64_t otherwise, int64_t low, int64_t high) const {
    const auto node = map[key];
    if (!node) return otherwise;
    int64_t value = 0;
    if (!node.IsScalar() || !YAML::convert<int64_t>::decode(node, value) || value < low || value > high)
      fail(node, fmt::format("'{}' must be a whole number from {} to {}", key, low, high));
    return value;
  }
  bool flag_or(const YAML::Node& map, const char* key, bool otherwise) const {
    const auto node = map[key];
    if (!node) return otherwise;
    bool value = false;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value))
      fail(node, fmt::format("'{}' must be true or false", key));
    return value;
  }
  template <typename F>
  auto parsed(const YAML::Node& node, F f) const {
    try {
      if (!node.IsScalar()) throw InvalidInput("must be a text");
      return f(node.Scalar());
    } catch (const InvalidInput& e) {
      fail(node, e.what());
    }
  }
  std::vector<std::string> list(const YAML::Node& map, const char* key) const {
    const auto node = map[key];
    std::vector<std::string> items;
    if (!node) return items;
    if (!node.IsSequence()) fail(node, fmt::format("'{}' must be a list", key));
    for (const auto& item : node) {
      if (!item.IsScalar() || item.Scalar().empty()) fail(item, fmt::format("'{}' must hold names", key));
      items.push_back(item.Scalar());
    }
    return items;
  }
  // "a.b.c" -> {a, b, c}.
  std::vector<std::string> path(const YAML::Node& at, const std::string& dotted) const {
    std::vector<std::string> parts;
    for (const auto part : split(dotted, '.')) {
      if (part.empty()) fail(at, fmt::format("'{}' is no path of names joined by dots", dotted));
      // Names are compared with an event's bytes as they stand.
      const auto escaped = [](char c) { return c == '"' || c == '\\' || uint8_t(c) < 0x20; };
      if (std::any_of(part.begin(), part.end(), escaped))
        fail(at, fmt::format("'{}' has a character that JSON writes with an escape", dotted));
      parts.emplace_back(part);
    }
    return parts;
  }
  template <typename T>
  T choice(const YAML::Node& node, const std::map<std::string, T, std::less<>>& choices,
           const std::string& what) const {
    const std::string given = node.IsScalar() ? node.Scalar() : "";
    const auto at = choices.find(given);
    if (at != choices.end()) return at->second;
    std::vector<std::string> known;
    for (const auto& [name, value] : choices) known.push_back(name);
    fail(node, fmt::format("unknown {} '{}'{}", what, given, did_you_mean(given, known)));
  }
  // Names become SQL identifiers, queue names and file names; these characters are plain in all of them.
  std::string identifier(const YAML::Node& map, const char* key, const std::string& what) const {
    std::string value = text(map, key, what);
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    if (value.size() > 100 || !std::all_of(value.begin(), value.end(), plain) ||
        std::isdigit(static_cast<unsigned char>(value[0])))
      fail(map[key], fmt::format("'{}' must be letters, digits and '_', not begin with a digit, 100 at most", value));
    return value;
  }

 private:
  std::string file_;
};

Field read_field(const Reader& r, const YAML::Node& node) {
  r.expect_map(node, "a field",
               {"name", "type", "from", "also", "required", "optional", "max_length", "codec", "digits", "keep"});
  Field f;
  f.name = r.identifier(node, "name", "a field");
  for (const char* ours : {"insert_timestamp", "insert_delay"})
    if (f.name == ours) r.fail(node["name"], fmt::format("{} is filled by the warehouse", ours));
  if (!node["type"]) r.fail(node, fmt::format("field {} needs 'type'", f.name));
  f.type = r.choice(node["type"], kTypes, "type");
  const auto from = r.text_or(node, "from", f.type == FieldType::kRest ? "" : f.name);
  if (!from.empty()) f.path = r.path(node["from"], from);
  for (const auto& other : r.list(node, "also")) f.also.push_back(r.path(node["also"], other));
  if (!f.also.empty() && (f.derived() || f.type == FieldType::kRest))
    r.fail(node["also"], "'also' is for values that are members of the event");
  if (f.derived() && from != "@id" && from != "@routing_key" && from != "@body")
    r.fail(node["from"], fmt::format("unknown source '{}': there are @id, @routing_key and @body", from));
  if (f.derived() && (from == "@id") != (f.type == FieldType::kUuid))
    r.fail(node["type"], fmt::format("{} gives a {}", from, from == "@id" ? "uuid" : "string"));
  f.required = r.flag_or(node, "required", false);
  f.nullable = r.flag_or(node, "optional", false);
  if (f.required && f.nullable) r.fail(node, fmt::format("field {} is both required and optional", f.name));
  if (f.nullable && (f.type == FieldType::kRest || f.type == FieldType::kKeyword || f.type == FieldType::kJson))
    r.fail(node["optional"], fmt::format("a {} field needs no optional: missing is empty", name_of(f.type)));
  if (node["max_length"])
    f.max_length = r.parsed(node["max_length"], [](const std::string& t) { return parse_bytes(t); });
  f.codec = r.text_or(node, "codec", "");
  if (node["digits"]) {
    if (f.type != FieldType::kTime) r.fail(node["digits"], "'digits' is for time fields");
    f.digits = int(r.integer_or(node, "digits", 6, 0, 6));
    if (f.digits % 3 != 0) r.fail(node["digits"], "'digits' must be 0, 3 or 6");
  }
  if (node["keep"])
    f.keep = std::chrono::duration_cast<std::chrono::hours>(
        r.parsed(node["keep"], [](const std::string& t) { return parse_duration(t); }));
  return f;
}

void check_names(const Reader& r, const YAML::Node& at, const Stream& s, const std::vector<std::string>& names,
                 const std::string& what) {
  std::vector<std::string> known;
  for (const auto& f : s.fields) known.push_back(f.name);
  for (const auto& name : names)
    if (!s.field(name)) r.fail(at, fmt::format("{} names no field: '{}'{}", what, name, did_you_mean(name, known)));
}

std::string dotted(const std::vector<std::string>& path) {
  std::string text;
  for (const auto& part : path) text += (text.empty() ? "" : ".") + part;
  return text;
}

// A value can't be both taken whole and entered.
void check_nesting(const Reader& r, const YAML::Node& at, const Stream& s) {
  struct Place {
    std::vector<std::string> path;
    bool whole;
  };
  std::vector<Place> places;
  for (const auto& f : s.fields) {
    if (f.derived()) continue;
    places.push_back({f.path, f.type != FieldType::kRest});
    for (const auto& other : f.also) places.push_back({other, true});
  }
  for (const auto& outer : places)
    for (const auto& inner : places)
      if (outer.whole && outer.path.size() < inner.path.size() &&
          std::equal(outer.path.begin(), outer.path.end(), inner.path.begin()))
        r.fail(at,
               fmt::format("'{}' is inside '{}', which a field takes whole", dotted(inner.path), dotted(outer.path)));
  // A group whose rest is taken is entered, too.
  for (const auto& outer : places)
    for (const auto& f : s.fields)
      if (outer.whole && f.type == FieldType::kRest && !f.path.empty() && f.path == outer.path)
        r.fail(at, fmt::format("'{}' is taken whole by one field and its rest by another", dotted(f.path)));
}

Rollup read_rollup(const Reader& r, const YAML::Node& node, const Stream& s) {
  r.expect_map(node, "a rollup", {"table", "view", "by", "day", "last"});
  Rollup rollup;
  rollup.table = r.identifier(node, "table", "a rollup");
  rollup.view = r.identifier(node, "view", "a rollup");
  rollup.by = r.list(node, "by");
  rollup.day = r.text(node, "day", "a rollup");
  rollup.last = r.list(node, "last");
  if (rollup.by.empty() || rollup.last.empty()) r.fail(node, "a rollup needs 'by' and 'last'");
  check_names(r, node["by"], s, rollup.by, "by");
  check_names(r, node["day"], s, {rollup.day}, "day");
  check_names(r, node["last"], s, rollup.last, "last");
  if (s.field(rollup.day)->type != FieldType::kTime) r.fail(node["day"], "'day' must be a time field");
  for (const auto& name : rollup.last)
    if (s.field(name)->type != FieldType::kInt64)
      r.fail(node["last"], fmt::format("'{}' must be an int64 field", name));
  if (rollup.last.size() > 64) r.fail(node["last"], "64 metrics at most: each is a bit of the rollup's 'given'");
  return rollup;
}

std::vector<Ingest> read_ingest(const Reader& r, const YAML::Node& list) {
  if (!list.IsSequence()) r.fail(list, "'ingest' must be a list");
  std::vector<Ingest> all;
  for (const auto& node : list) {
    r.expect_map(
        node, "'ingest'",
        {"events", "payload", "path", "envelope", "headers", "id_header", "key_from", "has", "lacks", "signature"});
    Ingest i;
    i.events = r.flag_or(node, "events", false);
    i.payload = r.text_or(node, "payload", "");
    i.path = r.text_or(node, "path", "");
    if (!i.path.empty() && (!i.path.starts_with('/') || i.path.find_first_of("{}?# ") != i.path.npos))
      r.fail(node["path"], "'path' must begin with '/' and be plain");
    if (!i.events && i.payload.empty() && i.path.empty()) r.fail(node, "'ingest' needs 'path', 'payload' or 'events'");
    for (const char* key : {"envelope", "headers", "id_header", "key_from", "has", "lacks", "signature"})
      if (node[key] && (i.path.empty() || i.events))
        r.fail(node[key], fmt::format("'{}' is for the path of a webhook", key));
    i.envelope = r.text_or(node, "envelope", "");
    i.id_header = r.text_or(node, "id_header", "");
    i.key_from = r.text_or(node, "key_from", "");
    i.has = r.text_or(node, "has", "");
    i.lacks = r.text_or(node, "lacks", "");
    if (const auto headers = node["headers"]) {
      if (!headers.IsMap()) r.fail(headers, "'headers' must map members to request headers");
      if (i.envelope.empty()) r.fail(headers, "'headers' need an 'envelope' to stand in");
      for (const auto& entry : headers) {
        if (!entry.first.IsScalar() || !entry.second.IsScalar())
          r.fail(entry.first, "'headers' must map names to names");
        i.headers.emplace_back(entry.first.Scalar(), entry.second.Scalar());
      }
    }
    if (const auto signature = node["signature"]) {
      r.expect_map(signature, "'signature'", {"kind", "header", "secret"});
      if (!signature["kind"]) r.fail(signature, "'signature' needs 'kind'");
      i.signature = r.choice<Ingest::Signature>(
          signature["kind"],
          {{"hmac_sha256_base64", Ingest::Signature::kBase64}, {"hmac_sha256_hex", Ingest::Signature::kHex}},
          "kind of signature");
      i.signature_header = r.text(signature, "header", "'signature'");
      i.secret = r.text(signature, "secret", "'signature'");
    }
    all.push_back(std::move(i));
  }
  return all;
}

// "month(event_timestamp)" or "day(event_timestamp)".
std::string partition_field(const std::string& partition) {
  const auto open = partition.find('(');
  if (open == partition.npos || partition.back() != ')') return "";
  const auto unit = partition.substr(0, open);
  if (unit != "month" && unit != "day") return "";
  return partition.substr(open + 1, partition.size() - open - 2);
}

}  // namespace

std::string_view name_of(FieldType type) {
  for (const auto& [name, value] : kTypes)
    if (value == type) return name;
  return "?";
}

std::string_view name_of(TargetKind kind) {
  switch (kind) {
    case TargetKind::kWarehouse:
      return "warehouse";
    case TargetKind::kPostgres:
      return "postgres";
    case TargetKind::kHttp:
      return "http";
  }
  return "?";
}

std::string Field::path_text() const {
  return dotted(path);
}

std::vector<std::string> Stream::shard_key() const {
  if (!shard.empty()) return {shard};
  return latest.empty() ? std::vector<std::string>() : order;
}

const Field* Stream::field(std::string_view wanted) const {
  for (const auto& f : fields)
    if (f.name == wanted) return &f;
  return nullptr;
}

size_t Stream::index_of(std::string_view wanted) const {
  for (size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == wanted) return i;
  throw Permanent(fmt::format("stream {} has no field {}", name, wanted));
}

Stream Catalogue::parse(const std::string& text, const std::string& file) {
  const Reader r(file);
  const YAML::Node root = yaml::parse(text, file);
  if (!root || !root.IsMap()) r.fail_line(1, "a stream's file must be a mapping");
  r.expect_map(
      root, "a stream",
      {"stream", "exchange", "queue",  "routing_key", "ingest",         "consumers",     "prefetch", "batch",
       "retry",  "error",    "target", "id",          "unknown_fields", "fields",        "order",    "partition",
       "shard",  "latest",   "ttl",    "rollups",     "same_as",        "inserted_after"});
  Stream s;
  s.file = file;
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with("#")) break;
    s.about += (s.about.empty() ? "" : " ") + std::string(trim(line.substr(1)));
  }
  s.name = r.identifier(root, "stream", "a stream");
  const auto exchange = root["exchange"];
  if (!exchange) r.fail(root, "a stream needs 'exchange'");
  r.expect_map(exchange, "'exchange'", {"name", "kind"});
  s.exchange = r.text(exchange, "name", "'exchange'");
  if (!exchange["kind"]) r.fail(exchange, "'exchange' needs 'kind'");
  s.exchange_kind = r.choice<std::string>(
      exchange["kind"], {{"direct", "direct"}, {"topic", "topic"}, {"fanout", "fanout"}}, "kind of exchange");
  s.queue = r.text(root, "queue", "a stream");
  s.routing_key = r.text(root, "routing_key", "a stream");
  s.consumers = int(r.integer_or(root, "consumers", 1, 1, 64));
  s.prefetch = uint16_t(r.integer_or(root, "prefetch", 2000, 1, 65535));
  if (const auto batch = root["batch"]) {
    r.expect_map(batch, "'batch'", {"events", "bytes", "time"});
    s.batch_events = uint64_t(r.integer_or(batch, "events", 100'000, 1, 1'000'000));
    if (batch["bytes"]) s.batch_bytes = r.parsed(batch["bytes"], [](const std::string& t) { return parse_bytes(t); });
    if (s.batch_bytes < 4096 || s.batch_bytes > (256u << 20)) r.fail(batch, "'bytes' must be from 4KiB to 256MiB");
    if (batch["time"]) s.batch_time = r.parsed(batch["time"], [](const std::string& t) { return parse_duration(t); });
    if (s.batch_time.count() < 1 || s.batch_time > std::chrono::minutes(10))
      r.fail(batch, "'time' must be from 1ms to 10m");
  }
  if (const auto retry = root["retry"]) {
    r.expect_map(retry, "'retry'", {"attempts", "delay"});
    s.retry_attempts = int(r.integer_or(retry, "attempts", 3, 1, 100));
    if (retry["delay"])
      s.retry_delay = r.parsed(retry["delay"], [](const std::string& t) { return parse_duration(t); });
  }
  if (const auto error = root["error"]) {
    r.expect_map(error, "'error'", {"exchange", "routing_key"});
    s.error_exchange = r.text(error, "exchange", "'error'");
    s.error_routing_key = r.text(error, "routing_key", "'error'");
  }
  if (const auto ingest = root["ingest"]) s.ingest = read_ingest(r, ingest);
  if (root["same_as"]) {
    s.same_as = r.identifier(root, "same_as", "a stream");
    for (const char* key : {"target", "id", "unknown_fields", "fields", "order", "partition", "shard", "latest", "ttl",
                            "rollups", "inserted_after"})
      if (root[key]) r.fail(root[key], fmt::format("'{}' comes from {}", key, s.same_as));
    return s;
  }
  const auto target = root["target"];
  if (!target) r.fail(root, "a stream needs 'target'");
  r.expect_map(target, "'target'", {"kind", "table", "view", "json", "url", "bearer"});
  if (!target["kind"]) r.fail(target, "'target' needs 'kind'");
  s.target.kind = r.choice<TargetKind>(
      target["kind"],
      {{"warehouse", TargetKind::kWarehouse}, {"postgres", TargetKind::kPostgres}, {"http", TargetKind::kHttp}},
      "kind of target");
  if (s.target.kind == TargetKind::kHttp) {
    s.target.url = r.text(target, "url", "an http target");
    s.target.bearer = r.text_or(target, "bearer", "");
  } else if (s.target.kind == TargetKind::kPostgres) {
    s.target.table = r.identifier(target, "table", "a postgres target");
  } else {
    s.target.table = r.identifier(target, "table", "a warehouse target");
    if (target["view"]) s.target.view = r.identifier(target, "view", "a warehouse target");
    s.target.json = r.list(target, "json");
  }
  if (root["retry"] && s.target.kind != TargetKind::kHttp)
    r.fail(root["retry"], "'retry' is for http targets: a store that is away is waited for");
  if (const auto unknown = root["unknown_fields"])
    s.unknown = r.choice<Stream::Unknown>(
        unknown, {{"park", Stream::Unknown::kPark}, {"ignore", Stream::Unknown::kIgnore}}, "choice");

  const auto fields = root["fields"];
  if (!fields || !fields.IsSequence() || fields.size() == 0) r.fail(fields ? fields : root, "'fields' must be a list");
  std::set<std::string> names, paths;
  for (const auto& node : fields) {
    auto f = read_field(r, node);
    if (!names.insert(f.name).second) r.fail(node, fmt::format("field '{}' is given twice", f.name));
    if (!paths.insert((f.type == FieldType::kRest ? "rest of " : "") + f.path_text()).second)
      r.fail(node, fmt::format("'{}' is read by two fields", f.path_text()));
    for (const auto& other : f.also)
      if (!paths.insert(dotted(other)).second) r.fail(node, fmt::format("'{}' is read by two fields", dotted(other)));
    s.fields.push_back(std::move(f));
  }
  check_nesting(r, fields, s);
  for (const auto& group : s.target.json)
    if (std::none_of(s.fields.begin(), s.fields.end(), [&](const Field& f) {
          return f.type == FieldType::kRest && f.path.size() == 1 && f.path[0] == group;
        }))
      r.fail(target["json"], fmt::format("group '{}' has no field of type rest", group));
  s.id = r.text(root, "id", "a stream");
  check_names(r, root["id"], s, {s.id}, "id");
  if (s.field(s.id)->type != FieldType::kUuid || !(s.field(s.id)->required || s.field(s.id)->derived()))
    r.fail(root["id"], "'id' must be a required uuid field, or one from @id");
  s.order = r.list(root, "order");
  check_names(r, root["order"], s, s.order, "order");
  if (s.target.kind == TargetKind::kWarehouse && s.order.empty()) r.fail(root, "a warehouse stream needs 'order'");
  for (const auto& name : s.order)
    if (s.field(name)->nullable || s.field(name)->keep.count() > 0)
      r.fail(root["order"], fmt::format("'{}' can't be in the order: it is null or is dropped", name));
  s.partition = r.text_or(root, "partition", "");
  if (!s.partition.empty()) {
    const auto name = partition_field(s.partition);
    if (name.empty()) r.fail(root["partition"], "'partition' must be month(FIELD) or day(FIELD)");
    check_names(r, root["partition"], s, {name}, "partition");
    if (s.field(name)->type != FieldType::kTime || s.field(name)->nullable)
      r.fail(root["partition"], "'partition' must be by a time field that is not null");
  }
  s.shard = r.text_or(root, "shard", "");
  if (!s.shard.empty()) check_names(r, root["shard"], s, {s.shard}, "shard");
  s.inserted_after = r.text_or(root, "inserted_after", "");
  if (!s.inserted_after.empty()) {
    check_names(r, root["inserted_after"], s, {s.inserted_after}, "inserted_after");
    const auto& f = *s.field(s.inserted_after);
    if (f.type != FieldType::kTime || f.nullable || f.keep.count() > 0)
      r.fail(root["inserted_after"], "'inserted_after' must be a time field that is not null and stays");
  }
  s.latest = r.text_or(root, "latest", "");
  if (!s.latest.empty()) {
    check_names(r, root["latest"], s, {s.latest}, "latest");
    const auto& f = *s.field(s.latest);
    if (f.nullable || (f.type != FieldType::kTime && f.type != FieldType::kInt64))
      r.fail(root["latest"], "'latest' must be a time or int64 field that is not null");
    for (const auto& name : s.order)
      if (name == s.latest) r.fail(root["latest"], "'latest' can't be in the order");
    if (!s.shard.empty() && std::find(s.order.begin(), s.order.end(), s.shard) == s.order.end())
      r.fail(root["shard"], "'shard' must be one of 'order' beside 'latest', or rows of one key lie on several shards");
  }
  if (const auto ttl = root["ttl"]) {
    r.expect_map(ttl, "'ttl'", {"after", "of"});
    s.ttl_field = r.text(ttl, "of", "'ttl'");
    check_names(r, ttl["of"], s, {s.ttl_field}, "of");
    if (!ttl["after"]) r.fail(ttl, "'ttl' needs 'after'");
    s.ttl = std::chrono::duration_cast<std::chrono::hours>(
        r.parsed(ttl["after"], [](const std::string& t) { return parse_duration(t); }));
    if (s.ttl.count() < 1) r.fail(ttl["after"], "'after' must be an hour or more");
  }
  if (const auto rollups = root["rollups"]) {
    if (!rollups.IsSequence()) r.fail(rollups, "'rollups' must be a list");
    for (const auto& node : rollups) s.rollups.push_back(read_rollup(r, node, s));
  }
  return s;
}

Catalogue Catalogue::load(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  if (error) throw InvalidInput(fmt::format("{}: {}", folder.string(), error.message()));
  std::sort(files.begin(), files.end());
  Catalogue catalogue;
  std::map<std::string, std::string> queues, names, kinds;
  for (const auto& file : files) {
    auto s = parse(read_file(file), file.string());
    if (const auto [at, fresh] = names.emplace(s.name, s.file); !fresh)
      throw InvalidInput(fmt::format("{}:1: stream '{}' is also in {}", s.file, s.name, at->second));
    if (const auto [at, fresh] = queues.emplace(s.queue, s.file); !fresh)
      throw InvalidInput(fmt::format("{}:1: queue '{}' is also in {}", s.file, s.queue, at->second));
    if (const auto [at, fresh] = kinds.emplace(s.exchange, s.exchange_kind); at->second != s.exchange_kind)
      throw InvalidInput(fmt::format("{}:1: exchange '{}' is {} elsewhere", s.file, s.exchange, at->second));
    catalogue.streams_.push_back(std::move(s));
  }
  for (auto& s : catalogue.streams_) {
    if (s.same_as.empty()) continue;
    const auto base = std::find_if(catalogue.streams_.begin(), catalogue.streams_.end(),
                                   [&](const Stream& other) { return other.name == s.same_as; });
    if (base == catalogue.streams_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, file] : names) known.push_back(name);
      throw InvalidInput(
          fmt::format("{}:1: same_as names no stream: '{}'{}", s.file, s.same_as, did_you_mean(s.same_as, known)));
    }
    if (!base->same_as.empty())
      throw InvalidInput(fmt::format("{}:1: same_as '{}' is itself the same as {}", s.file, s.same_as, base->same_as));
    Stream whole = *base;
    whole.name = s.name;
    whole.file = s.file;
    whole.about = s.about;
    whole.exchange = s.exchange;
    whole.exchange_kind = s.exchange_kind;
    whole.queue = s.queue;
    whole.routing_key = s.routing_key;
    whole.same_as = s.same_as;
    whole.ingest = s.ingest;
    whole.consumers = s.consumers;
    whole.prefetch = s.prefetch;
    whole.batch_events = s.batch_events;
    whole.batch_bytes = s.batch_bytes;
    whole.batch_time = s.batch_time;
    whole.retry_attempts = s.retry_attempts;
    whole.retry_delay = s.retry_delay;
    whole.error_exchange = s.error_exchange;
    whole.error_routing_key = s.error_routing_key;
    s = std::move(whole);
  }
  if (catalogue.streams_.empty()) throw InvalidInput(folder.string() + ": no stream files");
  return catalogue;
}

const Stream& Catalogue::stream(std::string_view name) const {
  std::vector<std::string> known;
  for (const auto& s : streams_) {
    if (s.name == name || s.queue == name) return s;
    known.push_back(s.name);
  }
  throw InvalidInput(fmt::format("no stream '{}'{}", name, did_you_mean(name, known)));
}

}  // namespace dalgona::events
