#include "support/small_log.h"

namespace dalgona::test {

warehouse::Block small_log_block(const Uuid& id, std::string_view profile, int64_t at, int64_t followers) {
  using Kind = warehouse::Column::Kind;
  warehouse::Block b;
  b.columns.emplace_back("event_id", "UUID", Kind::kUuid, false);
  b.columns.emplace_back("profile_id", "String", Kind::kString, false);
  b.columns.emplace_back("at", "DateTime64(6, 'UTC')", Kind::kInt64, false);
  b.columns.emplace_back("followers", "Nullable(Int64)", Kind::kInt64, true);
  b.columns[0].add(id);
  b.columns[1].add(profile);
  b.columns[2].add(at);
  b.columns[3].add(followers);
  return b;
}

}  // namespace dalgona::test
