// Rows of the small log that tests declare in a stream's file of their own: event_id, profile_id, at, followers.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "warehouse/native_block.h"

namespace dalgona::test {

// One row; `at` in microseconds.
warehouse::Block small_log_block(const Uuid& id, std::string_view profile, int64_t at, int64_t followers);

}  // namespace dalgona::test
