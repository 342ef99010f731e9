#include "stir/publish.h"

#include <algorithm>
#include <deque>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "stir/materialize.h"

namespace dalgona::stir {
namespace {
using postgres::identifier;

// A queue of few pieces between a coroutine that produces and one that consumes. All of it happens on the strand that
// is given: put() and next() go there by themselves, for a store calls them from a strand of its own (docs/traps.md);
// the others are called there.
class Pipe {
 public:
  explicit Pipe(asio::any_io_executor strand)
      : strand_(std::move(strand)), changed_(strand_, std::chrono::steady_clock::time_point::max()) {}

  Task<void> put(std::string piece) {
    Task<void> there = put_there(std::move(piece));
    co_await asio::co_spawn(strand_, std::move(there), asio::use_awaitable);
  }
  Task<std::string> next() {
    Task<std::string> there = next_there();
    co_return co_await asio::co_spawn(strand_, std::move(there), asio::use_awaitable);
  }
  void end(std::exception_ptr failure) {
    ended_ = true;
    failure_ = std::move(failure);
    wake();
  }
  void close() {
    closed_ = true;
    wake();
  }
  Task<void> until_ended() {
    while (!ended_) co_await wait();
  }

 private:
  Task<void> put_there(std::string piece) {
    while (pieces_.size() >= 4 && !closed_) co_await wait();
    if (closed_) throw Cancelled("the reader of the pipe has gone");
    pieces_.push_back(std::move(piece));
    wake();
  }
  Task<std::string> next_there() {
    while (pieces_.empty() && !ended_) co_await wait();
    if (pieces_.empty()) {
      if (failure_) std::rethrow_exception(failure_);
      co_return std::string();
    }
    std::string piece = std::move(pieces_.front());
    pieces_.pop_front();
    wake();
    co_return piece;
  }
  // Cancellation is seen by whoever waits for the store or the server, not here.
  Task<void> wait() {
    changed_.expires_at(std::chrono::steady_clock::now() + std::chrono::seconds{1});
    boost::system::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  void wake() { changed_.cancel(); }

  asio::any_io_executor strand_;
  asio::steady_timer changed_;
  std::deque<std::string> pieces_;
  bool ended_ = false, closed_ = false;
  std::exception_ptr failure_;
};

std::string name(const PublishTarget& t, std::string_view suffix = {}) {
  return identifier(t.schema) + "." + identifier(t.table + std::string(suffix));
}

std::string names(const std::vector<std::string>& columns) {
  std::string text;
  for (const auto& column : columns) text += (text.empty() ? "" : ", ") + identifier(column);
  return text;
}

// "text not null" -> "text": record types take no constraints.
std::string bare_type(const std::string& type) {
  std::string lower = type;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  const auto at = lower.find(" not null");
  return at == lower.npos ? type : type.substr(0, at);
}

class Publisher {
 public:
  Publisher(const Compiler& compiler, warehouse::Client& warehouse, objects::Store& objects, postgres::Session& session,
            const PublishOptions& options)
      : compiler_(compiler), warehouse_(warehouse), objects_(objects), session_(session), options_(options) {}

  Task<std::vector<Published>> run(std::vector<PublishTarget> targets) {
    std::vector<Published> all;
    for (const auto& t : targets) all.push_back(co_await prepare(t));
    co_await swap(targets, all);
    for (const auto& t : targets) co_await drop_old(t);
    co_return all;
  }

 private:
  // Everything up to a twin that is ready to take the live table's name.
  Task<Published> prepare(const PublishTarget& t) {
    const auto started = std::chrono::steady_clock::now();
    started_.push_back(to_sql(system_clock().now()) + "+00");
    Published p;
    p.table = t.schema + "." + t.table;
    p.model = t.model;
    p.object = t.object;
    co_await check_live(t);
    co_await export_object(t);
    co_await load(t, p);
    co_await session_.execute(fmt::format("VACUUM ANALYZE {}", name(t, "__twin")));
    p.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    co_return p;
  }

  // What a rename would break is refused before any work is done. Plain views are made anew in the swap.
  Task<void> check_live(const PublishTarget& t) {
    postgres::Params table;
    table.emplace_back(name(t));
    const auto keys = co_await session_.query(
        "SELECT conrelid::regclass::text AS other FROM pg_constraint WHERE contype = 'f' AND confrelid = "
        "to_regclass($1)",
        table);
    if (keys.rows() > 0)
      throw Permanent(
          fmt::format("{}.{} is not published: {} has a foreign key to it", t.schema, t.table, keys.text(0, "other")));
    const auto views = co_await session_.query(
        "SELECT DISTINCT c.oid::regclass::text AS other FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN "
        "pg_class c ON c.oid = r.ev_class WHERE d.refobjid = to_regclass($1) AND d.classid = 'pg_rewrite'::regclass "
        "AND "
        "c.relkind = 'm'",
        table);
    if (views.rows() > 0)
      throw Permanent(
          fmt::format("{}.{} is not published: materialised view {} stands on it and would keep the old rows", t.schema,
                      t.table, views.text(0, "other")));
    // Left by a publish that was killed.
    co_await session_.execute(fmt::format("DROP TABLE IF EXISTS {}; DROP TABLE IF EXISTS {}; DROP TABLE IF EXISTS {}",
                                          name(t, "__twin"), name(t, "__load"), name(t, "__old")));
  }

  Task<void> export_object(const PublishTarget& t) {
    const Node* model = compiler_.project().find(t.model);
    if (!model) throw InvalidInput("publish: there is no model '" + t.model + "'");
    std::string columns;
    for (const auto& [column, type] : t.columns)
      columns += (columns.empty() ? "" : ", ") + warehouse::identifier(column);
    const std::string sql = fmt::format("SELECT {} FROM {}", columns, Relation{model->schema, model->identifier}.sql());
    const auto executor = co_await asio::this_coro::executor;
    auto pipe = std::make_shared<Pipe>(executor);
    asio::co_spawn(executor, select(sql, pipe), [pipe](const std::exception_ptr& failure) { pipe->end(failure); });
    std::exception_ptr failure;
    try {
      std::function<Task<std::string>()> next = [pipe]() { return pipe->next(); };
      co_await objects_.put(t.object, next, "application/x-ndjson");
    } catch (...) {
      failure = std::current_exception();
    }
    // The select must have let go of us before we leave.
    pipe->close();
    // Cancelled or not, this wait is done.
    if (failure) co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await pipe->until_ended();
    if (failure) std::rethrow_exception(failure);
  }

  Task<void> select(std::string sql, std::shared_ptr<Pipe> pipe) {
    warehouse::QueryOptions query;
    query.timeout = std::chrono::minutes{30};
    query.settings["output_format_json_quote_64bit_integers"] = "0";
    query.settings["output_format_json_quote_denormals"] = "0";
    query.settings["output_format_json_validate_utf8"] = "1";
    query.settings["date_time_output_format"] = "iso";
    std::function<Task<void>(std::string_view)> piece = [pipe](std::string_view bytes) {
      return pipe->put(std::string(bytes));
    };
    co_await warehouse_.query_stream(sql, "JSONEachRow", piece, query);
  }

  Task<void> load(const PublishTarget& t, Published& p) {
    co_await session_.execute(fmt::format("CREATE UNLOGGED TABLE {} (line jsonb NOT NULL)", name(t, "__load")));
    const auto executor = co_await asio::this_coro::executor;
    auto pipe = std::make_shared<Pipe>(executor);
    asio::co_spawn(executor, read_object(t.object, pipe),
                   [pipe](const std::exception_ptr& failure) { pipe->end(failure); });
    uint64_t lines = 0;
    std::exception_ptr failure;
    try {
      std::function<Task<std::string>()> next = [pipe]() { return pipe->next(); };
      lines = co_await session_.copy_in(fmt::format("COPY {} (line) FROM STDIN", name(t, "__load")), next);
    } catch (...) {
      failure = std::current_exception();
    }
    pipe->close();
    // Cancelled or not, this wait is done.
    if (failure) co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await pipe->until_ended();
    if (failure) std::rethrow_exception(failure);

    std::string definitions, record;
    std::vector<std::string> columns;
    for (const auto& [column, type] : t.columns) {
      definitions += identifier(column) + " " + type + ", ";
      record += (record.empty() ? "" : ", ") + identifier(column) + " " + bare_type(type);
      columns.push_back(column);
    }
    const std::string twin = name(t, "__twin");
    // Names of indexes are of the schema: the start's microseconds keep them apart from the live ones.
    const std::string mark = std::to_string(system_clock().now().time_since_epoch().count());
    definitions.resize(definitions.size() - 2);
    co_await session_.execute(fmt::format("CREATE UNLOGGED TABLE {} ({})", twin, definitions));
    const auto inserted = co_await session_.query(
        fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}, jsonb_to_record(line) AS r({})", twin, names(columns),
                    "r." + names_of_record(columns), name(t, "__load"), record));
    p.rows = inserted.affected();
    if (p.rows != lines)
      throw Permanent(fmt::format("{}: {} lines were read and {} rows written", p.table, lines, p.rows));
    co_await guard(t, p);
    // One transaction: a commit waits for the disk.
    std::string finish =
        fmt::format("DROP TABLE {}; ALTER TABLE {} SET LOGGED; ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY ({})",
                    name(t, "__load"), twin, twin, identifier(t.table + "_pkey_" + mark), names(t.primary_key));
    for (size_t i = 0; i < t.indexes.size(); ++i)
      finish += fmt::format("; CREATE INDEX {} ON {} ({})", identifier(fmt::format("{}_{}_{}", t.table, i + 1, mark)),
                            twin, names(t.indexes[i]));
    co_await session_.execute(finish);
  }

  static std::string names_of_record(const std::vector<std::string>& columns) {
    std::string text;
    for (const auto& column : columns) text += (text.empty() ? "" : ", r.") + identifier(column);
    return text;
  }

  Task<void> read_object(std::string key, std::shared_ptr<Pipe> pipe) {
    auto lines = std::make_shared<CopyLines>();
    std::function<Task<void>(std::string_view)> piece = [pipe, lines](std::string_view bytes) {
      return pipe->put(lines->take(bytes));
    };
    co_await objects_.get(key, piece);
  }

  Task<void> guard(const PublishTarget& t, Published& p) {
    postgres::Params table;
    table.emplace_back(name(t));
    const auto live = co_await session_.query("SELECT to_regclass($1) IS NOT NULL AS there", table);
    if (!live.flag(0, "there")) co_return;
    const auto count = co_await session_.query(fmt::format("SELECT count(*) AS n FROM {}", name(t)));
    p.before = uint64_t(count.integer(0, "n"));
    if (double(p.rows) >= t.guard * double(p.before)) co_return;
    const auto text = fmt::format("{} is not published: the new one has {} rows, the live one {} (guard {})", p.table,
                                  p.rows, p.before, t.guard);
    if (!options_.force) throw Permanent(text + "; --force publishes it all the same");
    log::warn("msg={}", log::quoted(text + "; forced"));
  }

  Task<void> swap(const std::vector<PublishTarget>& targets, const std::vector<Published>& all) {
    for (int attempt = 0;; ++attempt) {
      std::exception_ptr failure;
      bool busy = false;
      try {
        co_await session_.execute("BEGIN; SET LOCAL synchronous_commit = on");
        co_await lock(targets);
        co_await check_run();
        for (size_t i = 0; i < targets.size(); ++i) co_await swap_one(targets[i], all[i], started_[i]);
        co_await session_.execute("COMMIT");
        co_return;
      } catch (const postgres::TransientSqlError& e) {
        busy = e.sqlstate == "55P03" || e.sqlstate == "40P01";  // lock not to be had, deadlock
        failure = std::current_exception();
      } catch (...) {
        failure = std::current_exception();
      }
      co_await roll_back();
      if (!busy) std::rethrow_exception(failure);
      if (attempt + 1 >= options_.lock_attempts)
        throw Retryable("publish: readers hold the live tables all the time; nothing was changed");
      co_await sleep_for(backoff(attempt, std::chrono::milliseconds{50}, std::chrono::seconds{2}));
    }
  }

  Task<void> roll_back() {
    try {
      co_await session_.execute("ROLLBACK");
    } catch (const Error& e) {
      log::debug("msg=\"rollback\" error={}", log::quoted(e.what()));
    }
  }

  Task<void> check_run() {
    if (options_.run == 0) co_return;
    postgres::Params run;
    run.emplace_back(std::to_string(options_.run));
    const auto active =
        co_await session_.query("SELECT FROM stir.run WHERE id = $1::bigint AND status = 'RUNNING' FOR SHARE", run);
    if (active.rows() == 0)
      throw Permanent("nothing is published: this run has lost its lease, another may have begun");
  }

  // Takes every lock of the swap before anything is changed. Readers take their locks in any order, so a deadlock can
  // form while we wait; it must be us who give up, and we do when all our waiting together has lasted for less than the
  // time after which a reader looks for deadlocks and is cancelled.
  Task<void> lock(const std::vector<PublishTarget>& targets) {
    const auto shown =
        co_await session_.query("SELECT setting::bigint AS ms FROM pg_settings WHERE name = 'deadlock_timeout'");
    const auto patience = std::min(options_.lock_timeout,
                                   std::chrono::milliseconds{std::max<int64_t>(1, shown.integer(0, "ms") * 7 / 10)});
    std::vector<std::string> relations;
    for (const auto& t : targets) {
      postgres::Params table;
      table.emplace_back(name(t));
      const auto found = co_await session_.query(
          "SELECT c.oid::regclass::text AS relation FROM pg_class c WHERE c.oid = to_regclass($1) UNION SELECT "
          "c.oid::regclass::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = "
          "r.ev_class WHERE d.refobjid = to_regclass($1) AND d.classid = 'pg_rewrite'::regclass AND c.relkind = 'v' "
          "ORDER BY 1",
          table);
      for (size_t i = 0; i < found.rows(); ++i) relations.emplace_back(found.text(i, "relation"));
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const auto& relation : relations) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      co_await session_.execute(fmt::format("SET LOCAL lock_timeout = {}; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
                                            std::max<int64_t>(1, left.count()), relation));
    }
  }

  // Inside the transaction, with all locks held.
  Task<void> swap_one(const PublishTarget& t, const Published& p, std::string started) {
    postgres::Params table;
    table.emplace_back(name(t));
    const auto there = co_await session_.query("SELECT to_regclass($1) IS NOT NULL AS there", table);
    if (there.flag(0, "there")) {
      // Owner, grants and comments go over to the twin. With an empty search path all names come out qualified.
      postgres::Params both;
      both.emplace_back(name(t));
      both.emplace_back(name(t, "__twin"));
      const auto statements = co_await session_.query(kInherit, both);
      postgres::Params view_of;
      view_of.emplace_back(name(t));
      co_await session_.execute("SET LOCAL search_path = pg_catalog");
      const auto definitions = co_await session_.query(kViews, view_of);
      co_await session_.execute("SET LOCAL search_path TO DEFAULT");
      for (size_t i = 0; i < statements.rows(); ++i) co_await session_.execute(statements.text(i, "sql"));
      co_await session_.execute(fmt::format("ALTER TABLE {} RENAME TO {}", name(t), identifier(t.table + "__old")));
      co_await session_.execute(fmt::format("ALTER TABLE {} RENAME TO {}", name(t, "__twin"), identifier(t.table)));
      // A view knows its table by number: made anew from its text, it reads the new one and keeps its own grants.
      for (size_t i = 0; i < definitions.rows(); ++i) co_await session_.execute(definitions.text(i, "sql"));
    } else {
      co_await session_.execute(fmt::format("ALTER TABLE {} RENAME TO {}", name(t, "__twin"), identifier(t.table)));
    }
    postgres::Params row;
    row.emplace_back(options_.snapshot_id);
    row.emplace_back(p.table);
    row.emplace_back(p.model);
    row.emplace_back(std::to_string(p.rows));
    row.emplace_back(p.object);
    row.emplace_back(started);
    co_await session_.query(
        "INSERT INTO coffee.publication (snapshot_id, table_name, model, rows, object, started_at, finished_at) VALUES "
        "($1::uuid, $2, $3, $4::bigint, $5, $6::timestamptz, clock_timestamp())",
        row);
  }

  // Who still reads the old table in a long query keeps it; the next publish drops it then.
  Task<void> drop_old(const PublishTarget& t) {
    try {
      co_await session_.execute(
          fmt::format("SET lock_timeout = 5000; DROP TABLE IF EXISTS {}; RESET lock_timeout", name(t, "__old")));
    } catch (const Error& e) {
      log::info("msg=\"the old table stays until the next publish\" table={}.{} reason={}", t.schema, t.table,
                log::quoted(e.what()));
    }
  }

  static constexpr const char* kInherit = R"sql(
    WITH live AS (SELECT oid, relacl, relowner FROM pg_class WHERE oid = to_regclass($1))
    SELECT format('ALTER TABLE %s OWNER TO %I', $2::text, pg_get_userbyid(relowner)) AS sql FROM live
    UNION ALL
    SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, $2::text,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                  CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM live, aclexplode(live.relacl) a WHERE a.grantee <> live.relowner
    UNION ALL
    SELECT format('COMMENT ON TABLE %s IS %L', $2::text, obj_description(oid, 'pg_class')) FROM live
    WHERE obj_description(oid, 'pg_class') IS NOT NULL
    UNION ALL
    SELECT format('COMMENT ON COLUMN %s.%I IS %L', $2::text, a.attname, col_description(live.oid, a.attnum))
    FROM live JOIN pg_attribute a ON a.attrelid = live.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE col_description(live.oid, a.attnum) IS NOT NULL
      AND EXISTS (SELECT FROM pg_attribute n WHERE n.attrelid = to_regclass($2) AND n.attname = a.attname))sql";

  static constexpr const char* kViews = R"sql(
    SELECT format('CREATE OR REPLACE VIEW %s AS %s', view::regclass, pg_get_viewdef(view)) AS sql
    FROM (SELECT DISTINCT c.oid AS view FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
          WHERE d.refobjid = to_regclass($1) AND d.classid = 'pg_rewrite'::regclass AND c.relkind = 'v') AS v
    ORDER BY view)sql";

  const Compiler& compiler_;
  warehouse::Client& warehouse_;
  objects::Store& objects_;
  postgres::Session& session_;
  const PublishOptions& options_;
  std::vector<std::string> started_;
};

}  // namespace

std::string CopyLines::take(std::string_view piece) {
  static constexpr std::string_view kNul = "u0000";
  std::string out;
  out.reserve(piece.size() + piece.size() / 16);
  for (const char c : piece) {
    if (!escaped_) {
      if (c == '\\')
        escaped_ = true;
      else
        out += c;
      continue;
    }
    // After a backslash: hold back what may become \u0000.
    held_ += c;
    if (held_ == kNul) {
      out += "\xef\xbf\xbd";
    } else if (kNul.starts_with(held_)) {
      continue;
    } else {
      // COPY takes one backslash of each two away. The held characters hold no further backslash, except as the second
      // of a pair.
      out += "\\\\";
      for (const char h : held_) out += h == '\\' ? std::string("\\\\") : std::string(1, h);
    }
    held_.clear();
    escaped_ = false;
  }
  return out;
}

Task<std::vector<Published>> publish(const Compiler& compiler, warehouse::Client& warehouse, objects::Store& objects,
                                     postgres::Pool& pool, std::vector<PublishTarget> targets, PublishOptions options) {
  std::vector<Published> all;
  const std::function<Task<void>(postgres::Session&)> body = [&](postgres::Session& session) -> Task<void> {
    const auto lock = co_await session.query("SELECT pg_try_advisory_lock(hashtext('dalgona publish')) AS mine");
    if (!lock.flag(0, "mine")) throw Retryable("another publish is running");
    std::exception_ptr failure;
    try {
      // What a twin's making commits may be lost with the server, twin and all; the swap's commit waits for the disk,
      // and with it for all that was written before.
      co_await session.execute("SET synchronous_commit = off");
      Publisher publisher(compiler, warehouse, objects, session, options);
      all = co_await publisher.run(targets);
    } catch (...) {
      failure = std::current_exception();
    }
    try {
      co_await session.execute("RESET synchronous_commit");
      co_await session.query("SELECT pg_advisory_unlock(hashtext('dalgona publish'))");
    } catch (const Error& e) {
      log::debug("msg=\"unlock\" error={}", log::quoted(e.what()));
    }
    if (failure) std::rethrow_exception(failure);
  };
  const auto strand = asio::make_strand(co_await asio::this_coro::executor);
  const std::function<Task<void>()> on_strand = [&]() -> Task<void> { co_await pool.with_session(body); };
  co_await asio::co_spawn(strand, on_strand(), asio::use_awaitable);
  co_return all;
}

}  // namespace dalgona::stir
