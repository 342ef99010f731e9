#include "warehouse/embedded/service.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/http/coding.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "warehouse/embedded/exception.h"
#include "warehouse/embedded/job.h"
#include "warehouse/embedded/pipe.h"
#include "warehouse/embedded/request.h"
#include "warehouse/embedded/spill.h"
#include "warehouse/embedded/statement.h"

namespace dalgona::warehouse::embedded {

namespace {

using http::Request;
using http::Response;

// The engine's own limit of a statement's text (max_query_size); what follows can only be an INSERT's data.
constexpr size_t kStatementText = 256 * 1024;
// Of a statement that is no INSERT with data; a client may raise max_query_size up to this.
constexpr size_t kLongestStatement = 64 << 20;
constexpr size_t kPiece = 256 * 1024;
// Of a result's first read: most are small, and fresh memory for a large one takes as long as a small SELECT's
// planning.
constexpr size_t kFirstPiece = 16 * 1024;
// A result that is complete before it is sent and that the client bounds below this needs no pipe to bound it.
constexpr uint64_t kBoundedResult = 4 << 20;

// Codings that the engine undoes and makes, under the same names in HTTP and in its SQL; gzip, deflate and zstd are
// undone by us, gzip and zstd made.
constexpr std::array<std::string_view, 3> kEngineCodings{"br", "lz4", "xz"};

std::string_view engine_coding(std::string_view name) {
  const std::string wanted = to_lower_ascii(trim(name));
  const auto* at = std::find(kEngineCodings.begin(), kEngineCodings.end(), wanted);
  return at == kEngineCodings.end() ? std::string_view() : *at;
}

// The body in decoded pieces.
class Body {
 public:
  explicit Body(Request& request) : stream_(*request.stream) {
    const std::string coding = request.headers.get_or("Content-Encoding", "");
    if (const auto ours = http::coding_of(coding)) {
      if (*ours != http::Coding::kIdentity) decoder_.emplace(*ours);
    } else {
      engine_coding_ = engine_coding(coding);
      if (engine_coding_.empty()) throw Exception(48, "Unknown Content-Encoding " + coding, "NOT_IMPLEMENTED");
    }
  }
  // The coding that is still on, for the engine to undo; empty: none.
  std::string_view engine_coding_left() const { return engine_coding_; }

  // Empty at the end. The view lives until the next call. Throws Cancelled when the client has gone, InvalidInput.
  Task<std::string_view> next() {
    if (!decoder_) co_return co_await stream_.next();
    decoded_.clear();
    while (decoded_.empty()) {
      if (coded_.empty() && !more_) {
        coded_ = co_await stream_.next();
        if (coded_.empty()) {
          if (!std::exchange(finished_, true)) decoder_->finish();
          co_return std::string_view();
        }
      }
      more_ = decoder_->decode(coded_, decoded_, kPiece);
    }
    co_return decoded_;
  }

 private:
  http::BodyReader& stream_;
  std::optional<http::Decoder> decoder_;
  std::string_view engine_coding_, coded_;
  std::string decoded_;
  bool more_ = false, finished_ = false;
};

struct Meters {
  prometheus::Counter &selects, &inserts, &others, &failed, &rows, &bytes;
  prometheus::Gauge& running;
  static Meters& get() {
    const auto statements = [](const char* kind) -> prometheus::Counter& {
      return metrics::counter("dalgona_warehouse_statements_total", "Statements taken", {{"kind", kind}});
    };
    static Meters meters{
        statements("select"),
        statements("insert"),
        statements("other"),
        metrics::counter("dalgona_warehouse_failed_total", "Statements that ended in an exception"),
        metrics::counter("dalgona_warehouse_inserted_rows_total", "Rows inserted"),
        metrics::counter("dalgona_warehouse_inserted_bytes_total", "Bytes inserted, uncompressed in memory"),
        metrics::gauge("dalgona_warehouse_running", "Statements that run or wait")};
    return meters;
  }
};

class Exchange {
 public:
  Exchange(Engine& engine, const ServiceOptions& options, Request& request)
      : engine_(engine), options_(options), request_(request) {}

  Task<Response> answer() {
    std::string refused;
    int code = 0;
    try {
      ask_ = read_ask(request_);
      authenticate();
      if (!ask_.has_query && ask_.readonly) co_return Response::text(200, "Ok.\n", "text/html; charset=UTF-8");
      co_return co_await run();
    } catch (const Exception& e) {
      code = e.code;
      refused = exception_text(e.code, e.what(), e.name, engine_.version());
    } catch (const SessionError& e) {
      code = e.code;
      refused = exception_text(e.code, e.what(), name_of(e.code), engine_.version());
    } catch (const InvalidInput& e) {
      code = 62;
      refused = exception_text(code, std::string("Syntax error: ") + e.what(), "SYNTAX_ERROR", engine_.version());
    }
    co_return failure(code, refused);
  }

 private:
  static std::string_view name_of(int code) {
    switch (code) {
      case 202:
        return "TOO_MANY_SIMULTANEOUS_QUERIES";
      case 216:
        return "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING";
      default:
        return "ABORTED";
    }
  }

  void authenticate() const {
    const auto same = [](const std::string& a, const std::string& b) {
      return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
    };
    if (ask_.user == options_.user && same(ask_.password, options_.password)) return;
    throw Exception(516,
                    ask_.user + ": Authentication failed: password is incorrect, or there is no user with such name",
                    "AUTHENTICATION_FAILED");
  }

  Task<Response> run() {
    Body body(request_);
    text_ = ask_.query;
    bool complete = false;  // the body is in text_
    Statement statement;
    if (ask_.has_query) statement = inspect(text_);
    if (statement.kind != StatementKind::kInsertData) {
      if (!body.engine_coding_left().empty())
        throw Exception(48, "this Content-Encoding is for the data of an INSERT whose statement is in the URL",
                        "NOT_IMPLEMENTED");
      bool first = ask_.has_query && !text_.empty();
      size_t enough = kStatementText;
      for (;;) {
        while (text_.size() < enough) {
          const std::string_view piece = co_await body.next();
          if (piece.empty()) {
            complete = true;
            break;
          }
          if (std::exchange(first, false)) text_ += '\n';
          text_ += piece;
        }
        bool unclosed = false;
        try {
          statement = inspect(text_);
        } catch (const InvalidInput&) {
          if (complete) throw;
          unclosed = true;
        }
        if (complete || (!unclosed && statement.kind == StatementKind::kInsertData)) break;
        if (enough >= kLongestStatement)
          throw Exception(229, "the statement is longer than 64 MiB", "QUERY_IS_TOO_LARGE");
        enough = kLongestStatement;
      }
    }
    if (statement.kind == StatementKind::kEmpty) throw Exception(62, "Syntax error: Empty query", "SYNTAX_ERROR");
    if (statement.several) throw Exception(62, "Syntax error: Multi-statements are not allowed", "SYNTAX_ERROR");
    if (statement.from_client_file)
      throw Exception(48, "INTO OUTFILE and FROM INFILE are the client's and not allowed here", "NOT_IMPLEMENTED");
    format_ = statement.has_format ? statement.format : ask_.format;
    if (statement.kind == StatementKind::kInsertData) {
      Meters::get().inserts.Increment();
      co_return co_await insert(statement, body, complete);
    }
    if (statement.kind == StatementKind::kSelect) {
      Meters::get().selects.Increment();
      stateless_ = true;
      co_return co_await select(statement);
    }
    Meters::get().others.Increment();
    co_return co_await other(statement);
  }

  Query query(std::string sql) const {
    Query q;
    q.id = ask_.query_id;
    q.named = ask_.named;
    q.database = ask_.database;
    q.settings = ask_.settings;
    q.params = ask_.params;
    q.readonly = ask_.readonly;
    q.stateless = stateless_;
    q.sql = std::move(sql);
    q.format = format_;
    q.session = ask_.session_id;
    q.session_timeout = std::chrono::seconds{ask_.session_timeout};
    return q;
  }

  Task<void> start(Query q, std::shared_ptr<Pipe> pipe) {
    auto limit = options_.statement_limit;
    // The engine keeps its own time; ours is for when it does not.
    if (ask_.max_execution_time && *ask_.max_execution_time > 0)
      limit = std::chrono::milliseconds(int64_t(*ask_.max_execution_time * 1000)) + std::chrono::seconds{5};
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    job_ = Job::start(engine_, std::move(q), std::move(pipe), executor, limit);
  }

  Task<Response> other(const Statement& statement) {
    std::string sql = statement.is_kill ? kill_by_client_id(text_, statement) : text_.substr(0, statement.end);
    co_await start(query(std::move(sql)), nullptr);
    co_await job_->wait();
    if (!succeeded()) co_return failure();
    Response response;
    response.body = job_->answer().data;
    fill(response);
    co_return response;
  }

  Task<Response> insert(const Statement& statement, Body& body, bool complete) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto pipe = std::make_shared<Pipe>(executor, Pipe::Ours::kWriting);
    const std::string_view coding = body.engine_coding_left().empty() ? "none" : body.engine_coding_left();
    co_await start(query(from_file(text_, statement, pipe->path(), coding)), pipe);
    std::exception_ptr broken;
    try {
      const std::string_view first = std::string_view(text_).substr(std::min(statement.data_at, text_.size()));
      bool wanted = first.empty() || co_await pipe->write(first);
      while (wanted && !complete) {
        const std::string_view piece = co_await body.next();
        if (piece.empty()) break;
        wanted = co_await pipe->write(piece);
      }
    } catch (...) {
      broken = std::current_exception();
    }
    // The data end in the middle: to the engine the end of the pipe would be the end of the data.
    if (broken) co_await job_->doom();
    pipe->close_ours();
    co_await job_->wait();
    if (broken) std::rethrow_exception(broken);
    if (!succeeded()) co_return failure();
    Meters::get().rows.Increment(double(job_->answer().written_rows));
    Meters::get().bytes.Increment(double(job_->answer().written_bytes));
    Response response;
    fill(response);
    co_return response;
  }

  // The connection may be gone before the statement is.
  void cancel_on_disconnect() {
    request_.on_disconnect([weak = std::weak_ptr<Job>(job_)] {
      if (const auto job = weak.lock()) job->cancel();
    });
  }

  // The client itself bounds the result, and wants it whole.
  bool is_bounded() const {
    if (!ask_.wait_end_of_query) return false;
    uint64_t bound = 0;
    for (const auto& [name, value] : ask_.settings)
      if (name == "max_result_bytes") std::from_chars(value.data(), value.data() + value.size(), bound);
    return bound > 0 && bound <= kBoundedResult;
  }

  Task<Response> select_bounded(const Statement& statement) {
    co_await start(query(text_.substr(0, statement.end)), nullptr);
    cancel_on_disconnect();
    co_await job_->wait();
    if (!succeeded()) co_return failure();
    Response response;
    response.body = job_->answer().data;
    fill(response);
    co_return response;
  }

  Task<Response> select(const Statement& statement) {
    std::string_view coding;
    const std::string accepted = request_.headers.get_or("Accept-Encoding", "");
    if (ask_.compress && http::preferred_coding(accepted) == http::Coding::kIdentity)
      for (const auto name : split(accepted, ','))
        if (coding.empty()) coding = engine_coding(name.substr(0, name.find(';')));
    if (coding.empty() && is_bounded()) co_return co_await select_bounded(statement);
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    auto pipe = std::make_shared<Pipe>(executor, Pipe::Ours::kReading);
    co_await start(query(into_file(text_, statement, pipe->path(), format_, coding.empty() ? "none" : coding)), pipe);
    cancel_on_disconnect();
    auto held = std::make_shared<Spill>(options_.spill_folder);
    std::string piece(kFirstPiece, '\0');
    bool ended = false;
    while (!ended && (ask_.wait_end_of_query || held->size() < ask_.buffer)) {
      const size_t got = co_await pipe->read(piece.data(), piece.size());
      ended = got == 0;
      held->append(std::string_view(piece).substr(0, got));
      if (got == piece.size()) piece.resize(kPiece);
    }
    Response response;
    if (!coding.empty()) response.headers.set("Content-Encoding", std::string(coding));
    if (ended) {
      co_await job_->wait();
      if (!succeeded()) co_return failure();
      fill(response);
      if (!held->on_disk()) {
        response.body = std::move(held->memory());
        co_return response;
      }
      response.headers.set("Content-Length", std::to_string(held->size()));
      response.body = [held](http::BodyWriter& out) -> Task<void> {
        for (uint64_t at = 0; at < held->size();) {
          const std::string bytes = held->read(at, kPiece);
          co_await out.write(bytes);
          at += bytes.size();
        }
      };
      co_return response;
    }
    const std::string tag = random_hex(8);
    fill(response, tag);
    response.body = [job = job_, pipe, held, tag, version = engine_.version(),
                     plain = coding.empty()](http::BodyWriter& out) -> Task<void> {
      co_await pass_on(*job, *pipe, *held, tag, version, plain, out);
    };
    co_return response;
  }

  // The rest of a result whose first bytes are held.
  static Task<void> pass_on(Job& job, Pipe& pipe, Spill& held, const std::string& tag, const std::string& version,
                            bool plain, http::BodyWriter& out) {
    std::exception_ptr gone;
    try {
      for (uint64_t at = 0; at < held.size();) {
        const std::string bytes = held.read(at, kPiece);
        co_await out.write(bytes);
        at += bytes.size();
      }
      std::string piece(kPiece, '\0');
      while (const size_t got = co_await pipe.read(piece.data(), piece.size()))
        co_await out.write(std::string_view(piece).substr(0, got));
    } catch (...) {
      gone = std::current_exception();
    }
    if (gone) {
      // The end of the pipe stays open until the engine has stopped, or a write into it would be an error of its own.
      job.cancel();
      pipe.close_ours();
      std::rethrow_exception(gone);
    }
    co_await job.wait();
    if (job.done() && job.answer().error.empty()) co_return;
    Meters::get().failed.Increment();
    const std::string text =
        job.done() && !job.timed_out()
            ? exception_text(job.answer().error, version)
            : exception_text(159, "Timeout exceeded: the statement was ended", "TIMEOUT_EXCEEDED", version);
    // The status is sent; what is left is the form that clients look for at the end, and a cut connection.
    if (plain)
      co_await out.write(
          fmt::format("\r\n__exception__\r\n{}\r\n{}{} {}\r\n__exception__\r\n", tag, text, text.size(), tag));
    log::warn("msg=\"a result was cut by an exception\" error={}", log::quoted(trim(text)));
    throw Cancelled();
  }

  bool succeeded() const { return job_->done() && job_->answer().error.empty(); }

  Response failure() {
    if (!job_->done() || job_->timed_out())
      return failure(
          159, exception_text(159, "Timeout exceeded: the statement was ended", "TIMEOUT_EXCEEDED", engine_.version()));
    return failure(exception_code(job_->answer().error), exception_text(job_->answer().error, engine_.version()));
  }

  Response failure(int code, const std::string& text) {
    Meters::get().failed.Increment();
    Response response = Response::text(http_status(code), text, "text/plain; charset=UTF-8");
    response.headers.set("X-ClickHouse-Exception-Code", std::to_string(code));
    common(response);
    return response;
  }

  void common(Response& response) const {
    response.compressible = ask_.compress;
    response.headers.set("X-ClickHouse-Server-Display-Name", "dalgona");
    if (!ask_.query_id.empty()) response.headers.set("X-ClickHouse-Query-Id", ask_.query_id);
    response.headers.set("X-ClickHouse-Timezone", engine_.time_zone());
  }

  void fill(Response& response, const std::string& tag = {}) const {
    common(response);
    response.headers.set("Content-Type", content_type_of(format_));
    response.headers.set("X-ClickHouse-Format", format_);
    if (!tag.empty()) response.headers.set("X-ClickHouse-Exception-Tag", tag);
    Answer answer;
    if (job_->done()) answer = job_->answer();
    const auto text = [](uint64_t n) { return std::to_string(n); };
    response.headers.set("X-ClickHouse-Summary", boost::json::serialize(boost::json::object{
                                                     {"read_rows", text(answer.read_rows)},
                                                     {"read_bytes", text(answer.read_bytes)},
                                                     {"written_rows", text(answer.written_rows)},
                                                     {"written_bytes", text(answer.written_bytes)},
                                                     {"total_rows_to_read", "0"},
                                                     {"result_rows", text(answer.result_rows)},
                                                     {"result_bytes", "0"},
                                                     {"elapsed_ns", text(uint64_t(job_->took().count()))}}));
  }

  Engine& engine_;
  const ServiceOptions& options_;
  Request& request_;
  Ask ask_;
  std::string text_, format_;
  bool stateless_ = false;  // of INSERTs no two have the same settings: each has a token of its own
  std::shared_ptr<Job> job_;
};

}  // namespace

http::Router make_router(Engine& engine, ServiceOptions options) {
  http::Router router;
  const auto shared = std::make_shared<const ServiceOptions>(std::move(options));
  const auto handle = [&engine, shared](Request& request) -> Task<Response> {
    Meters::get().running.Set(double(engine.active()));
    Exchange exchange(engine, *shared, request);
    co_return co_await exchange.answer();
  };
  const http::RouteOptions streamed{.stream_body = true, .decode_body = false, .max_body = 0};
  router.add("GET", "/", handle, streamed);
  router.add("POST", "/", handle, streamed);
  const auto ok = [](Request&) -> Task<Response> {
    co_return Response::text(200, "Ok.\n", "text/html; charset=UTF-8");
  };
  router.get("/ping", ok);
  router.get("/replicas_status", ok);
  router.get("/heartbeat", [&engine](Request&) -> Task<Response> {
    co_return engine.responsive() ? Response::text(200, "ok") : Response::text(503, "every thread is taken");
  });
  return router;
}

}  // namespace dalgona::warehouse::embedded
