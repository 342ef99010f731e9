// A coffee on a private database with a made-up population, and a client that speaks to it.
#pragma once
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/async.h"
#include "base/http/client.h"
#include "base/postgres/postgres.h"
#include "support/test_home.h"

namespace dalgona::test {

namespace json = boost::json;

// Where nobody listens: port 1 is reserved, and no test runs a server there.
inline constexpr const char* kNoWarehouse = "http://127.0.0.1:1";

struct Reply {
  int status = 0;
  http::Headers headers;
  std::string text;
  json::value body;

  const json::object& envelope() const { return body.as_object(); }
  const json::array& rows() const { return envelope().at("data").as_array(); }
  const json::object& data() const { return envelope().at("data").as_object(); }
  int64_t total() const { return envelope().at("totalCount").as_int64(); }
  std::string cursor() const {
    const json::value& next = envelope().at("status").at("nextCursor");
    return next.is_null() ? "" : std::string(next.as_string());
  }
  std::string detail() const {
    const json::value* value = body.is_object() ? body.as_object().if_contains("detail") : nullptr;
    return value ? std::string(value->as_string()) : text;
  }
};

class Api {
 public:
  explicit Api(std::string base) : base_(std::move(base)) {}
  http::Headers headers{};

  Reply send(const std::string& method, const std::string& path, std::string body = "", http::Headers more = {}) const {
    http::ClientRequest request;
    request.method = method;
    request.url = base_ + path;
    request.body = std::move(body);
    for (const auto& [name, value] : headers) request.headers.set(name, value);
    if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
    for (const auto& [name, value] : more) request.headers.set(name, value);
    auto response = client_->send_blocking(std::move(request));
    Reply reply;
    reply.status = response.status;
    reply.headers = std::move(response.headers);
    reply.text = std::move(response.body);
    boost::system::error_code failed;
    reply.body = json::parse(reply.text, failed);
    return reply;
  }
  Reply get(const std::string& path, http::Headers more = {}) const { return send("GET", path, "", std::move(more)); }
  Reply post(const std::string& path, const json::value& body = json::object()) const {
    return send("POST", path, json::serialize(body));
  }
  // Every row of a listing, page by page with cursors; `between` runs after each page.
  std::vector<json::object> walk(const std::string& path, json::object body,
                                 const std::function<void(size_t page)>& between = {}) const {
    std::vector<json::object> all;
    for (size_t page = 0;; ++page) {
      const Reply reply = post(path, body);
      EXPECT_EQ(reply.status, 200) << reply.text;
      if (reply.status != 200) return all;
      for (const auto& row : reply.rows()) all.push_back(row.as_object());
      const std::string cursor = reply.cursor();
      if (cursor.empty()) return all;
      EXPECT_LT(page, 10'000u);
      body["cursor"] = cursor;
      if (between) between(page);
    }
  }

 private:
  std::string base_;
  std::shared_ptr<http::Client> client_ = std::make_shared<http::Client>();
};

inline std::string field(const json::object& row, std::string_view name) {
  const json::value& value = row.at(name);
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

// SQL on a database, from a test's thread.
class Database {
 public:
  explicit Database(std::string url) : url_(std::move(url)) {}
  const std::string& url() const { return url_; }
  void execute(const std::string& sql) const {
    run_alone<int>([&](asio::io_context& context) -> Task<int> {
      postgres::Pool pool(context.get_executor(), {.url = url_, .application_name = "test"});
      co_await pool.execute(sql);
      co_return 0;
    });
  }
  postgres::Result query(const std::string& sql) const {
    return run_alone<postgres::Result>([&](asio::io_context& context) -> Task<postgres::Result> {
      postgres::Pool pool(context.get_executor(), {.url = url_, .application_name = "test"});
      co_return co_await pool.query(sql);
    });
  }

 private:
  std::string url_;
};

// `accounts` channels UC00001.. of 5 countries, every seventh with hidden followers; 20 posts for each of the first 20.
void fill_accounts(const Database& database, int accounts);
// The leaderboard of `months` (YYYY-MM-01) for all accounts and the growth of all posts, as stir would publish them,
// with a new snapshot; `seed` makes other figures.
void publish(const Database& database, const std::vector<std::string>& months, int seed);

}  // namespace dalgona::test
