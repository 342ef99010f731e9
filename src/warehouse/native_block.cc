#include "warehouse/native_block.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace dalgona::warehouse {

static_assert(std::endian::native == std::endian::little,
              "values are copied in the order in which they go over the wire");

namespace {

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
void put(Bytes& out, T value) {
  out.put(value);
}

template <typename Out>
void put_varint(Out& out, uint64_t value) {
  while (value >= 0x80) {
    put(out, char(uint8_t(value) | 0x80));
    value >>= 7;
  }
  put(out, char(value));
}

template <typename Out>
void put_text(Out& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

size_t width_of(Column::Kind kind) {
  switch (kind) {
    case Column::Kind::kInt64:
    case Column::Kind::kFloat64:
      return 8;
    case Column::Kind::kByte:
      return 1;
    case Column::Kind::kUInt32:
      return 4;
    case Column::Kind::kUuid:
      return 16;
    case Column::Kind::kString:
    case Column::Kind::kKeyword:
      break;
  }
  return 0;
}

}  // namespace

void Bytes::make_room(size_t count) {
  const size_t wanted = std::max({size_ + count, capacity_ * 2, size_t{256}});
  auto more = std::make_unique_for_overwrite<char[]>(wanted);
  if (size_) std::memcpy(more.get(), data_.get(), size_);
  data_ = std::move(more);
  capacity_ = wanted;
}

Column::Column(std::string name, std::string type, Kind kind, bool nullable)
    : name_(std::move(name)), type_(std::move(type)), kind_(kind), nullable_(nullable) {}

void Column::add(const Uuid& value) {
  // Two 64-bit halves, each in the machine's order.
  for (const size_t half : {0, 8}) {
    uint64_t bits = 0;
    std::memcpy(&bits, value.bytes.data() + half, sizeof bits);
    data_.put(__builtin_bswap64(bits));
  }
  end_row(false);
}

void Column::add(std::string_view value) {
  if (kind_ == Kind::kKeyword) {
    if (key_list_.empty() || *key_list_[last_key_] != value) {
      const auto at = keys_.find(value);
      if (at != keys_.end()) {
        last_key_ = at->second;
      } else {
        last_key_ = uint32_t(key_list_.size());
        key_list_.push_back(&keys_.emplace(std::string(value), last_key_).first->first);
      }
    }
    offsets_.push_back(last_key_);
  } else {
    offsets_.push_back(uint32_t(data_.size()));
    put_text(data_, value);
  }
  end_row(value.empty());
}

void Column::add_default() {
  if (kind_ == Kind::kKeyword) return add(std::string_view());
  if (kind_ == Kind::kString) {
    offsets_.push_back(uint32_t(data_.size()));
    data_.put('\0');
  } else {
    data_.fill(width_of(kind_), '\0');
  }
  if (nullable_) nulls_.put('\1');
  ++rows_;
}

size_t Column::bytes() const {
  return data_.size() + nulls_.size() + offsets_.size() * sizeof(uint32_t);
}

std::string_view Column::text(size_t row) const {
  if (kind_ == Kind::kKeyword) return *key_list_[offsets_[row]];
  size_t at = offsets_[row];
  uint64_t size = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = uint8_t(data_[at++]);
    size |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return data_.view().substr(at, size);
}

Uuid Column::uuid(size_t row) const {
  Uuid value;
  for (const size_t half : {0, 8}) {
    uint64_t bits = 0;
    std::memcpy(&bits, data_.data() + row * 16 + half, sizeof bits);
    bits = __builtin_bswap64(bits);
    std::memcpy(value.bytes.data() + half, &bits, sizeof bits);
  }
  return value;
}

int64_t Column::integer(size_t row) const {
  if (kind_ == Kind::kByte) return data_[row];
  int64_t value = 0;
  std::memcpy(&value, data_.data() + row * width_of(kind_), width_of(kind_));
  return value;
}

double Column::real(size_t row) const {
  double value = 0;
  std::memcpy(&value, data_.data() + row * sizeof value, sizeof value);
  return value;
}

void Column::encode(std::string& out) const {
  put_text(out, name_);
  put_text(out, type_);
  if (kind_ == Kind::kKeyword) {
    const bool narrow = key_list_.size() <= 256;
    constexpr uint64_t kAdditionalKeys = 1 << 9, kUpdateDictionary = 1 << 10;
    put<uint64_t>(out, 1);  // version: a dictionary in every block
    put<uint64_t>(out, (narrow ? 0 : 2) | kAdditionalKeys | kUpdateDictionary);
    put<uint64_t>(out, key_list_.size());
    for (const auto* key : key_list_) put_text(out, *key);
    put<uint64_t>(out, rows_);
    if (narrow)
      for (const uint32_t index : offsets_) out += char(index);
    else
      out.append(reinterpret_cast<const char*>(offsets_.data()), offsets_.size() * sizeof(uint32_t));
    return;
  }
  if (nullable_) out += nulls_.view();
  out += data_.view();
}

Column Column::filtered(const std::vector<bool>& keep) const {
  Column kept(name_, type_, kind_, nullable_);
  const size_t width = width_of(kind_);
  for (size_t row = 0; row < rows_; ++row) {
    if (!keep[row]) continue;
    if (nullable_ && nulls_[row]) {
      kept.add_default();
    } else if (width == 0) {
      kept.add(text(row));
    } else {
      kept.data_.append(data_.view().substr(row * width, width));
      if (nullable_) kept.nulls_.put('\0');
      ++kept.rows_;
    }
  }
  kept.all_default_ = all_default_;
  return kept;
}

void Column::clear() {
  rows_ = 0;
  all_default_ = true;
  data_.clear();
  nulls_.clear();
  offsets_.clear();
  keys_.clear();
  key_list_.clear();
  last_key_ = 0;
}

size_t Block::bytes() const {
  size_t sum = 0;
  for (const auto& c : columns) sum += c.bytes();
  return sum;
}

std::string Block::column_list() const {
  std::string list;
  for (const auto& c : columns)
    if (!c.all_default()) list += (list.empty() ? "" : ", ") + c.name();
  return "(" + list + ")";
}

std::string Block::encode() const {
  std::string out;
  encode_into(out);
  return out;
}

void Block::encode_into(std::string& out) const {
  out.clear();
  out.reserve(bytes() + 4096);
  size_t sent = 0;
  for (const auto& c : columns) sent += !c.all_default();
  put_varint(out, sent);
  put_varint(out, rows());
  for (const auto& c : columns)
    if (!c.all_default()) c.encode(out);
}

Block Block::filtered(const std::vector<bool>& keep) const {
  Block kept;
  for (const auto& c : columns) kept.columns.push_back(c.filtered(keep));
  return kept;
}

void Block::clear() {
  for (auto& c : columns) c.clear();
}

}  // namespace dalgona::warehouse
