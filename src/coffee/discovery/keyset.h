// The SQL of a page ordered by one value and the id: where it begins, and how it is ordered. Values that are not known
// stand as the order's smallest value, so that a page is one range of one index wherever it begins. Ascending is
// exactly the reverse of descending.
#pragma once
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace dalgona::coffee::discovery {

struct SortKey {
  std::string_view name;
  // An expression that is never NULL, and its type.
  std::string_view expression, type;
};

// "(K <= $v AND (K < $v OR id > $i))": rows after the one that had value $v and id $i; `value` and `id` are the numbers
// of the parameters.
inline std::string after_condition(const SortKey& key, std::string_view id_column, bool ascending, size_t value,
                                   size_t id) {
  const std::string v = fmt::format("${}::{}", value, key.type);
  return fmt::format("({0} {1}= {2} AND ({0} {1} {2} OR {3} COLLATE \"C\" {4} ${5}::text))", key.expression,
                     ascending ? '>' : '<', v, id_column, ascending ? '<' : '>', id);
}

inline std::string order_by(const SortKey& key, std::string_view id_column, bool ascending) {
  return fmt::format("{} {}, {} COLLATE \"C\" {}", key.expression, ascending ? "ASC" : "DESC", id_column,
                     ascending ? "DESC" : "ASC");
}

}  // namespace dalgona::coffee::discovery
