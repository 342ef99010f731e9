#include "warehouse/client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>
#include <boost/url.hpp>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"

namespace dalgona::warehouse {
namespace {

// Exception codes (ClickHouse src/Common/ErrorCodes.cpp) after which the same statement may succeed: limits of the
// moment, replicas and keepers that are away, a server that is going down.
constexpr std::array kRetryableCodes = {
    159,  // TIMEOUT_EXCEEDED
    201,  // QUOTA_EXCEEDED
    202,  // TOO_MANY_SIMULTANEOUS_QUERIES
    203,  // NO_FREE_CONNECTION
    209,  // SOCKET_TIMEOUT
    210,  // NETWORK_ERROR
    225,  // NO_ZOOKEEPER
    236,  // ABORTED
    241,  // MEMORY_LIMIT_EXCEEDED
    242,  // TABLE_IS_READ_ONLY
    243,  // NOT_ENOUGH_SPACE
    252,  // TOO_MANY_PARTS
    279,  // ALL_CONNECTION_TRIES_FAILED
    285,  // TOO_FEW_LIVE_REPLICAS
    286,  // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    289,  // REPLICA_IS_NOT_IN_QUORUM
    319,  // UNKNOWN_STATUS_OF_INSERT
    369,  // ALL_REPLICAS_ARE_STALE
    394,  // QUERY_WAS_CANCELLED
    439,  // CANNOT_SCHEDULE_TASK
    473,  // DEADLOCK_AVOIDED
    614,  // POSTGRESQL_CONNECTION_FAILURE
    745,  // SERVER_OVERLOADED
    999,  // KEEPER_EXCEPTION
};
// How much of a stream's end is kept to find the exception that cut it.
constexpr size_t kTail = 16 * 1024;

int parse_code(std::string_view text) {
  int code = 0;
  std::from_chars(text.data(), text.data() + text.size(), code);
  return code;
}

// "Code: 60. DB::Exception: ..." -> 60, else 0.
int code_in(std::string_view text) {
  constexpr std::string_view kStart = "Code: ";
  const size_t at = text.find(kStart);
  return at == text.npos ? 0 : parse_code(text.substr(at + kStart.size()));
}

[[noreturn]] void throw_exception(std::string_view text, int code, int status) {
  std::string what = "warehouse: " + std::string(trim(text.substr(0, 4096)));
  if (code == 0) code = code_in(text);
  // PostgreSQL was restarted under the warehouse's pooled connection: it connects anew at the next query. Reported as
  // STD_EXCEPTION, like bugs.
  const bool broken = code == 1001 && text.find("pqxx::broken_connection") != text.npos;
  const bool away = broken || (code == 0 && (status == 429 || (status >= 502 && status <= 504)));
  if (away || std::find(kRetryableCodes.begin(), kRetryableCodes.end(), code) != kRetryableCodes.end()) {
    throw Retryable(status == 0 ? what : what + " (HTTP " + std::to_string(status) + ")");
  }
  throw QueryError(what, code);
}

// Throws when the head or status says that the statement failed.
void check(const http::ClientResponse& response) {
  const auto code = response.headers.get("X-ClickHouse-Exception-Code");
  if (response.status == 200 && !code) return;
  throw_exception(response.body.empty() ? "HTTP " + std::to_string(response.status) : response.body,
                  code ? parse_code(*code) : 0, response.status);
}

Summary summary_of(const http::ClientResponse& response) {
  Summary summary;
  summary.elapsed = response.time;
  const auto text = response.headers.get("X-ClickHouse-Summary");
  if (!text) return summary;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(*text, error);
  if (error || !parsed.is_object()) return summary;
  const auto number = [&](std::string_view name) -> uint64_t {
    const boost::json::value* value = parsed.as_object().if_contains(name);
    if (!value) return 0;
    if (value->is_string()) {
      uint64_t n = 0;
      const auto& s = value->as_string();
      std::from_chars(s.data(), s.data() + s.size(), n);
      return n;
    }
    return value->is_int64() ? uint64_t(value->as_int64()) : value->is_uint64() ? value->as_uint64() : 0;
  };
  summary.read_rows = number("read_rows");
  summary.read_bytes = number("read_bytes");
  summary.written_rows = number("written_rows");
  summary.written_bytes = number("written_bytes");
  summary.result_rows = number("result_rows");
  if (const uint64_t elapsed = number("elapsed_ns")) summary.elapsed = std::chrono::nanoseconds{elapsed};
  return summary;
}

// The server reads a scalar parameter as one TabSeparated field, but arrays, tuples and maps as the literals they are.
bool is_compound(std::string_view sql, std::string_view name) {
  for (size_t at = sql.find(name); at != sql.npos; at = sql.find(name, at + 1)) {
    if (!trim(sql.substr(0, at)).ends_with('{')) continue;
    std::string_view rest = trim(sql.substr(at + name.size()));
    if (!rest.starts_with(':')) continue;
    rest = trim(rest.substr(1));
    return rest.starts_with("Array(") || rest.starts_with("Tuple(") || rest.starts_with("Map(");
  }
  return false;
}

std::string escape_field(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\0':
        out += "\\0";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Watches a result go by for the exception that a server writes into it once the status line is sent. Current servers
// announce a random tag in a header and write "__exception__\r\nTAG\r\n" before the text, so that no data can be taken
// for it; older ones append the bare text and cut the connection.
class StreamWatch {
 public:
  void set_tag(const std::string& tag) { marker_ = "__exception__\r\n" + tag; }

  // What of `piece` (and of what was held back before) is certainly data.
  std::string take(std::string_view piece) {
    if (found_) {
      exception_.append(piece.substr(0, kTail - std::min(kTail, exception_.size())));
      return {};
    }
    keep_tail(piece);
    if (marker_.empty()) return std::string(piece);
    held_ += piece;
    if (const size_t at = held_.find(marker_); at != held_.npos) {
      found_ = true;
      exception_ = held_.substr(at + marker_.size());
      held_.resize(at);
      if (held_.ends_with("\r\n")) held_.resize(held_.size() - 2);
      return std::exchange(held_, {});
    }
    // The marker may come in two pieces, and the line end before it belongs to it.
    const size_t hold = std::min(held_.size(), marker_.size() + 1);
    std::string data = held_.substr(0, held_.size() - hold);
    held_.erase(0, data.size());
    return data;
  }
  std::string rest() { return std::exchange(held_, {}); }

  // Throws the exception in the stream, if there is one. `cut`: the transfer did not end well.
  void check(bool cut) const {
    if (found_) throw_exception(exception_, code_in(exception_), 0);
    if (!marker_.empty() && !cut) return;
    const size_t at = tail_.rfind("Code: ");
    if (at == std::string::npos) return;
    const std::string_view text = trim(std::string_view(tail_).substr(at));
    const bool whole = text.find("DB::Exception: ") != text.npos && text.find("(version ") != text.npos;
    if (whole && (cut || text.ends_with(')'))) throw_exception(text, code_in(text), 0);
  }

 private:
  void keep_tail(std::string_view piece) {
    if (piece.size() >= kTail) {
      tail_.assign(piece.substr(piece.size() - kTail));
      return;
    }
    tail_ += piece;
    if (tail_.size() > 2 * kTail) tail_.erase(0, tail_.size() - kTail);
  }
  std::string marker_, held_, tail_, exception_;
  bool found_ = false;
};

std::string insert_sql(const std::string& table_and_columns, const std::string& format) {
  return "INSERT INTO " + table_and_columns + " FORMAT " + format;
}

// What makes an acknowledged insert one that lasts and a repeated one harmless, whatever the server's defaults: no
// answer before a shard has the rows, and a deduplication that reaches the rollups behind the table. Syncing parts to
// disk is a setting of the tables, made with them.
void add_insert_settings(QueryOptions& options, const std::string& token) {
  auto& settings = options.settings;
  settings.try_emplace("async_insert", "0");
  settings.try_emplace("distributed_foreground_insert", "1");
  if (token.empty()) return;
  settings["insert_deduplicate"] = "1";
  settings["insert_deduplication_token"] = token;
  settings.try_emplace("deduplicate_blocks_in_dependent_materialized_views", "1");
}

}  // namespace

Client::Client(http::Client& http, const std::string& url) : http_(http) {
  const auto parsed = boost::urls::parse_uri(url);
  const std::string shown = log::without_password(url);
  if (parsed.has_error() || (parsed->scheme() != "http" && parsed->scheme() != "https") || parsed->host().empty())
    throw InvalidInput("warehouse.url '" + shown + "' is not http(s)://user:password@host:port");
  if (parsed->has_query() || parsed->has_fragment())
    throw InvalidInput("warehouse.url '" + shown + "' must not have a query");
  user_ = parsed->user();
  password_ = parsed->password();
  base_url_ = std::string(parsed->scheme()) + "://" + std::string(parsed->encoded_host());
  if (parsed->has_port()) base_url_ += ":" + std::string(parsed->port());
  base_url_ += std::string(parsed->encoded_path());
  if (!base_url_.ends_with('/')) base_url_ += '/';
}

http::ClientRequest Client::request(std::string_view sql, const std::string& format,
                                    const QueryOptions& options) const {
  http::Query query;
  if (!options.query_id.empty()) query.add("query_id", options.query_id);
  if (!options.database.empty()) query.add("database", options.database);
  if (!format.empty()) query.add("default_format", format);
  for (const auto& [name, value] : options.settings) query.add(name, value);
  // The server gives up a little before we do, so that its own words for it arrive.
  if (options.timeout.count() > 0 && !options.settings.contains("max_execution_time"))
    query.add("max_execution_time", std::to_string(std::max<int64_t>(1, options.timeout.count() / 1000)));
  for (const auto& [name, value] : options.params)
    query.add("param_" + name, is_compound(sql, name) ? value : escape_field(value));
  http::ClientRequest request;
  request.method = "POST";
  request.url = base_url_ + "?" + query.text();
  if (!user_.empty()) request.headers.set("X-ClickHouse-User", user_);
  if (!password_.empty()) request.headers.set("X-ClickHouse-Key", password_);
  request.timeout = options.timeout.count() > 0 ? options.timeout + std::chrono::milliseconds{500} : options.timeout;
  request.max_body = 4ull << 30;
  request.decode = false;
  return request;
}

Task<Summary> Client::execute(std::string sql, QueryOptions options) {
  options.settings.try_emplace("wait_end_of_query", "1");
  http::ClientRequest r = request(sql, {}, options);
  r.body = std::move(sql);
  const http::ClientResponse response = co_await http_.send(std::move(r));
  check(response);
  co_return summary_of(response);
}

Task<std::string> Client::query(std::string sql, std::string format, QueryOptions options) {
  options.settings.try_emplace("wait_end_of_query", "1");
  options.settings.try_emplace("cancel_http_readonly_queries_on_client_close", "1");
  http::ClientRequest r = request(sql, format, options);
  r.body = std::move(sql);
  http::ClientResponse response = co_await http_.send(std::move(r));
  check(response);
  co_return std::move(response.body);
}

Task<Summary> Client::query_stream(std::string sql, std::string format,
                                   std::function<Task<void>(std::string_view)> piece, QueryOptions options) {
  options.settings.try_emplace("cancel_http_readonly_queries_on_client_close", "1");
  options.settings.try_emplace("http_write_exception_in_output_format", "0");
  http::ClientRequest r = request(sql, format, options);
  r.body = std::move(sql);
  r.max_body = UINT64_MAX;
  StreamWatch watch;
  r.on_headers = [&watch](int, const http::Headers& headers) {
    if (const auto tag = headers.get("X-ClickHouse-Exception-Tag")) watch.set_tag(*tag);
  };
  r.on_piece = [&watch, &piece](std::string_view bytes) -> Task<void> {
    const std::string data = watch.take(bytes);
    if (!data.empty()) co_await piece(data);
  };
  http::ClientResponse response;
  std::exception_ptr cut;
  try {
    response = co_await http_.send(std::move(r));
  } catch (const Retryable&) {
    cut = std::current_exception();
  }
  watch.check(cut != nullptr);
  if (cut) std::rethrow_exception(cut);
  check(response);
  if (const std::string rest = watch.rest(); !rest.empty()) co_await piece(rest);
  co_return summary_of(response);
}

Task<Summary> Client::insert(std::string table_and_columns, std::string format, std::string data, std::string token,
                             QueryOptions options) {
  options.settings.try_emplace("wait_end_of_query", "1");
  add_insert_settings(options, token);
  const std::string sql = insert_sql(table_and_columns, format);
  http::ClientRequest r = request(sql, {}, options);
  r.url += "&query=" + http::percent_encode(sql);
  r.body = std::move(data);
  const http::ClientResponse response = co_await http_.send(std::move(r));
  check(response);
  co_return summary_of(response);
}

Summary Client::insert_blocking(std::string table_and_columns, std::string format, std::string data, std::string token,
                                QueryOptions options) {
  return insert_blocking(std::move(table_and_columns), std::move(format),
                         std::make_shared<const std::string>(std::move(data)), std::move(token), std::move(options));
}

Summary Client::insert_blocking(std::string table_and_columns, std::string format,
                                std::shared_ptr<const std::string> data, std::string token, QueryOptions options) {
  options.settings.try_emplace("wait_end_of_query", "1");
  add_insert_settings(options, token);
  const std::string sql = insert_sql(table_and_columns, format);
  http::ClientRequest r = request(sql, {}, options);
  r.url += "&query=" + http::percent_encode(sql);
  r.shared_body = std::move(data);
  const http::ClientResponse response = http_.send_blocking(std::move(r));
  check(response);
  return summary_of(response);
}

std::string Client::query_blocking(std::string sql, std::string format, QueryOptions options) {
  options.settings.try_emplace("wait_end_of_query", "1");
  http::ClientRequest r = request(sql, format, options);
  r.body = std::move(sql);
  http::ClientResponse response = http_.send_blocking(std::move(r));
  check(response);
  return std::move(response.body);
}

Task<bool> Client::ping() {
  http::ClientRequest r;
  r.url = base_url_ + "ping";
  r.timeout = std::chrono::seconds{5};
  try {
    const http::ClientResponse response = co_await http_.send(std::move(r));
    co_return response.status == 200;
  } catch (const Retryable&) {
    co_return false;
  }
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    if (c == '\0')
      out += "\\0";
    else
      out += c;
  }
  return out + "'";
}

std::string identifier(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') out += c;
    out += c;
  }
  return out + "`";
}

}  // namespace dalgona::warehouse
