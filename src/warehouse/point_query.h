// Look-ups by a primary key: a few granules of one table. The engine plans such a statement longer than it runs it, so
// it is asked in the form that is planned shortest (docs/traps.md has the figures).
#pragma once
#include "warehouse/client.h"

namespace dalgona::warehouse {

// Bytes, uncompressed, that a look-up's result may have. Within that bound the embedded warehouse answers from memory.
inline constexpr uint64_t kMostOfAPointQuery = 4 << 20;

// Settings for a SELECT from one table, conditions in PREWHERE and values written into the statement (a parameter is a
// cast that is planned). Others would run as well, but with less optimisation. A result beyond the bound is a
// QueryError.
QueryOptions point_query_options();

}  // namespace dalgona::warehouse
