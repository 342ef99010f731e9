// What a request of the ClickHouse HTTP interface asks for, read from its URL and headers. Private to this room.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/http/server.h"

namespace dalgona::warehouse::embedded {

// A refusal with ClickHouse's code and name.
class Exception : public std::runtime_error {
 public:
  Exception(int exception_code, const std::string& what, std::string exception_name)
      : std::runtime_error(what), code(exception_code), name(std::move(exception_name)) {}
  int code;
  std::string name;
};

struct Ask {
  std::string user, password;
  std::string query;  // of the URL; the body, if any, goes on with it
  bool has_query = false;
  std::string database, format, query_id, session_id;
  int session_timeout = 60;  // seconds
  bool named = false;        // the client chose query_id
  bool session_check = false;
  bool readonly = false;           // GET and HEAD
  bool wait_end_of_query = false;  // answer when all is known
  bool compress = false;           // enable_http_compression
  size_t buffer = 1 << 20;         // bytes of a result that are held before the first are sent
  std::optional<double> max_execution_time;
  std::vector<std::pair<std::string, std::string>> settings, params;
};

// Throws Exception.
Ask read_ask(const http::Request& request);

// text/csv and the like; ClickHouse's choice for a format.
std::string content_type_of(const std::string& format);

}  // namespace dalgona::warehouse::embedded
