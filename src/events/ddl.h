// The warehouse's side of the catalogue: tables, rollups and views as SQL.
#pragma once
#include <string>
#include <vector>

#include "events/catalogue.h"

namespace dalgona::events {

// Statements in the order in which they must run; each may run again and changes nothing then. `cluster` empty: one
// node. Else ON CLUSTER, Replicated tables NAME_local and Distributed ones over them.
// Databases `events` and `_e` and the table of parked events come first, once.
std::vector<std::string> shared_ddl(const std::string& cluster);
// Who chooses which parts of a log are merged. Older servers do not know the settings for it and answer
// UNKNOWN_SETTING.
enum class MergeChoice { kOurs, kServers };
std::vector<std::string> stream_ddl(const Stream& stream, const std::string& cluster,
                                    MergeChoice choice = MergeChoice::kOurs);

// Statements that put the rollups right for the events of the stream's table that `condition` (SQL) chooses. A block
// goes into the log and into each rollup one after another, so a kill between the two leaves rows in the log that a
// rollup lacks. They may run again and change nothing then.
std::vector<std::string> rollup_repairs(const Stream& stream, const std::string& condition);

// The column's type in the warehouse, as blocks carry it: "Nullable(Int64)".
std::string column_type(const Field& field);
// "events.profile_log"
std::string table_of(const Stream& stream);

}  // namespace dalgona::events
