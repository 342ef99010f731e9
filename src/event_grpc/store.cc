#include "event_grpc/store.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "events/ddl.h"

namespace dalgona::event_grpc {

namespace {

using std::chrono::milliseconds;
// Ids a question: the statement stays under the server's limit of 256 KiB for its text.
constexpr size_t kIdsAQuestion = 2000;
constexpr int kUnknownTable = 60, kUnknownDatabase = 81, kNoSuchColumn = 16, kUnknownSetting = 115, kAccessDenied = 497;

const warehouse::Column* column(const warehouse::Block& block, std::string_view name) {
  for (const auto& c : block.columns)
    if (c.name() == name) return &c;
  return nullptr;
}

// Settings of statements that name many ids.
constexpr const char* kLongQuery = "SETTINGS max_query_size = 4000000";

std::vector<std::span<const size_t>> pieces(const std::vector<size_t>& rows) {
  std::vector<std::span<const size_t>> all;
  for (std::span<const size_t> rest(rows); !rest.empty();) {
    all.push_back(rest.first(std::min(rest.size(), kIdsAQuestion)));
    rest = rest.subspan(all.back().size());
  }
  return all;
}

// By this the inserts of a stream are known among the warehouse's running queries.
std::string insert_prefix(const events::Stream& stream) {
  return "sink/" + stream.name + "/";
}

std::set<std::string> lines(const std::string& text) {
  std::set<std::string> all;
  for (const auto line : split(text, '\n'))
    if (!line.empty()) all.emplace(line);
  return all;
}

std::string in_list(const std::set<std::string>& values) {
  std::string list;
  for (const auto& v : values) list += (list.empty() ? "" : ",") + warehouse::literal(v);
  return "(" + list + ")";
}

}  // namespace

void StopFlag::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

void StopFlag::wait(milliseconds time) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, time, [this] { return stopped_.load(); })) throw Stopping();
}

Store::Store(warehouse::Client& client, std::string cluster, StopFlag& stop)
    : client_(client), cluster_(std::move(cluster)), stop_(stop) {
  if (cluster_.empty()) return;
  // Rows are looked for where they were written: another replica of the shard may not have them yet, and what is not
  // found is inserted again. So it is the first replica that lives, whichever server of the cluster is asked.
  options_.settings = {{"load_balancing", "in_order"}, {"prefer_localhost_replica", "0"}};
}

// Every failure is waited out: the broker keeps what is not acknowledged, and nothing is given up for an answer that
// may change. A refusal that is no matter of time is logged loudly, for a person must mend it.
template <typename F>
auto Store::patiently(const events::Stream& stream, const char* doing, F f) {
  auto& retries = metrics::counter("dalgona_event_grpc_retries_total", "Attempts repeated after a failure",
                                   {{"stream", stream.name}});
  for (int attempt = 0;; ++attempt) {
    if (stop_.stopped()) throw Stopping();
    std::string why;
    bool refused = false;
    try {
      return f();
    } catch (const warehouse::QueryError& e) {
      why = e.what();
      refused = true;
      // Somebody dropped it, or the warehouse is a new one.
      if (e.code == kUnknownTable || e.code == kUnknownDatabase || e.code == kNoSuchColumn) {
        try {
          make_tables(stream);
        } catch (const Error&) {  // the next attempt tells
        }
      }
    } catch (const Error& e) {
      why = e.what();
    }
    retries.Increment();
    if (attempt == 0 || refused || attempt % 20 == 0)
      log::warn("msg=\"the warehouse does not take it, trying again\" stream={} doing={} attempt={} error={}",
                stream.name, log::quoted(doing), attempt + 1, log::quoted(why.substr(0, 500)));
    stop_.wait(milliseconds(20) + backoff(attempt, milliseconds(100), milliseconds(refused ? 30'000 : 3'000)));
  }
}

std::string Store::query(const std::string& sql, const std::string& format) {
  return client_.query_blocking(sql, format, options_);
}

void Store::make_tables(const events::Stream& stream) {
  for (const auto& sql : events::shared_ddl(cluster_)) query(sql, "");
  try {
    for (const auto& sql : events::stream_ddl(stream, cluster_)) query(sql, "");
  } catch (const warehouse::QueryError& e) {
    if (e.code != kUnknownSetting) throw;
    for (const auto& sql : events::stream_ddl(stream, cluster_, events::MergeChoice::kServers)) query(sql, "");
  }
}

void Store::prepare(const events::Stream& stream) {
  patiently(stream, "creating tables", [&] {
    const auto old = cluster_.empty() ? set_aside_old_rollups(stream) : std::vector<std::string>();
    make_tables(stream);
    if (old.empty()) return;
    log::info("msg=\"filling the rollups anew from the log\" stream={}", stream.name);
    for (const auto& sql : events::rollup_repairs(stream, "true"))
      query(sql + " SETTINGS max_partitions_per_insert_block = 0", "");
    for (const auto& table : old) query("DROP TABLE " + table, "");
  });
}

// A rollup that was made before its days had one name (events/series_key.h), or even as pairs of (time, value), is
// renamed, and dropped when the new one is full, so that a kill in between repeats the filling and loses nothing. Gives
// the names under which the old ones lie now.
std::vector<std::string> Store::set_aside_old_rollups(const events::Stream& stream) {
  std::vector<std::string> aside;
  const auto has = [&](const std::string& table, std::string_view column) {
    return !lines(query(fmt::format("SELECT name FROM system.columns WHERE database = 'events' AND table = '{}' AND "
                                    "name = '{}'",
                                    table, column),
                        "TabSeparated"))
                .empty();
  };
  for (const auto& rollup : stream.rollups) {
    const auto old = rollup.table + "_before";
    if (has(rollup.table, "date") && !has(rollup.table, "series")) {
      query(fmt::format("DROP VIEW IF EXISTS events.{}_mv", rollup.table), "");
      query(fmt::format("RENAME TABLE events.{} TO events.{}", rollup.table, old), "");
    }
    if (has(old, "date")) aside.push_back("events." + old);
  }
  return aside;
}

// The warehouse's own memory of tokens is not enough for a second attempt: it is a file that a power cut damages, and
// in it a token stands before its rows do (docs/traps.md). So from the second attempt on the rows are looked for,
// before it and after; the token is for an attempt that is still on its way. A table that keeps the newest row of a key
// only is left to the token: what comes twice there is one row, and what is not there may have been replaced.
void Store::insert(const events::Stream& stream, const warehouse::Block& block, const std::string& token,
                   std::shared_ptr<std::string>& encoded) {
  auto options = options_;
  options.timeout = std::chrono::minutes(5);
  // A batch may span any number of months.
  options.settings["max_partitions_per_insert_block"] = "0";
  const auto table = events::table_of(stream) + " " + block.column_list();
  std::optional<warehouse::Block> some;  // none: all of it
  const auto left = [&]() -> const warehouse::Block& { return some ? *some : block; };
  std::string current = token;
  bool looks = false;
  for (int attempts = 0;;) {
    patiently(stream, "inserting", [&] {
      looks = attempts++ > 0 && stream.latest.empty();
      if (looks) leave_out_present(stream, left(), some);
      if (left().rows() == 0) return;
      options.query_id = insert_prefix(stream) + make_uuid7(system_clock().now()).text();
      // A request that has failed may not have let go of it yet.
      if (!encoded || encoded.use_count() > 1) encoded = std::make_shared<std::string>();
      left().encode_into(*encoded);
      client_.insert_blocking(table, "Native", encoded, current, options);
    });
    if (!looks) return;
    leave_out_present(stream, left(), some);
    if (left().rows() == 0) return;
    log::warn("msg=\"the warehouse knows the token of rows that it has not\" stream={} rows={}", stream.name,
              left().rows());
    current = make_uuid7(system_clock().now()).text();
  }
}

void Store::leave_out_present(const events::Stream& stream, const warehouse::Block& block,
                              std::optional<warehouse::Block>& rest) {
  std::vector<size_t> all(block.rows());
  std::iota(all.begin(), all.end(), size_t{0});
  const auto known = present(stream, block, all);
  if (known.empty()) return;  // a block may have a hundred megabytes: it is not copied for nothing
  repair_rollups(stream, block, known);
  std::vector<bool> keep(all.size(), true);
  for (const size_t row : known) keep[row] = false;
  rest = block.filtered(keep);
}

void Store::park(const events::Stream& stream, const std::vector<ParkedEvent>& parked) {
  using warehouse::Column;
  using Kind = Column::Kind;
  if (parked.empty()) return;
  warehouse::Block block;
  const auto add = [&](const char* name, const char* type, Kind kind) {
    block.columns.emplace_back(name, type, kind, false);
  };
  add("id", "UUID", Kind::kUuid);
  add("stream", "LowCardinality(String)", Kind::kKeyword);
  add("state", "LowCardinality(String)", Kind::kKeyword);
  add("parked_at", "DateTime64(3, 'UTC')", Kind::kInt64);
  add("version", "UInt64", Kind::kInt64);
  add("reason", "String", Kind::kString);
  add("field", "LowCardinality(String)", Kind::kKeyword);
  add("count", "UInt32", Kind::kUInt32);
  add("exchange", "LowCardinality(String)", Kind::kKeyword);
  add("routing_key", "String", Kind::kString);
  add("headers", "String", Kind::kString);
  add("body", "String", Kind::kString);
  const int64_t micros = system_clock().now().time_since_epoch().count();
  for (const auto& p : parked) {
    auto c = block.columns.begin();
    (c++)->add(p.id);
    (c++)->add(std::string_view(stream.name));
    (c++)->add(std::string_view("parked"));
    (c++)->add(micros / 1000);
    (c++)->add(micros);
    (c++)->add(std::string_view(p.why.reason));
    (c++)->add(std::string_view(p.why.field));
    (c++)->add(int64_t(p.count));
    (c++)->add(std::string_view(p.exchange));
    (c++)->add(std::string_view(p.routing_key));
    (c++)->add(std::string_view(p.headers));
    (c++)->add(std::string_view(p.why.body));
  }
  patiently(stream, "parking", [&] {
    client_.insert_blocking("events.parked " + block.column_list(), "Native", block.encode(), "", options_);
  });
}

// An event that is there twice has the same members, so partition and primary key lead to it: the columns that they are
// made of are asked for, and only these granules are read.
std::string Store::condition(const events::Stream& stream, const warehouse::Block& block,
                             std::span<const size_t> rows) {
  const auto& ids = *column(block, stream.id);
  std::set<std::string> wanted;
  for (const size_t row : rows) wanted.insert(ids.uuid(row).text());
  std::string where = stream.id + " IN " + in_list(wanted);
  for (const auto& name : stream.order) {
    const auto& f = *stream.field(name);
    const auto& c = *column(block, name);
    if (f.type == events::FieldType::kString || f.type == events::FieldType::kKeyword) {
      std::set<std::string> values;
      for (const size_t row : rows) values.emplace(c.text(row));
      where += fmt::format(" AND {} IN {}", name, in_list(values));
    } else if (f.type == events::FieldType::kTime) {
      int64_t low = INT64_MAX, high = INT64_MIN;
      for (const size_t row : rows) {
        low = std::min(low, c.integer(row));
        high = std::max(high, c.integer(row));
      }
      // The table may keep less of the fraction than the block has.
      const int64_t kept = f.digits == 0 ? 1'000'000 : f.digits == 3 ? 1'000 : 1;
      low -= (low % kept + kept) % kept;
      where += fmt::format(
          " AND {0} >= fromUnixTimestamp64Micro({1}, 'UTC') AND {0} <= fromUnixTimestamp64Micro({2}, 'UTC')", name, low,
          high);
    }
  }
  return where;
}

void Store::wait_for_inserts(const events::Stream& stream) {
  const auto processes = cluster_.empty()
                             ? "system.processes"
                             : fmt::format("clusterAllReplicas({}, system.processes)", warehouse::literal(cluster_));
  // The embedded engine makes query ids of its own and carries ours as the statement's comment.
  constexpr const char* kId = "if(Settings['log_comment'] != '', Settings['log_comment'], query_id)";
  // A server that is down runs nothing.
  constexpr const char* kOfThoseThatLive = "SETTINGS skip_unavailable_shards = 1";
  // Those that run now, and no later ones: others write to the stream all the time.
  auto running = lines(patiently(stream, "asking for running inserts", [&] {
    return query(fmt::format("SELECT {0} FROM {1} WHERE startsWith({0}, {2}) {3}", kId, processes,
                             warehouse::literal(insert_prefix(stream)), kOfThoseThatLive),
                 "TabSeparated");
  }));
  for (milliseconds wait{2}; !running.empty(); wait = std::min(wait * 2, milliseconds{500})) {
    stop_.wait(wait);
    running = lines(patiently(stream, "waiting for running inserts", [&] {
      return query(
          fmt::format("SELECT {0} FROM {1} WHERE {0} IN {2} {3}", kId, processes, in_list(running), kOfThoseThatLive),
          "TabSeparated");
    }));
  }
}

std::vector<size_t> Store::present(const events::Stream& stream, const warehouse::Block& block,
                                   const std::vector<size_t>& rows) {
  wait_for_inserts(stream);
  const auto& ids = *column(block, stream.id);
  std::vector<size_t> found;
  for (const auto& some : pieces(rows)) {
    const auto sql = fmt::format("SELECT DISTINCT toString({}) FROM {} WHERE {} {}", stream.id,
                                 events::table_of(stream), condition(stream, block, some), kLongQuery);
    const auto there =
        lines(patiently(stream, "looking for events delivered again", [&] { return query(sql, "TabSeparated"); }));
    for (const size_t row : some)
      if (there.contains(ids.uuid(row).text())) found.push_back(row);
  }
  return found;
}

void Store::repair_rollups(const events::Stream& stream, const warehouse::Block& block,
                           const std::vector<size_t>& rows) {
  if (stream.rollups.empty()) return;
  for (const auto& some : pieces(rows))
    for (const auto& sql : events::rollup_repairs(stream, condition(stream, block, some)))
      patiently(stream, "repairing rollups", [&] { query(sql + " " + kLongQuery, ""); });
}

void Store::recent_ids(const events::Stream& stream, size_t limit,
                       const std::function<void(std::span<const Uuid>)>& take) {
  const auto table = events::table_of(stream);
  // Nothing leads to the newest rows, and a day may have a thousand times as many as are wanted. Whatever came since
  // some time lies in parts that were written since: the others are not read. They are named, and not those to be read,
  // because one of these may have gone into a new one before the statement looks. Where no parts are seen (a cluster, a
  // server of others that does not let us look) all is read.
  std::string parts;  // seconds and rows, the newest first
  if (cluster_.empty()) {
    const auto sql = fmt::format(
        "SELECT toUnixTimestamp(modification_time) AS second, sum(rows) FROM system.parts WHERE active AND database = "
        "'events' AND table = {} GROUP BY second ORDER BY second DESC",
        warehouse::literal(stream.target.table));
    parts = patiently(stream, "looking for recent parts", [&]() -> std::string {
      try {
        return query(sql, "TabSeparated");
      } catch (const warehouse::QueryError& e) {
        if (e.code != kAccessDenied) throw;
        return "";
      }
    });
  }
  const auto newer_than = [&](uint64_t since) {
    const auto time = fmt::format("greatest(toDateTime({}), now() - INTERVAL 1 DAY)", since);
    auto where = "insert_timestamp >= " + time;
    if (!parts.empty())
      where += fmt::format(
          " AND _part NOT IN (SELECT name FROM system.parts WHERE database = 'events' AND table = {} AND "
          "modification_time < {})",
          warehouse::literal(stream.target.table), time);
    return where;
  };
  // The second since which there are `wanted`, or nothing.
  const auto reaches = [](const std::string& counts, uint64_t wanted) -> std::optional<uint64_t> {
    uint64_t rows = 0;
    for (const auto line : split(counts, '\n')) {
      if (line.empty()) continue;
      const auto fields = split(line, '\t');
      rows += std::strtoull(std::string(fields.at(1)).c_str(), nullptr, 10);
      if (rows >= wanted) return std::strtoull(std::string(fields.at(0)).c_str(), nullptr, 10);
    }
    return std::nullopt;
  };
  // By seconds: sorting rows for the newest of them costs more than all the rest of a start.
  std::string seconds;
  std::optional<uint64_t> from;
  const auto look = [&](uint64_t since) {
    seconds = patiently(stream, "counting recent events", [&] {
      return query(fmt::format("SELECT toUnixTimestamp(toDateTime(insert_timestamp)) AS second, count() FROM {} WHERE "
                               "{} GROUP BY second ORDER BY second DESC",
                               table, newer_than(since)),
                   "TabSeparated");
    });
    from = reaches(seconds, limit);
  };
  // Twice as many, for a part that merges have written lately has older rows, too; it may have no others, so the whole
  // day is looked at where these are too few.
  const uint64_t since = reaches(parts, 2 * limit).value_or(0);
  look(since);
  if (!from && since > 0) look(0);
  if (seconds.empty()) return;
  const auto sql =
      fmt::format("SELECT {} FROM {} WHERE {} LIMIT {}", stream.id, table, newer_than(from.value_or(0)), 2 * limit);
  const auto bytes = patiently(stream, "reading recent ids", [&] { return query(sql, "RowBinary"); });
  // Two numbers of 64 bits each, the less significant byte first.
  constexpr size_t kPiece = 4096;  // ids
  std::vector<Uuid> ids;
  for (size_t at = 0; at + sizeof(Uuid) <= bytes.size();) {
    ids.resize(std::min(kPiece, (bytes.size() - at) / sizeof(Uuid)));
    for (auto& id : ids) {
      for (size_t half : {0u, 8u})
        std::reverse_copy(bytes.data() + at + half, bytes.data() + at + half + 8, id.bytes.data() + half);
      at += sizeof(Uuid);
    }
    take(ids);
  }
}

}  // namespace dalgona::event_grpc
