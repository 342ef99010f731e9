// A stream's fields as a tree of member names, and the values that one event gives them. Shared by the two readers of
// an event: read_plain_event() for what nearly all events look like, and the parser for everything.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "events/catalogue.h"

namespace dalgona::event_grpc {

// 1970 to 2200: outside of it a time is a mistake, and partitions by month would multiply.
inline constexpr int64_t kMaxTime = 7258118400'000000;
// Of a keyword, whatever the stream says: a column of keywords keeps each different one in memory.
inline constexpr size_t kMaxKeyword = 1024;
// What an event's unknown members may be together, in one field.
inline constexpr size_t kMaxRest = 4u << 20;

struct FieldNode {
  // A member's name with the quote that ends it in JSON.
  struct Child {
    std::string quoted;
    uint64_t head = 0, mask = 0;  // its first eight bytes, and which of them there are
    size_t node = 0;
    std::string_view name() const { return std::string_view(quoted).substr(0, quoted.size() - 1); }
    // `key` points behind the opening quote; eight bytes of it can be read, and `left` are the event's.
    bool is_at(const char* key, size_t left) const {
      uint64_t bytes = 0;
      std::memcpy(&bytes, key, sizeof bytes);
      if ((bytes & mask) != head || left < quoted.size()) return false;
      return quoted.size() <= 8 || std::memcmp(key + 8, quoted.data() + 8, quoted.size() - 8) == 0;
    }
  };
  std::string path;  // "metrics.followers"
  std::vector<Child> children;
  size_t hint = 0;  // the child after the one found last: events have their members in one order
  int leaf = -1;    // field that takes the value
  int rest = -1;    // field that takes the other members
};

// One field's value in one event; of the values only that of the field's type, and only when it is given.
struct FieldSlot {
  bool given = false;  // a value that is not null
  bool seen = false;   // the member was there
  int64_t integer = 0;
  double real = 0;
  std::string_view text;
  Uuid uuid;
};

struct FieldTree {
  const events::Stream& stream;
  std::vector<FieldNode> nodes;      // the first is the root
  std::vector<FieldSlot> slots;      // in the order of the stream's fields
  std::vector<std::string> scratch;  // of json and rest fields

  explicit FieldTree(const events::Stream& stream);
  void clear();
  // The child that `is` says yes to, or null.
  template <typename Is>
  FieldNode* find(FieldNode& node, const Is& is) {
    const size_t n = node.children.size();
    for (size_t i = 0; i < n; ++i) {
      size_t at = node.hint + i;
      if (at >= n) at -= n;
      if (!is(node.children[at])) continue;
      node.hint = at + 1 == n ? 0 : at + 1;
      return &nodes[node.children[at].node];
    }
    return nullptr;
  }

 private:
  size_t place(const std::vector<std::string>& path);
  std::vector<size_t> built_;  // fields that use their scratch
};

// "2017-09-13 00:00:00.000000", with T, Z or neither, in microseconds since 1970: the forms that nearly all events
// have, without the general parser's cost. Nothing for any other text.
std::optional<int64_t> plain_time(std::string_view text);

// A time given as a number: seconds, milliseconds or microseconds since 1970, told apart by their size. A number below
// 0 stays below 0: whatever its unit, it is before 1970, and multiplied it could come out after.
constexpr int64_t time_of_number(int64_t n) {
  if (n < 0) return n;
  return n < 100'000'000'000 ? n * 1'000'000 : n < 100'000'000'000'000 ? n * 1000 : n;
}

}  // namespace dalgona::event_grpc
