// parse_json(): simdjson's document into a message by reflection.
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <simdjson.h>

#include "base/errors.h"
#include "base/text.h"
#include "event_grpc/ingest/message_json.h"

namespace dalgona::event_grpc {

namespace {

namespace dom = simdjson::dom;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The way to what is looked at, for the one who is told; made to text only when something is wrong.
struct Path {
  const Path* above = nullptr;
  std::string_view name = {};  // empty: an element
  size_t index = 0;

  std::string text() const {
    if (!above) return "";
    if (name.empty()) return fmt::format("{}[{}]", above->text(), index);
    auto before = above->text();
    return before.empty() ? std::string(name) : before + "." + std::string(name);
  }
};

[[noreturn]] void wrong(const Path& path, const std::string& why) {
  const auto where = to_utf8_lossy(path.text());
  throw InvalidInput(where.empty() ? why : where.substr(0, 300) + ": " + why);
}

// Members of a message by name, in both forms. Protobuf's own look-up wants a string made for each.
using Members = std::unordered_map<std::string_view, const FieldDescriptor*>;

void collect(const Descriptor* type, std::map<const Descriptor*, Members>& all) {
  if (all.contains(type)) return;
  Members members;
  for (int i = 0; i < type->field_count(); ++i) {
    members.emplace(type->field(i)->name(), type->field(i));
    members.emplace(type->field(i)->json_name(), type->field(i));
  }
  all.emplace(type, std::move(members));
  for (int i = 0; i < type->field_count(); ++i)
    if (const auto* inner = type->field(i)->message_type()) collect(inner, all);
}

const Members& members_of(const Descriptor* type) {
  thread_local std::map<const Descriptor*, Members> all;
  if (const auto at = all.find(type); at != all.end()) return at->second;
  collect(type, all);
  return all.at(type);
}

int64_t integer(const dom::element& value, const Path& path, int64_t low, int64_t high) {
  int64_t number = 0;
  if (value.is_int64()) {
    number = value.get_int64().value_unsafe();
  } else if (value.is_uint64()) {
    wrong(path, "the number is out of range");
  } else if (value.is_double()) {
    // 1.0 and 1e3 are whole numbers. Beyond 2^53 a double no longer says which.
    const double real = value.get_double().value_unsafe();
    if (real != std::floor(real)) wrong(path, "not a whole number");
    if (std::abs(real) > 9007199254740992.0) wrong(path, "the number is out of range");
    number = int64_t(real);
  } else if (value.is_string()) {
    const std::string_view text = value.get_string().value_unsafe();
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec == std::errc::result_out_of_range) wrong(path, "the number is out of range");
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) wrong(path, "not a whole number");
  } else {
    wrong(path, "wrong type: a whole number is needed");
  }
  if (number < low || number > high) wrong(path, "the number is out of range");
  return number;
}

double real(const dom::element& value, const Path& path) {
  double number = 0;
  if (!value.get_double().get(number)) return number;
  std::string_view text;
  if (value.get_string().get(text)) wrong(path, "wrong type: a number is needed");
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc::result_out_of_range) wrong(path, "the number is out of range");
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(number))
    wrong(path, "not a number");
  return number;
}

std::string text_of(const dom::element& value, const Path& path) {
  std::string_view text;
  if (value.get_string().get(text)) wrong(path, "wrong type: a text is needed");
  return std::string(text);
}

bool truth(const dom::element& value, const Path& path) {
  bool truth = false;
  if (value.get_bool().get(truth)) wrong(path, "wrong type: true or false is needed");
  return truth;
}

void read_object(const dom::element& value, Message& message, const Path& path);

// Sets the field, or adds an element to a repeated one.
void read_value(const dom::element& value, Message& message, const FieldDescriptor* f, const Path& path) {
  const Reflection* r = message.GetReflection();
  const bool many = f->is_repeated();
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min(), kHigh = std::numeric_limits<int64_t>::max();
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      auto text = text_of(value, path);
      many ? r->AddString(&message, f, std::move(text)) : r->SetString(&message, f, std::move(text));
      break;
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto n =
          int32_t(integer(value, path, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
      many ? r->AddInt32(&message, f, n) : r->SetInt32(&message, f, n);
      break;
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto n = integer(value, path, kLow, kHigh);
      many ? r->AddInt64(&message, f, n) : r->SetInt64(&message, f, n);
      break;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const auto n = real(value, path);
      many ? r->AddDouble(&message, f, n) : r->SetDouble(&message, f, n);
      break;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const auto b = truth(value, path);
      many ? r->AddBool(&message, f, b) : r->SetBool(&message, f, b);
      break;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      read_object(value, *(many ? r->AddMessage(&message, f) : r->MutableMessage(&message, f)), path);
      break;
    default:
      // None in eventservice.proto; MessageJson.EveryFieldComesBack fails when one is added.
      wrong(path, "a field of this type is not read from JSON");
  }
}

void read_map(const dom::element& value, Message& message, const FieldDescriptor* f, const Path& path) {
  dom::object object;
  if (value.get_object().get(object)) wrong(path, "wrong type: an object is needed");
  const auto *key = f->message_type()->map_key(), *mapped = f->message_type()->map_value();
  if (key->cpp_type() != FieldDescriptor::CPPTYPE_STRING) wrong(path, "a map of this type is not read from JSON");
  std::set<std::string_view> seen;
  for (const auto& [name, element] : object) {
    const Path here{&path, name.empty() ? std::string_view("\"\"") : name};
    if (!seen.insert(name).second) wrong(here, "is there twice");
    auto* entry = message.GetReflection()->AddMessage(&message, f);
    entry->GetReflection()->SetString(entry, key, std::string(name));
    read_value(element, *entry, mapped, here);
  }
}

[[noreturn]] void unknown(const Descriptor* type, const Path& path) {
  std::vector<std::string> known;
  for (int i = 0; i < type->field_count(); ++i) known.push_back(type->field(i)->name());
  wrong(path, "no such field" + did_you_mean(path.name, known));
}

void read_object(const dom::element& value, Message& message, const Path& path) {
  dom::object object;
  if (value.get_object().get(object)) wrong(path, "wrong type: an object is needed");
  const auto& members = members_of(message.GetDescriptor());
  std::vector<bool> seen(size_t(message.GetDescriptor()->field_count()));
  for (const auto& [name, element] : object) {
    const Path here{&path, name.empty() ? std::string_view("\"\"") : name};
    const auto at = members.find(name);
    if (at == members.end()) unknown(message.GetDescriptor(), here);
    const auto* f = at->second;
    if (seen[size_t(f->index())]) wrong(here, "is there twice");
    seen[size_t(f->index())] = true;
    if (element.is_null()) continue;
    if (const auto* choice = f->containing_oneof())
      if (const auto* other = message.GetReflection()->GetOneofFieldDescriptor(message, choice))
        wrong(here, fmt::format("there is {} already, and only one can be", other->name()));
    if (f->is_map()) {
      read_map(element, message, f, here);
    } else if (f->is_repeated()) {
      dom::array array;
      if (element.get_array().get(array)) wrong(here, "wrong type: an array is needed");
      size_t index = 0;
      for (const dom::element one : array) read_value(one, message, f, {&here, {}, index++});
    } else {
      read_value(element, message, f, here);
    }
  }
}

}  // namespace

void parse_json(std::string_view json, Message& message) {
  // Kept, because its buffers are: but one that grew for a long text goes back.
  constexpr size_t kKept = 1 << 20;
  thread_local dom::parser parser;
  dom::element root;
  const auto error = parser.parse(json.data(), json.size()).get(root);
  if (error) throw InvalidInput(std::string("no JSON: ") + simdjson::error_message(error));
  const auto shrink = [](dom::parser* p) {
    if (p->capacity() > kKept) *p = dom::parser();
  };
  const std::unique_ptr<dom::parser, decltype(shrink)> afterwards(&parser, shrink);
  const Path top;
  if (!root.is_object()) throw InvalidInput("no JSON object");
  read_object(root, message, top);
}

}  // namespace dalgona::event_grpc
