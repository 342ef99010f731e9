#include "base/amqp/wire.h"

namespace dalgona::amqp {

Table to_table(const amqp_table_t& from) {
  Table table;
  for (int i = 0; i < from.num_entries; ++i) {
    const auto& value = from.entries[i].value;
    const std::string key(view(from.entries[i].key));
    switch (value.kind) {
      case AMQP_FIELD_KIND_BOOLEAN:
        table[key] = bool(value.value.boolean);
        break;
      case AMQP_FIELD_KIND_I8:
        table[key] = int64_t(value.value.i8);
        break;
      case AMQP_FIELD_KIND_U8:
        table[key] = int64_t(value.value.u8);
        break;
      case AMQP_FIELD_KIND_I16:
        table[key] = int64_t(value.value.i16);
        break;
      case AMQP_FIELD_KIND_U16:
        table[key] = int64_t(value.value.u16);
        break;
      case AMQP_FIELD_KIND_I32:
        table[key] = int64_t(value.value.i32);
        break;
      case AMQP_FIELD_KIND_U32:
        table[key] = int64_t(value.value.u32);
        break;
      case AMQP_FIELD_KIND_I64:
        table[key] = value.value.i64;
        break;
      case AMQP_FIELD_KIND_U64:
        table[key] = int64_t(value.value.u64);
        break;
      case AMQP_FIELD_KIND_TIMESTAMP:
        table[key] = int64_t(value.value.u64);
        break;
      case AMQP_FIELD_KIND_UTF8:
      case AMQP_FIELD_KIND_BYTES:
        table[key] = std::string(view(value.value.bytes));
        break;
      default:
        break;
    }
  }
  return table;
}

Properties to_properties(const amqp_basic_properties_t& from) {
  Properties p;
  const auto take = [&](amqp_flags_t flag, amqp_bytes_t value, std::string& to) {
    if (from._flags & flag) to.assign(view(value));
  };
  take(AMQP_BASIC_MESSAGE_ID_FLAG, from.message_id, p.message_id);
  take(AMQP_BASIC_TYPE_FLAG, from.type, p.type);
  take(AMQP_BASIC_CONTENT_TYPE_FLAG, from.content_type, p.content_type);
  take(AMQP_BASIC_CONTENT_ENCODING_FLAG, from.content_encoding, p.content_encoding);
  take(AMQP_BASIC_APP_ID_FLAG, from.app_id, p.app_id);
  if (from._flags & AMQP_BASIC_TIMESTAMP_FLAG) p.timestamp = int64_t(from.timestamp);
  if (from._flags & AMQP_BASIC_HEADERS_FLAG) p.headers = to_table(from.headers);
  return p;
}

}  // namespace dalgona::amqp
