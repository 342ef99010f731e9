// event-grpc with everything behind it: broker, warehouse, PostgreSQL, and somebody who takes WebEngage's events.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/amqp/amqp.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "support/test_home.h"
#include "warehouse/client.h"

namespace dalgona::test {

// Takes POSTs and answers as told; for what is forwarded over HTTP. Thread-safe.
class HttpReceiver {
 public:
  struct Taken {
    std::string path, body, idempotency_key, authorization;
  };
  HttpReceiver();
  ~HttpReceiver();
  std::string url() const;
  // Statuses of the next answers, first come; then 200.
  void answer_next(std::vector<int> statuses);
  std::vector<Taken> taken() const;
  // Waits until `count` requests have come with this text in the body; gives them.
  std::vector<Taken> wait_for(const std::string& text, size_t count, std::chrono::seconds limit);

 private:
  Runtime runtime_{1};
  mutable std::mutex mutex_;
  std::vector<Taken> taken_;
  std::vector<int> answers_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

class EventsHouse {
 public:
  // One for all tests of the program.
  static EventsHouse& shared();
  explicit EventsHouse(Settings settings = {});
  ~EventsHouse();

  TestHome& home() { return home_; }
  Role& role() { return role_; }
  uint16_t grpc_port() const { return grpc_port_; }
  HttpReceiver& receiver() { return receiver_; }
  http::Client& http() { return http_; }

  // Publishes and waits for the confirm.
  void publish(const std::string& exchange, const std::string& key, const std::string& body,
               const std::string& content_type = "application/json", const std::string& message_id = "");
  // The warehouse's answer, TabSeparated, without the last line end.
  std::string query(const std::string& sql);
  // The answer once it is `wanted`, or the last one after the limit.
  std::string query_until(const std::string& sql, const std::string& wanted,
                          std::chrono::seconds limit = std::chrono::seconds{30});
  // The first row and column of PostgreSQL's answer.
  std::string sql(const std::string& statement);
  std::string sql_until(const std::string& statement, const std::string& wanted);
  http::ClientResponse post(const std::string& path, const std::string& body, http::Headers headers = {});

  static constexpr const char* kShopifySecret = "hush";
  static constexpr const char* kWebengageKey = "token-of-the-test";

 private:
  TestHome& home_;
  HttpReceiver receiver_;
  std::string postgres_url_;
  http::Client http_;
  std::unique_ptr<warehouse::Client> warehouse_;
  std::unique_ptr<amqp::Publisher> publisher_;
  uint16_t grpc_port_ = 0;
  Role role_;
};

}  // namespace dalgona::test
