#include "support/events_house.h"

#include "base/postgres/postgres.h"
#include "dalgona/probe.h"

namespace dalgona::test {

HttpReceiver::HttpReceiver() {
  http::Router router;
  router.post("/{rest...}", [this](http::Request& request) -> Task<http::Response> {
    const std::scoped_lock lock(mutex_);
    taken_.push_back({request.path, request.body, request.headers.get_or("Idempotency-Key", ""),
                      request.headers.get_or("Authorization", "")});
    int status = 200;
    if (!answers_.empty()) {
      status = answers_.front();
      answers_.erase(answers_.begin());
    }
    co_return http::Response::text(status, "answer " + std::to_string(status));
  });
  server_ = std::make_unique<http::Server>(runtime_, std::move(router), http::ServerOptions{});
  server_->start();
  thread_ = std::thread([this] { runtime_.run(false); });
}

HttpReceiver::~HttpReceiver() {
  runtime_.stop();
  thread_.join();
}

std::string HttpReceiver::url() const {
  return "http://127.0.0.1:" + std::to_string(server_->port());
}

void HttpReceiver::answer_next(std::vector<int> statuses) {
  const std::scoped_lock lock(mutex_);
  answers_ = std::move(statuses);
}

std::vector<HttpReceiver::Taken> HttpReceiver::taken() const {
  const std::scoped_lock lock(mutex_);
  return taken_;
}

std::vector<HttpReceiver::Taken> HttpReceiver::wait_for(const std::string& text, size_t count,
                                                        std::chrono::seconds limit) {
  std::vector<Taken> found;
  probe::wait_until(
      [&] {
        found = taken();
        std::erase_if(found, [&](const Taken& t) { return t.body.find(text) == t.body.npos; });
        return found.size() >= count;
      },
      [] { return true; }, limit);
  return found;
}

EventsHouse& EventsHouse::shared() {
  static EventsHouse house;
  return house;
}

EventsHouse::EventsHouse(Settings settings) : home_(TestHome::shared()) {
  home_.rabbitmq();
  home_.warehouse();
  postgres_url_ = home_.fresh_database();
  grpc_port_ = free_port();
  settings.insert({{"postgres.url", postgres_url_},
                   {"event_grpc.grpc_port", std::to_string(grpc_port_)},
                   {"event_grpc.webengage_event_url", receiver_.url() + "/events"},
                   {"event_grpc.webengage_user_url", receiver_.url() + "/users"},
                   {"event_grpc.webengage_key", kWebengageKey},
                   {"event_grpc.shopify_secret", kShopifySecret}});
  role_ = home_.start_role("event-grpc", settings);
  warehouse_ = std::make_unique<warehouse::Client>(http_, home_.warehouse_url());
  publisher_ = std::make_unique<amqp::Publisher>(amqp::Publisher::Options{.url = home_.rabbitmq_url(), .name = "test"});
}

EventsHouse::~EventsHouse() {
  role_.stop();
}

void EventsHouse::publish(const std::string& exchange, const std::string& key, const std::string& body,
                          const std::string& content_type, const std::string& message_id) {
  amqp::Message message;
  message.exchange = exchange;
  message.routing_key = key;
  message.body = body;
  message.properties.content_type = content_type;
  message.properties.message_id = message_id;
  publisher_->publish_blocking({message});
}

std::string EventsHouse::query(const std::string& sql) {
  auto text = warehouse_->query_blocking(sql, "TabSeparated");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string EventsHouse::query_until(const std::string& sql, const std::string& wanted, std::chrono::seconds limit) {
  std::string last;
  probe::wait_until(
      [&] {
        try {
          last = query(sql);
        } catch (const Error& e) {  // the table is being made
          last = e.what();
        }
        return last == wanted;
      },
      [] { return true; }, limit);
  return last;
}

std::string EventsHouse::sql(const std::string& statement) {
  return run_alone<std::string>([&](asio::io_context& context) -> Task<std::string> {
    postgres::Pool pool(context.get_executor(), {.url = postgres_url_, .application_name = "test"});
    const auto result = co_await pool.query(statement);
    co_return result.rows() ? std::string(result.text(0, 0)) : "";
  });
}

std::string EventsHouse::sql_until(const std::string& statement, const std::string& wanted) {
  std::string last;
  probe::wait_until(
      [&] {
        last = sql(statement);
        return last == wanted;
      },
      [] { return true; }, std::chrono::seconds{30});
  return last;
}

http::ClientResponse EventsHouse::post(const std::string& path, const std::string& body, http::Headers headers) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = role_.url() + path;
  request.headers = std::move(headers);
  if (!request.headers.get("Content-Type")) request.headers.add("Content-Type", "application/json");
  request.body = body;
  return http_.send_blocking(std::move(request));
}

}  // namespace dalgona::test
