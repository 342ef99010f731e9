// Between the values of the AMQP library and ours. Private to this room.
#pragma once
#include <string_view>
#include <vector>

#include <amqp.h>

#include "base/amqp/amqp.h"

namespace dalgona::amqp {

// The same bytes, which their owner keeps; the library writes into none of those that it is given.
inline amqp_bytes_t bytes(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::string_view view(amqp_bytes_t b) {
  return {static_cast<const char*>(b.bytes), b.len};
}

// An amqp_table_t over strings that the caller keeps.
class TableView {
 public:
  explicit TableView(const Table& table) {
    entries_.reserve(table.size());
    for (const auto& [key, value] : table) {
      amqp_table_entry_t entry;
      entry.key = bytes(key);
      if (const auto* flag = std::get_if<bool>(&value)) {
        entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
        entry.value.value.boolean = *flag;
      } else if (const auto* number = std::get_if<int64_t>(&value)) {
        entry.value.kind = AMQP_FIELD_KIND_I64;
        entry.value.value.i64 = *number;
      } else {
        entry.value.kind = AMQP_FIELD_KIND_UTF8;
        entry.value.value.bytes = bytes(std::get<std::string>(value));
      }
      entries_.push_back(entry);
    }
  }
  amqp_table_t get() { return {int(entries_.size()), entries_.data()}; }

 private:
  std::vector<amqp_table_entry_t> entries_;
};

// Values of kinds that we do not use (arrays, nested tables as in x-death) are left out.
Table to_table(const amqp_table_t& from);
Properties to_properties(const amqp_basic_properties_t& from);

}  // namespace dalgona::amqp
