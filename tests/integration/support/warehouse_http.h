// The ClickHouse HTTP interface as tests ask it: raw requests, whole answers.
#pragma once
#include <string>

#include "base/http/client.h"

namespace dalgona::test {

class WarehouseHttp {
 public:
  explicit WarehouseHttp(std::string url) : url_(std::move(url)) {}
  // POST with the statement in the body.
  http::ClientResponse post(const std::string& sql, const http::Query& query = {}, const http::Headers& headers = {});
  // The statement in the URL, data in the body.
  http::ClientResponse insert(const std::string& sql, std::string data, const http::Query& query = {},
                              const http::Headers& headers = {});
  http::ClientResponse get(const std::string& path_and_query);
  // The result without its last line end; throws Permanent with the exception's text.
  std::string value(const std::string& sql, const http::Query& query = {});
  http::ClientResponse send(http::ClientRequest request) { return client_.send_blocking(std::move(request)); }
  const std::string& url() const { return url_; }

 private:
  http::Client client_{{.max_connections_per_host = 1024}};
  std::string url_;
};

// X-ClickHouse-Exception-Code; 0 when there is none.
int exception_code(const http::ClientResponse& response);

}  // namespace dalgona::test
