#include "support/warehouse_http.h"

#include "base/errors.h"
#include "base/text.h"

namespace dalgona::test {

http::ClientResponse WarehouseHttp::post(const std::string& sql, const http::Query& query,
                                         const http::Headers& headers) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = url_ + "/?" + query.text();
  request.body = sql;
  request.headers = headers;
  request.decode = false;
  request.timeout = std::chrono::seconds{60};
  return client_.send_blocking(std::move(request));
}

http::ClientResponse WarehouseHttp::insert(const std::string& sql, std::string data, const http::Query& query,
                                           const http::Headers& headers) {
  http::Query all = query;
  all.add("query", sql);
  return post(data, all, headers);
}

http::ClientResponse WarehouseHttp::get(const std::string& path_and_query) {
  http::ClientRequest request;
  request.url = url_ + path_and_query;
  request.decode = false;
  return client_.send_blocking(std::move(request));
}

std::string WarehouseHttp::value(const std::string& sql, const http::Query& query) {
  const auto response = post(sql, query);
  if (response.status != 200) throw Permanent(sql + ": " + response.body);
  return response.body.ends_with('\n') ? response.body.substr(0, response.body.size() - 1) : response.body;
}

int exception_code(const http::ClientResponse& response) {
  return std::stoi(response.headers.get_or("X-ClickHouse-Exception-Code", "0"));
}

}  // namespace dalgona::test
