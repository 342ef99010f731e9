// Rows as columns in ClickHouse's Native format: values are written once, in the form in which they go over the wire.
// https://clickhouse.com/docs/interfaces/formats/Native
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace dalgona::warehouse {

// Bytes that grow at the end. Unlike std::string it puts numbers without a call, and clear() keeps the memory.
class Bytes {
 public:
  template <typename T>
  void put(T value) {
    std::memcpy(grow(sizeof value), &value, sizeof value);
  }
  void append(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
  }
  void fill(size_t count, char byte) {
    if (count) std::memset(grow(count), byte, count);
  }
  void clear() { size_ = 0; }
  size_t size() const { return size_; }
  const char* data() const { return data_.get(); }
  char operator[](size_t at) const { return data_[at]; }
  std::string_view view() const { return {data_.get(), size_}; }

 private:
  char* grow(size_t count) {
    if (capacity_ - size_ < count) make_room(count);
    char* at = data_.get() + size_;
    size_ += count;
    return at;
  }
  void make_room(size_t count);
  std::unique_ptr<char[]> data_;
  size_t size_ = 0, capacity_ = 0;
};

// One column under construction. Used by one thread.
class Column {
 public:
  enum class Kind {
    kInt64,    // Int64, DateTime64
    kFloat64,  // Float64
    kByte,     // Bool, UInt8
    kUInt32,   // UInt32
    kUuid,     // UUID
    kString,   // String
    kKeyword   // LowCardinality(String); not nullable
  };
  Column(std::string name, std::string type, Kind kind, bool nullable);

  void add(int64_t value) {  // kInt64, kByte, kUInt32
    if (kind_ == Kind::kInt64)
      data_.put(value);
    else if (kind_ == Kind::kUInt32)
      data_.put(uint32_t(value));
    else
      data_.put(char(value));
    end_row(value == 0);
  }
  void add(double value) {  // kFloat64
    data_.put(value);
    end_row(false);
  }
  void add(const Uuid& value);
  void add(std::string_view value);  // kString, kKeyword
  void add_default();                // NULL when nullable, else 0 or ""

  const std::string& name() const { return name_; }
  Kind kind() const { return kind_; }
  size_t rows() const { return rows_; }
  // Nothing but defaults: such a column need not be sent.
  bool all_default() const { return all_default_; }
  // Memory held, about.
  size_t bytes() const;
  // Of the kinds that have them; `row` < rows().
  std::string_view text(size_t row) const;
  Uuid uuid(size_t row) const;
  int64_t integer(size_t row) const;
  double real(size_t row) const;
  bool is_null(size_t row) const { return nullable_ && nulls_[row] != 0; }

  void encode(std::string& out) const;
  // A column of the rows for which keep[row].
  Column filtered(const std::vector<bool>& keep) const;
  void clear();

 private:
  void end_row(bool is_default) {
    if (nullable_) nulls_.put('\0');
    if (!is_default || nullable_) all_default_ = false;
    ++rows_;
  }

  std::string name_, type_;
  Kind kind_;
  bool nullable_;
  bool all_default_ = true;
  size_t rows_ = 0;
  Bytes data_;                     // values on the wire
  Bytes nulls_;                    // a byte a row
  std::vector<uint32_t> offsets_;  // of kString rows in data_; of kKeyword rows the index of the key
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> keys_;
  std::vector<const std::string*> key_list_;
  uint32_t last_key_ = 0;
};

class Block {
 public:
  std::vector<Column> columns;
  size_t rows() const { return columns.empty() ? 0 : columns.front().rows(); }
  size_t bytes() const;
  // "(a, b, c)" of the columns that encode() sends.
  std::string column_list() const;
  // Over what `out` had; its memory is used again.
  void encode_into(std::string& out) const;
  std::string encode() const;
  Block filtered(const std::vector<bool>& keep) const;
  void clear();
};

}  // namespace dalgona::warehouse
