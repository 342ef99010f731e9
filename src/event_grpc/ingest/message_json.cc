#include "event_grpc/ingest/message_json.h"

#include <cmath>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

namespace dalgona::event_grpc {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void append_number(std::string& out, double value) {
  // JSON has no infinity; as texts they are told apart from zero and refused where a number is needed.
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

// Element `index` of a repeated field, or the field itself when `index` is negative.
void append_value(std::string& out, const Message& m, const FieldDescriptor* f, int index) {
  const auto* r = m.GetReflection();
  const bool many = index >= 0;
  std::string scratch;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      append_json(out, std::string_view(many ? r->GetRepeatedStringReference(m, f, index, &scratch)
                                             : r->GetStringReference(m, f, &scratch)));
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      out += std::to_string(many ? r->GetRepeatedInt32(m, f, index) : r->GetInt32(m, f));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      out += std::to_string(many ? r->GetRepeatedInt64(m, f, index) : r->GetInt64(m, f));
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out += std::to_string(many ? r->GetRepeatedUInt32(m, f, index) : r->GetUInt32(m, f));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      out += std::to_string(many ? r->GetRepeatedUInt64(m, f, index) : r->GetUInt64(m, f));
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      append_number(out, many ? r->GetRepeatedDouble(m, f, index) : r->GetDouble(m, f));
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      append_number(out, double(many ? r->GetRepeatedFloat(m, f, index) : r->GetFloat(m, f)));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out += (many ? r->GetRepeatedBool(m, f, index) : r->GetBool(m, f)) ? "true" : "false";
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      append_json(out, std::string_view((many ? r->GetRepeatedEnum(m, f, index) : r->GetEnum(m, f))->name()));
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      append_json(out, many ? r->GetRepeatedMessage(m, f, index) : r->GetMessage(m, f));
      break;
  }
}

void append_map(std::string& out, const Message& m, const FieldDescriptor* f) {
  const auto* r = m.GetReflection();
  const int n = r->FieldSize(m, f);
  const auto *key = f->message_type()->map_key(), *value = f->message_type()->map_value();
  out += '{';
  for (int i = 0; i < n; ++i) {
    const auto& entry = r->GetRepeatedMessage(m, f, i);
    if (i > 0) out += ',';
    if (key->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      append_value(out, entry, key, -1);
    } else {
      out += '"';
      append_value(out, entry, key, -1);
      out += '"';
    }
    out += ':';
    append_value(out, entry, value, -1);
  }
  out += '}';
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // where the run begins that needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '"' && c != '\\' && uint8_t(c) >= 0x20) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    if (uint8_t(c) >= 0x20) {
      out += '\\';
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", int(c));
    }
  }
  out.append(text, plain);
  out += '"';
}

void append_json(std::string& out, const Message& message) {
  const auto* r = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  r->ListFields(message, &fields);
  out += '{';
  bool first = true;
  for (const auto* f : fields) {
    if (!first) out += ',';
    first = false;
    append_json(out, std::string_view(f->name()));
    out += ':';
    if (f->is_map()) {
      append_map(out, message, f);
    } else if (f->is_repeated()) {
      out += '[';
      for (int i = 0, n = r->FieldSize(message, f); i < n; ++i) {
        if (i > 0) out += ',';
        append_value(out, message, f, i);
      }
      out += ']';
    } else {
      append_value(out, message, f, -1);
    }
  }
  out += '}';
}

}  // namespace dalgona::event_grpc
