#include "warehouse/embedded/request.h"

#include <charconv>

#include <boost/beast/core/detail/base64.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"

namespace dalgona::warehouse::embedded {

namespace {

bool is_true(const std::string& value) {
  return value == "1" || to_lower_ascii(value) == "true";
}

template <typename T>
T number(const std::string& name, const std::string& value) {
  T result{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc() || end != value.data() + value.size())
    throw Exception(27, fmt::format("{} = '{}' is not a number", name, value), "CANNOT_PARSE_INPUT_ASSERTION_FAILED");
  return result;
}

void read_basic(const std::string& header, Ask& ask) {
  constexpr std::string_view kBasic = "basic ";
  if (!to_lower_ascii(header).starts_with(kBasic)) return;
  namespace base64 = boost::beast::detail::base64;
  const std::string_view coded = trim(std::string_view(header).substr(kBasic.size()));
  std::string plain(base64::decoded_size(coded.size()), '\0');
  plain.resize(base64::decode(plain.data(), coded.data(), coded.size()).first);
  const size_t colon = plain.find(':');
  ask.user = plain.substr(0, colon);
  ask.password = colon == std::string::npos ? "" : plain.substr(colon + 1);
}

// One parameter of the URL.
void take(const std::string& name, const std::string& value, Ask& ask) {
  if (name == "query") {
    ask.query += value;
    ask.has_query = true;
  } else if (name == "user") {
    ask.user = value;
  } else if (name == "password") {
    ask.password = value;
  } else if (name == "database") {
    ask.database = value;
  } else if (name == "default_format") {
    ask.format = value;
  } else if (name == "query_id") {
    ask.query_id = value;
  } else if (name == "session_id") {
    ask.session_id = value;
  } else if (name == "session_timeout") {
    ask.session_timeout = std::clamp(number<int>(name, value), 1, 3600);
  } else if (name == "session_check") {
    ask.session_check = is_true(value);
  } else if (name == "wait_end_of_query") {
    ask.wait_end_of_query = is_true(value);
  } else if (name == "enable_http_compression") {
    ask.compress = is_true(value);
  } else if (name == "buffer_size" || name == "http_response_buffer_size") {
    ask.buffer = std::clamp<size_t>(number<size_t>(name, value), 1, 64 << 20);
  } else if ((name == "compress" || name == "decompress") && is_true(value)) {
    throw Exception(48, "blocks in ClickHouse's own compression are not supported here; use Content-Encoding",
                    "NOT_IMPLEMENTED");
  } else if (name.starts_with("param_")) {
    ask.params.emplace_back(name.substr(6), value);
  } else if (name != "compress" && name != "decompress" && name != "quota_key" && name != "stacktrace" &&
             name != "client_protocol_version" && name != "close_session" && name != "http_zlib_compression_level" &&
             name != "query_kind") {
    if (name == "max_execution_time") ask.max_execution_time = number<double>(name, value);
    ask.settings.emplace_back(name, value);
  }
}

}  // namespace

Ask read_ask(const http::Request& request) {
  Ask ask;
  ask.readonly = request.method != "POST" && request.method != "PUT";
  if (const auto basic = request.headers.get("Authorization")) read_basic(*basic, ask);
  if (const auto user = request.headers.get("X-ClickHouse-User")) ask.user = *user;
  if (const auto key = request.headers.get("X-ClickHouse-Key")) ask.password = *key;
  ask.database = request.headers.get_or("X-ClickHouse-Database", "");
  ask.format = request.headers.get_or("X-ClickHouse-Format", "");
  for (const auto& [name, value] : request.query) take(name, value, ask);
  if (ask.user.empty()) ask.user = "default";
  if (ask.format.empty()) ask.format = "TabSeparated";
  if (!std::all_of(ask.format.begin(), ask.format.end(),
                   [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }))
    throw Exception(73, "Unknown format " + ask.format, "UNKNOWN_FORMAT");
  ask.named = !ask.query_id.empty();
  if (!ask.named) ask.query_id = make_uuid7(system_clock().now()).text();
  if (ask.query_id.size() > 256 || ask.query_id.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
    throw Exception(36, "query_id must be one line of at most 256 bytes", "BAD_ARGUMENTS");
  return ask;
}

std::string content_type_of(const std::string& format) {
  const auto starts = [&](std::string_view with) { return format.starts_with(with); };
  if (starts("JSONEachRow") || starts("JSONCompactEachRow") || starts("JSONStringsEachRow") ||
      starts("JSONCompactStringsEachRow") || starts("PrettyJSONEachRow") || starts("NDJSON") || starts("JSONLines"))
    return "application/x-ndjson; charset=UTF-8";
  if (starts("JSON")) return "application/json; charset=UTF-8";
  if (starts("CSV"))
    return std::string("text/csv; charset=UTF-8; header=") +
           (format.find("WithNames") < format.size() ? "present" : "absent");
  if (starts("TabSeparated") || starts("TSV") || starts("Raw")) return "text/tab-separated-values; charset=UTF-8";
  if (starts("XML")) return "application/xml; charset=UTF-8";
  if (starts("Native") || starts("RowBinary") || starts("Parquet") || starts("Arrow") || starts("ORC") ||
      starts("Avro") || starts("MsgPack") || starts("BSON") || starts("Protobuf") || starts("CapnProto") ||
      starts("Npy"))
    return "application/octet-stream";
  return "text/plain; charset=UTF-8";
}

}  // namespace dalgona::warehouse::embedded
