#include "events/ddl.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "events/series_key.h"

namespace dalgona::events {

namespace {

// Parts are on disk before an insert is answered.
constexpr std::string_view kSynced =
    "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1";
// A block that is sent twice with one token is taken once. 10,000 blocks: a retry comes within seconds, and a stream
// inserts some tens of blocks a second at most.
constexpr std::string_view kTokens = "non_replicated_deduplication_window = 10000";
// On a cluster Keeper has the tokens, and parts also come from other replicas.
constexpr std::string_view kFetchedSynced = "min_compressed_bytes_to_fsync_after_fetch = 1";

std::string joined(const std::vector<std::string>& items, const std::string& by = ", ") {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : by) + item;
  return text;
}

std::string partition_sql(const std::string& partition) {
  const auto open = partition.find('(');
  return (partition.starts_with("month") ? "toYYYYMM" : "toYYYYMMDD") + partition.substr(open);
}

// One logical table: on a cluster a Replicated one on each node and a Distributed one over them.
struct TableSql {
  std::string cluster;
  std::string on_cluster() const { return cluster.empty() ? "" : " ON CLUSTER `" + cluster + "`"; }
  std::string local(const std::string& table) const { return cluster.empty() ? table : table + "_local"; }
  std::string engine(const std::string& table, const std::string& kind, const std::string& argument = "") const {
    if (cluster.empty()) return kind + "(" + argument + ")";
    return fmt::format("Replicated{}('/clickhouse/tables/{{shard}}/events/{}', '{{replica}}'{})", kind, table,
                       argument.empty() ? "" : ", " + argument);
  }
  std::string settings() const { return fmt::format("{}, {}", kSynced, cluster.empty() ? kTokens : kFetchedSynced); }
  void distributed(std::vector<std::string>& out, const std::string& table, const std::vector<std::string>& key) const {
    if (cluster.empty()) return;
    out.push_back(
        fmt::format("CREATE TABLE IF NOT EXISTS events.{0}{1} AS events.{0}_local ENGINE = Distributed(`{2}`, events, "
                    "{0}_local, {3})",
                    table, on_cluster(), cluster, key.empty() ? "rand()" : "cityHash64(" + joined(key) + ")"));
  }
};

// The column's type as the table keeps it; blocks carry microseconds, and what is finer than `digits` is cut at insert.
std::string stored_type(const Field& f) {
  auto type = column_type(f);
  if (f.type == FieldType::kTime) type.replace(type.find("64(6") + 3, 1, std::to_string(f.digits));
  return type;
}

// When a row came, from what the table keeps of it.
std::string insert_time(const Stream& s) {
  if (s.inserted_after.empty()) return "insert_timestamp";
  return fmt::format("toStartOfSecond({}) + toIntervalSecond(insert_delay)", s.inserted_after);
}

void insert_time_columns(const Stream& s, std::vector<std::string>& columns) {
  if (s.inserted_after.empty()) {
    columns.push_back("insert_timestamp DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(3))");
  } else {
    columns.push_back(fmt::format(
        "insert_delay Int64 DEFAULT toInt64(toUnixTimestamp(now())) - intDiv(toUnixTimestamp64Milli({}), 1000) "
        "CODEC(T64, ZSTD(3))",
        s.inserted_after));
    columns.push_back("insert_timestamp DateTime64(3, 'UTC') ALIAS " + insert_time(s));
  }
  columns.push_back(fmt::format("INDEX insert_timestamp_minmax {} TYPE minmax GRANULARITY 1", insert_time(s)));
}

// The members of one group as one JSON object: typed columns that have a value, then the rest.
std::string group_json(const Stream& s, const std::string& group) {
  std::vector<std::string> pieces;
  for (const auto& f : s.fields) {
    if (f.path.empty() || f.path[0] != group) continue;
    if (f.type == FieldType::kRest && f.path.size() == 1) {
      pieces.push_back(f.name);
    } else if (f.path.size() == 2 && f.type != FieldType::kRest) {
      const auto missing = f.nullable ? f.name + " IS NULL" : "empty(toString(" + f.name + "))";
      const auto value = f.type == FieldType::kJson ? f.name : "toJSONString(" + f.name + ")";
      pieces.push_back(fmt::format("if({}, '', concat('\"{}\":', {}))", missing, f.path[1],
                                   f.nullable ? "assumeNotNull(" + value + ")" : value));
    }
  }
  return fmt::format("concat('{{', arrayStringConcat(arrayFilter(x -> notEmpty(x), [{}]), ','), '}}')", joined(pieces));
}

std::string view_sql(const Stream& s, const TableSql& sql) {
  std::vector<std::string> columns;
  std::vector<std::string> groups;
  for (const auto& f : s.fields) {
    const bool grouped =
        !f.path.empty() && std::find(s.target.json.begin(), s.target.json.end(), f.path[0]) != s.target.json.end();
    if (!grouped) {
      columns.push_back(f.type == FieldType::kRest ? fmt::format("concat('{{', {0}, '}}') AS {0}", f.name) : f.name);
    } else if (std::find(groups.begin(), groups.end(), f.path[0]) == groups.end()) {
      groups.push_back(f.path[0]);
      columns.push_back(group_json(s, f.path[0]) + " AS " + f.path[0]);
    }
  }
  columns.push_back("insert_timestamp");
  return fmt::format("CREATE OR REPLACE VIEW _e.{}{} AS SELECT {} FROM events.{}{}", s.target.view, sql.on_cluster(),
                     joined(columns), s.target.table, s.latest.empty() ? "" : " FINAL");
}

std::vector<std::string> rollup_order(const Rollup& rollup) {
  auto order = rollup.by;
  order.push_back("date");
  return order;
}

// The rollup's rows for the events of `table` that `where` chooses (" WHERE ..." or nothing).
//
// A row an event, without grouping: the table keeps the newest row of a key (day and which metrics are given) at insert
// and in merges, and readers take each metric's newest value of the day. So the answer is the same whatever the order
// of arrival, however often an event comes and however far merges are. Of two events of one moment one is taken.
std::string rollup_select(const Rollup& rollup, const std::string& table, const std::string& where) {
  // Qualified, for an alias would hide the column of its name.
  std::vector<std::string> selected, given;
  for (const auto& name : rollup.by) selected.push_back(fmt::format("t.{0} AS {0}", name));
  selected.push_back(fmt::format("toDate(t.{}) AS date", rollup.day));
  for (size_t i = 0; i < rollup.last.size(); ++i)
    given.push_back(fmt::format("bitShiftLeft(toUInt64(isNotNull(t.{})), {})", rollup.last[i], i));
  selected.push_back(joined(given, " + ") + " AS given");
  for (const auto& name : rollup.last) selected.push_back(fmt::format("ifNull(t.{0}, 0) AS {0}", name));
  selected.push_back(fmt::format("t.{} AS observed_at", rollup.day));
  const auto from = where.empty() ? table : fmt::format("(SELECT * FROM {}{})", table, where);
  return fmt::format("SELECT {} FROM {} AS t", joined(selected), from);
}

void rollup_sql(std::vector<std::string>& out, const Stream& s, const Rollup& rollup, const TableSql& sql) {
  std::vector<std::string> columns, served(rollup_order(rollup));
  for (const auto& name : rollup.by) columns.push_back(name + " " + column_type(*s.field(name)));
  columns.push_back("date Date");
  // Nobody writes it, and SELECT * does not show it.
  columns.push_back("series String MATERIALIZED " + series_sql(rollup));
  columns.push_back("given UInt64");
  for (size_t i = 0; i < rollup.last.size(); ++i) {
    columns.push_back(rollup.last[i] + " Int64 CODEC(Delta, LZ4)");
    served.push_back(
        fmt::format("argMax(if(bitTest(t.given, {1}), t.{0}, NULL), t.observed_at) AS {0}", rollup.last[i], i));
  }
  columns.push_back("observed_at DateTime64(6, 'UTC') CODEC(Delta, LZ4)");
  served.push_back("max(t.observed_at) AS observed_at");
  // For those who ask by the columns of the name and not by the text that is made of them, in whose order they are.
  for (const auto& name : rollup.by)
    if (s.field(name)->type == FieldType::kString)
      columns.push_back(fmt::format("INDEX {0}_minmax {0} TYPE minmax GRANULARITY 64", name));
  // Small granules: a series is some hundred rows, and reading it must not read thousands of its neighbours. One file a
  // part: a series wants most of the columns, and to open and to seek in a file for each takes 0.3 ms of the 2 ms of
  // it.
  constexpr const char* kOneFile =
      "min_bytes_for_wide_part = 1000000000000000, min_rows_for_wide_part = 1000000000000000";
  out.push_back(fmt::format(
      "CREATE TABLE IF NOT EXISTS events.{}{} ({}) ENGINE = {} PRIMARY KEY series ORDER BY (series, given) SETTINGS "
      "index_granularity = 512, {}, {}",
      sql.local(rollup.table), sql.on_cluster(), joined(columns),
      sql.engine(rollup.table, "ReplacingMergeTree", "observed_at"), kOneFile, sql.settings()));
  // One that was made before; its parts become such ones as they are merged.
  if (sql.cluster.empty())
    out.push_back(fmt::format("ALTER TABLE events.{} MODIFY SETTING {}", rollup.table, kOneFile));
  sql.distributed(out, rollup.table, s.shard_key());
  out.push_back(fmt::format("CREATE MATERIALIZED VIEW IF NOT EXISTS events.{0}_mv{1} TO events.{2} AS {3}",
                            rollup.table, sql.on_cluster(), sql.local(rollup.table),
                            rollup_select(rollup, "events." + sql.local(s.target.table), "")));
  out.push_back(fmt::format("CREATE OR REPLACE VIEW events.{}{} AS SELECT {} FROM events.{} AS t GROUP BY {}",
                            rollup.view, sql.on_cluster(), joined(served), rollup.table, joined(rollup_order(rollup))));
}

}  // namespace

std::string column_type(const Field& f) {
  const auto plain = [&]() -> std::string {
    switch (f.type) {
      case FieldType::kUuid:
        return "UUID";
      case FieldType::kKeyword:
        return "LowCardinality(String)";
      case FieldType::kInt64:
        return "Int64";
      case FieldType::kFloat64:
        return "Float64";
      case FieldType::kBool:
        return "Bool";
      case FieldType::kTime:
        return "DateTime64(6, 'UTC')";
      case FieldType::kString:
      case FieldType::kJson:
      case FieldType::kRest:
        break;
    }
    return "String";
  }();
  return f.nullable ? "Nullable(" + plain + ")" : plain;
}

std::string table_of(const Stream& s) {
  return "events." + s.target.table;
}

std::vector<std::string> rollup_repairs(const Stream& s, const std::string& condition) {
  std::vector<std::string> out;
  for (const auto& rollup : s.rollups) {
    const auto columns = joined(rollup_order(rollup)) + ", given, " + joined(rollup.last) + ", observed_at";
    out.push_back(fmt::format("INSERT INTO events.{} ({}) {}", rollup.table, columns,
                              rollup_select(rollup, table_of(s), " WHERE " + condition)));
  }
  return out;
}

std::vector<std::string> shared_ddl(const std::string& cluster) {
  const TableSql sql{cluster};
  std::vector<std::string> out;
  for (const char* database : {"events", "_e"})
    out.push_back(fmt::format("CREATE DATABASE IF NOT EXISTS {}{}", database, sql.on_cluster()));
  // What could not be taken in, with its reason; a row is replaced by a later one of the same id when it is replayed,
  // dropped or parked again.
  out.push_back(fmt::format(
      "CREATE TABLE IF NOT EXISTS events.{}{} (id UUID, stream LowCardinality(String), state LowCardinality(String), "
      "parked_at DateTime64(3, 'UTC'), version UInt64, reason String, field LowCardinality(String), count UInt32, "
      "exchange LowCardinality(String), routing_key String, headers String, body String CODEC(ZSTD(3))) ENGINE = {} "
      "ORDER BY (stream, id) SETTINGS {}",
      sql.local("parked"), sql.on_cluster(), sql.engine("parked", "ReplacingMergeTree", "version"), sql.settings()));
  sql.distributed(out, "parked", {"id"});
  return out;
}

std::vector<std::string> stream_ddl(const Stream& s, const std::string& cluster, MergeChoice choice) {
  std::vector<std::string> out;
  if (s.target.kind != TargetKind::kWarehouse) return out;
  const TableSql sql{cluster};
  // What a table that was made before lacks; `gained`: the same of the Distributed one, which keeps nothing itself.
  std::vector<std::string> columns, changes, gained;
  for (const auto& f : s.fields) {
    auto column = f.name + " " + stored_type(f);
    if (!f.codec.empty()) column += " CODEC(" + f.codec + ")";
    if (f.keep.count() > 0)
      column += fmt::format(" TTL toDateTime({}) + INTERVAL {} HOUR", insert_time(s), f.keep.count());
    columns.push_back(column);
    if (std::find(s.order.begin(), s.order.end(), f.name) == s.order.end()) {
      changes.push_back("ADD COLUMN IF NOT EXISTS " + column);
      gained.push_back(fmt::format("ADD COLUMN IF NOT EXISTS {} {}", f.name, stored_type(f)));
    }
    // On a cluster every change is an entry in the log of all replicas, so codecs stay there as they were made.
    if (!f.codec.empty() && cluster.empty())
      changes.push_back(fmt::format("MODIFY COLUMN {} CODEC({})", f.name, f.codec));
  }
  insert_time_columns(s, columns);
  // Once a day: a part some of whose ids have become too old is written anew each time that the engine looks, which is
  // every four hours unless said otherwise.
  // A merge costs a row 0.25 us for each halving of the number of parts, as much as its insert for eight, whether all
  // at once or in steps; so it waits until there are two dozen parts of a kind, or until an hour has brought the
  // partition nothing. Of a kind: with a base of 100 the engine's selector takes a large part along only when some
  // dozens stand beside it, and without the heuristic, which drops the small parts of a choice afterwards, it does not
  // write a large part anew for the sake of a single small one (docs/traps.md). Some thirty parts stand on the average,
  // fifty at most. The log is not what questions of single profiles read, and whoever reads all of it does not mind.
  // One file for all columns until a part is worth more: each file is an fsync of 2.5 ms, and there are two for each
  // column otherwise.
  std::string parts = "merge_with_ttl_timeout = 86400, min_bytes_for_wide_part = 268435456";
  if (s.latest.empty() && choice == MergeChoice::kOurs)
    parts +=
        ", min_parts_to_merge_at_once = 24, merge_selector_base = 100, "
        "merge_selector_enable_heuristic_to_remove_small_parts_at_right = 0";
  if (s.latest.empty())
    parts += ", min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1";
  const auto engine = s.latest.empty() ? sql.engine(s.target.table, "MergeTree")
                                       : sql.engine(s.target.table, "ReplacingMergeTree", s.latest);
  out.push_back(fmt::format(
      "CREATE TABLE IF NOT EXISTS events.{}{} ({}) ENGINE = {}{} ORDER BY ({}){} SETTINGS {}, {}",
      sql.local(s.target.table), sql.on_cluster(), joined(columns), engine,
      s.partition.empty() ? "" : " PARTITION BY " + partition_sql(s.partition), joined(s.order),
      s.ttl.count() == 0 ? "" : fmt::format(" TTL toDateTime({}) + INTERVAL {} HOUR", s.ttl_field, s.ttl.count()),
      parts, sql.settings()));
  // Fields and codecs that the file has gained since the table was made; nothing is rewritten by it, new parts have
  // them.
  if (!changes.empty())
    out.push_back(
        fmt::format("ALTER TABLE events.{}{} {}", sql.local(s.target.table), sql.on_cluster(), joined(changes)));
  // One that was made before.
  if (sql.cluster.empty()) out.push_back(fmt::format("ALTER TABLE events.{} MODIFY SETTING {}", s.target.table, parts));
  sql.distributed(out, s.target.table, s.shard_key());
  if (!gained.empty() && !cluster.empty())
    out.push_back(fmt::format("ALTER TABLE events.{}{} {}", s.target.table, sql.on_cluster(), joined(gained)));
  for (const auto& rollup : s.rollups) rollup_sql(out, s, rollup, sql);
  if (!s.target.view.empty()) out.push_back(view_sql(s, sql));
  return out;
}

}  // namespace dalgona::events
