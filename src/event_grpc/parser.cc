#include "event_grpc/parser.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <openssl/sha.h>
#include <simdjson.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/text.h"
#include "event_grpc/fault_path.h"
#include "event_grpc/field_tree.h"
#include "event_grpc/plain_event.h"
#include "events/ddl.h"

namespace dalgona::event_grpc {

namespace {

namespace od = simdjson::ondemand;
using events::Field;
using events::FieldType;
using events::Stream;
using warehouse::Column;

constexpr int kMaxDepth = 32;

// Ends one event's parsing; never leaves the parser.
struct Bad {
  std::string field, reason;
  bool malformed = false;  // no JSON; with an empty field the text itself tells where
};

[[noreturn]] void bad(const std::string& field, const std::string& reason) {
  throw Bad{field, reason, false};
}
[[noreturn]] void bad(const std::string& field, simdjson::error_code error) {
  switch (error) {
    case simdjson::NUMBER_OUT_OF_RANGE:
      bad(field, "the number is out of range");
    case simdjson::INCORRECT_TYPE:
      bad(field, "wrong type");
    case simdjson::UTF8_ERROR:
      throw Bad{field, "not UTF-8", true};
    case simdjson::STRING_ERROR:
      bad(field, "a malformed string");
    case simdjson::DEPTH_ERROR:
      bad(field, "nested too deeply");
    default:
      throw Bad{field, std::string("not JSON: ") + simdjson::error_message(error), true};
  }
}

// What names a field only when something is wrong with it, and costs nothing before.
template <typename T>
concept Namer = requires(const T& t) {
  { t.text() } -> std::same_as<std::string>;
};
template <Namer Where>
[[noreturn]] void bad(const Where& field, simdjson::error_code error) {
  bad(field.text(), error);
}
template <Namer Where>
[[noreturn]] void bad(const Where& field, const char* reason) {
  bad(field.text(), std::string(reason));
}
template <typename T, typename Where>
T need(simdjson::simdjson_result<T> result, const Where& field) {
  T value;
  if (const auto error = std::move(result).get(value)) bad(field, error);
  return value;
}

int64_t time_value(std::string_view text, const std::string& field) {
  if (const auto plain = plain_time(text)) return *plain;
  try {
    return parse_time(text).time_since_epoch().count();
  } catch (const InvalidInput&) {
    bad(field, fmt::format("'{}' is no time", to_utf8_lossy(text.substr(0, 40))));
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // from here on nothing is written yet
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '"' && c != '\\' && uint8_t(c) >= 0x20) continue;
    out.append(text, plain, at - plain);
    plain = at + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      out += fmt::format("\\u{:04x}", int(c));
    }
  }
  out.append(text, plain);
  out += '"';
}

// Checks a value all the way down and writes it without white space. On-demand parsing checks only what is read.
template <typename Where>
void append_json(std::string& out, od::value value, const Where& field, int depth = 0) {
  if (depth > kMaxDepth) bad(field, "nested too deeply");
  switch (need(value.type(), field)) {
    case od::json_type::object: {
      auto object = need(value.get_object(), field);
      out += '{';
      bool first = true;
      for (auto member : object) {
        od::field m = need(std::move(member), field);
        if (!first) out += ',';
        first = false;
        append_quoted(out, need(m.unescaped_key(), field));
        out += ':';
        append_json(out, m.value(), field, depth + 1);
      }
      out += '}';
      break;
    }
    case od::json_type::array: {
      auto array = need(value.get_array(), field);
      out += '[';
      bool first = true;
      for (auto element : array) {
        if (!first) out += ',';
        first = false;
        append_json(out, need(std::move(element), field), field, depth + 1);
      }
      out += ']';
      break;
    }
    case od::json_type::string:
      append_quoted(out, need(value.get_string(), field));
      break;
    case od::json_type::number: {
      const auto token = trim(value.raw_json_token());
      need(value.get_number(), field);
      out += token;
      break;
    }
    case od::json_type::boolean:
      out += need(value.get_bool(), field) ? "true" : "false";
      break;
    case od::json_type::null: {
      bool is_null = false;
      if (const auto error = value.is_null().get(is_null)) bad(field, error);
      if (!is_null) bad(field, "not JSON");
      out += "null";
      break;
    }
  }
}

}  // namespace

struct Parser::Work {
  const Stream& stream;
  const bool careful;
  od::parser json;
  FieldTree tree;
  std::vector<FieldSlot>& slots = tree.slots;
  std::vector<std::string>& scratch = tree.scratch;
  const char* end = nullptr;  // of the event that is read
  // What is asked of each field for each event, side by side.
  struct Step {
    FieldType type;
    bool required, derived;
  };
  std::vector<Step> steps;

  Work(const Stream& s, Reading reading) : stream(s), careful(reading == Reading::kCareful), tree(s) {
    for (const Field& f : s.fields) steps.push_back({f.type, f.required, f.derived()});
  }

  FieldNode* find(FieldNode& node, od::raw_json_string key) {
    return tree.find(node, [&](const FieldNode::Child& c) { return c.is_at(key.raw(), size_t(end - key.raw())); });
  }
  FieldNode* find(FieldNode& node, std::string_view key) {
    return tree.find(node, [&](const FieldNode::Child& c) { return c.name() == key; });
  }

  static std::string sub(const FieldNode& node, std::string_view key) {
    // A key is anybody's text; a reason is read by people.
    const auto shown = to_utf8_lossy(key.substr(0, 100));
    return node.path.empty() ? shown : node.path + "." + shown;
  }

  struct Member {
    const FieldNode& node;
    std::string_view key;
    std::string text() const { return sub(node, key); }
  };

  void unknown(FieldNode& node, std::string_view key, od::value value) {
    if (node.rest >= 0) {
      auto& out = scratch[size_t(node.rest)];
      if (out.size() > kMaxRest) bad(node.path, "too large");
      if (!out.empty()) out += ',';
      append_quoted(out, key);
      out += ':';
      append_json(out, value, Member{node, key});
    } else if (stream.unknown == Stream::Unknown::kPark) {
      bad(sub(node, key), "unknown field");
    }
  }

  void object(FieldNode& node, od::object members) {
    for (auto result : members) {
      od::field member = need(std::move(result), node.path);
      if (FieldNode* child = find(node, member.key())) {
        take(*child, member.value());
      } else {
        // Lives in the parser until the next event.
        const std::string_view key = need(member.unescaped_key(), node.path);
        if (FieldNode* spelled = find(node, key))  // a known name written with escapes
          take(*spelled, member.value());
        else
          unknown(node, key, member.value());
      }
    }
  }

  // The original's form of a group: [{"key": "followers", "value": 12}, ...].
  void pairs(FieldNode& node, od::array array) {
    for (auto result : array) {
      od::value element = need(std::move(result), node.path);
      od::object pair;
      if (element.get_object().get(pair)) bad(node.path, "an element is no {key, value}");
      std::string_view key;
      if (pair.find_field_unordered("key").get_string().get(key)) bad(node.path, "an element without a key");
      const std::string kept(key);
      od::value value;
      if (pair.find_field_unordered("value").get(value)) bad(sub(node, kept), "without a value");
      if (FieldNode* child = find(node, std::string_view(kept)))
        take(*child, value);
      else
        unknown(node, kept, value);
    }
  }

  void take(FieldNode& node, od::value value) {
    const auto type = need(value.type(), node.path);
    if (type == od::json_type::null) {
      bool is_null = false;
      if (const auto error = value.is_null().get(is_null)) bad(node.path, error);
      if (!is_null) bad(node.path, "not JSON");
    }
    if (node.leaf < 0) {
      if (type == od::json_type::object)
        object(node, need(value.get_object(), node.path));
      else if (type == od::json_type::array)
        pairs(node, need(value.get_array(), node.path));
      else if (type != od::json_type::null)
        bad(node.path, "must be an object");
      return;
    }
    const Field& f = stream.fields[size_t(node.leaf)];
    FieldSlot& slot = slots[size_t(node.leaf)];
    if (slot.seen) bad(node.path, "given twice");
    slot.seen = true;
    if (type == od::json_type::null) return;
    slot.given = true;
    switch (f.type) {
      case FieldType::kUuid: {
        const auto text = string(value, type, node.path);
        try {
          slot.uuid = Uuid::parse(text);
        } catch (const InvalidInput&) {
          bad(node.path, fmt::format("'{}' is no UUID", to_utf8_lossy(text.substr(0, 40))));
        }
        break;
      }
      case FieldType::kString:
      case FieldType::kKeyword: {
        slot.text = string(value, type, node.path);
        const auto longest = f.type == FieldType::kKeyword ? std::min<size_t>(f.max_length, kMaxKeyword) : f.max_length;
        if (slot.text.size() > longest) bad(node.path, fmt::format("longer than {} bytes", longest));
        if (slot.text.find('\0') != slot.text.npos) bad(node.path, "contains a NUL");
        break;
      }
      case FieldType::kInt64:
        slot.integer = integer(value, type, node.path);
        break;
      case FieldType::kFloat64:
        if (type != od::json_type::number) bad(node.path, "must be a number");
        slot.real = need(value.get_double(), node.path);
        break;
      case FieldType::kBool:
        if (type != od::json_type::boolean) bad(node.path, "must be true or false");
        slot.integer = need(value.get_bool(), node.path);
        break;
      case FieldType::kTime:
        if (type == od::json_type::number) {
          slot.integer = time_of_number(need(value.get_int64(), node.path));
        } else {
          slot.integer = time_value(string(value, type, node.path), node.path);
        }
        if (slot.integer < 0 || slot.integer > kMaxTime) bad(node.path, "the time is not between 1970 and 2200");
        break;
      case FieldType::kJson: {
        auto& out = scratch[size_t(node.leaf)];
        append_json(out, value, node.path);
        if (out.size() > f.max_length) bad(node.path, fmt::format("longer than {} bytes", f.max_length));
        break;
      }
      case FieldType::kRest:
        break;
    }
  }

  static std::string_view string(od::value& value, od::json_type type, const std::string& field) {
    if (type != od::json_type::string) bad(field, "must be a string");
    return need(value.get_string(), field);
  }

  static int64_t integer(od::value& value, od::json_type type, const std::string& field) {
    if (type == od::json_type::string) {
      const auto text = trim(need(value.get_string(), field));
      int64_t n = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (error == std::errc::result_out_of_range) bad(field, "the number is out of range");
      if (error != std::errc() || end != text.data() + text.size()) bad(field, "must be a whole number");
      return n;
    }
    if (type != od::json_type::number) bad(field, "must be a whole number");
    int64_t n = 0;
    const auto error = value.get_int64().get(n);
    if (!error) return n;
    double real = 0;
    if (error == simdjson::INCORRECT_TYPE && !value.get_double().get(real)) {
      if (std::abs(real) < 9007199254740992.0 && std::floor(real) == real) return int64_t(real);
      bad(field, std::abs(real) < 9.2e18 ? "must be a whole number" : "the number is out of range");
    }
    if (error == simdjson::INCORRECT_TYPE) bad(field, simdjson::NUMBER_OUT_OF_RANGE);
    bad(field, error);
  }

  // Fills the slots from any text, or tells what is wrong with it.
  void read(std::string_view text) {
    end = text.data() + text.size();
    // The bytes after the text are the next line or the padding; the parser reads them and does not look at them.
    auto result = json.iterate(text.data(), text.size(), text.size() + kPadding);
    od::document document;
    if (const auto error = std::move(result).get(document)) bad("", error);
    od::object root;
    if (const auto error = document.get_object().get(root)) {
      if (error == simdjson::INCORRECT_TYPE) bad("", "not JSON: the event is no object");
      bad("", error);
    }
    object(tree.nodes[0], root);
    const char* rest = nullptr;
    if (!document.current_location().get(rest)) bad("", "not JSON: something follows the event");
  }

  void one(const MessageView& message, std::string_view text, bool alone, warehouse::Block& block) {
    tree.clear();
    if (careful || !read_plain_event(tree, text)) {
      tree.clear();
      read(text);
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      if (steps[i].derived)
        derive(stream.fields[i], slots[i], message, text, alone);
      else if (steps[i].required && !slots[i].given)
        bad(stream.fields[i].path_text(), slots[i].seen ? "is null" : "is missing");
    }
    // Nothing can fail from here on.
    for (size_t i = 0; i < slots.size(); ++i) append(block.columns[i], steps[i].type, slots[i], scratch[i]);
  }

  static void derive(const Field& f, FieldSlot& slot, const MessageView& message, std::string_view text, bool alone) {
    slot.given = true;
    if (f.path[0] == "@routing_key") {
      slot.text = message.routing_key;
    } else if (f.path[0] == "@body") {
      slot.text = text;
    } else {
      try {
        if (alone && message.message_id.size() == 36) {
          slot.uuid = Uuid::parse(message.message_id);
          return;
        }
      } catch (const InvalidInput&) {
      }
      slot.uuid = uuid_of_bytes(text);
    }
  }

  static void append(Column& column, FieldType type, const FieldSlot& slot, const std::string& built) {
    if (type == FieldType::kRest || type == FieldType::kJson) {
      column.add(std::string_view(built));
    } else if (!slot.given) {
      column.add_default();
    } else if (type == FieldType::kUuid) {
      column.add(slot.uuid);
    } else if (type == FieldType::kString || type == FieldType::kKeyword) {
      column.add(slot.text);
    } else if (type == FieldType::kFloat64) {
      column.add(slot.real);
    } else {
      column.add(slot.integer);
    }
  }
};

Parser::Parser(const Stream& stream, Reading reading) : work_(std::make_unique<Work>(stream, reading)) {}
Parser::~Parser() = default;

warehouse::Block Parser::new_block() const {
  warehouse::Block block;
  for (const auto& f : work_->stream.fields) {
    auto kind = Column::Kind::kString;
    switch (f.type) {
      case FieldType::kUuid:
        kind = Column::Kind::kUuid;
        break;
      case FieldType::kKeyword:
        kind = Column::Kind::kKeyword;
        break;
      case FieldType::kInt64:
      case FieldType::kTime:
        kind = Column::Kind::kInt64;
        break;
      case FieldType::kFloat64:
        kind = Column::Kind::kFloat64;
        break;
      case FieldType::kBool:
        kind = Column::Kind::kByte;
        break;
      case FieldType::kString:
      case FieldType::kJson:
      case FieldType::kRest:
        break;
    }
    block.columns.emplace_back(f.name, events::column_type(f), kind, f.nullable);
  }
  return block;
}

void Parser::parse(const MessageView& message, warehouse::Block& block, std::vector<Rejected>& rejected) {
  const auto body = message.body;
  const bool lines = message.content_type.find("ndjson") != message.content_type.npos ||
                     message.content_type.find("jsonl") != message.content_type.npos;
  size_t events = 0;
  const auto one = [&](std::string_view text) {
    if (trim(text).empty()) return;
    ++events;
    try {
      work_->one(message, text, !lines, block);
    } catch (const Bad& b) {
      const auto field = b.field.empty() && b.malformed ? fault_path(text) : b.field;
      rejected.push_back({field, field.empty() ? b.reason : field + ": " + b.reason, std::string(text)});
    }
  };
  if (!lines) {
    one(body);
  } else {
    for (size_t at = 0; at < body.size();) {
      const auto* end = static_cast<const char*>(std::memchr(body.data() + at, '\n', body.size() - at));
      const size_t size = end ? size_t(end - body.data()) - at : body.size() - at;
      one(body.substr(at, size));
      at += size + 1;
    }
  }
  if (events == 0) rejected.push_back({"", "not JSON: the message is empty", std::string(body)});
}

Uuid uuid_of_bytes(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  Uuid id;
  std::copy_n(digest.begin(), 16, id.bytes.begin());
  id.bytes[6] = uint8_t((id.bytes[6] & 0x0f) | 0x80);
  id.bytes[8] = uint8_t((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace dalgona::event_grpc
