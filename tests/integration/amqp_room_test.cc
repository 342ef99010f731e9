// The AMQP room against a real broker: bodies, headers, confirms, what is unroutable, refusals, an orderly end.
#include <set>

#include <gtest/gtest.h>

#include "base/amqp/amqp.h"
#include "base/errors.h"
#include "base/text.h"
#include "dalgona/probe.h"
#include "support/test_home.h"

namespace dalgona::amqp {
namespace {

using namespace std::chrono_literals;

class AmqpLive : public testing::Test {
 protected:
  void SetUp() override {
    url_ = test::TestHome::shared().rabbitmq_url();
    name_ = "test." + random_hex(6);
    topology_ = {{{name_ + ".dx", "direct"}},
                 {{name_ + ".q", {{"x-queue-type", std::string("quorum")}}}},
                 {{name_ + ".q", name_ + ".dx", "key"}}};
    connection_.emplace(Connection::Options{.url = url_, .name = "test"});
    connection_->declare(topology_);
    connection_->declare(topology_);  // again: no error
  }
  void TearDown() override {
    if (connection_) Connection({.url = url_, .name = "cleanup"}).remove_queue(name_ + ".q");
  }
  Message message(std::string body) {
    Message m{name_ + ".dx", "key", std::move(body), {}};
    m.properties.message_id = "id";
    m.properties.content_type = "application/json";
    m.properties.timestamp = 1505260800;
    m.properties.headers = {{"flag", true}, {"count", int64_t(-7)}, {"text", std::string("täxt")}};
    return m;
  }

  std::string url_, name_;
  Topology topology_;
  std::optional<Connection> connection_;
};

TEST_F(AmqpLive, WhatIsPublishedIsReceivedByteForByte) {
  connection_->enable_confirms();
  std::string big(3'000'000, '\0');
  for (size_t i = 0; i < big.size(); ++i) big[i] = char(i * 31 + i / 251);
  EXPECT_EQ(connection_->publish(message("")), 1u);
  EXPECT_EQ(connection_->publish(message(big)), 2u);
  uint64_t up_to = 0;
  while (up_to < 2) {
    const auto confirms = connection_->wait_confirms(std::chrono::steady_clock::now() + 10s);
    EXPECT_TRUE(confirms.failed.empty());
    up_to = confirms.up_to;
  }
  EXPECT_EQ(connection_->unconfirmed(), 0u);
  connection_->consume(name_ + ".q", 10);
  const auto first = connection_->receive(std::chrono::steady_clock::now() + 10s);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->body, "");
  EXPECT_EQ(first->properties.message_id, "id");
  EXPECT_EQ(first->properties.content_type, "application/json");
  EXPECT_EQ(first->properties.timestamp, 1505260800);
  EXPECT_EQ(std::get<bool>(first->properties.headers.at("flag")), true);
  EXPECT_EQ(std::get<int64_t>(first->properties.headers.at("count")), -7);
  EXPECT_EQ(std::get<std::string>(first->properties.headers.at("text")), "täxt");
  const auto second = connection_->receive(std::chrono::steady_clock::now() + 10s);
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->body == big);
  EXPECT_FALSE(second->redelivered);
  connection_->nack(second->tag, false, true);
  const auto third = connection_->receive(std::chrono::steady_clock::now() + 10s);
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->redelivered);
  connection_->ack(third->tag, true);
  EXPECT_FALSE(connection_->receive(std::chrono::steady_clock::now() + 50ms));
}

// With messages on their way to us, which nobody will read.
TEST_F(AmqpLive, WhatWasAcknowledgedBeforeAnOrderlyEndIsGone) {
  constexpr int kMessages = 5000, kTaken = 1000;
  connection_->enable_confirms();
  for (int i = 0; i < kMessages; ++i) connection_->publish(message(std::string(400, 'x')));
  while (connection_->unconfirmed() > 0) connection_->wait_confirms(std::chrono::steady_clock::now() + 10s);
  for (int round = 1; round <= 3; ++round) {
    Connection consumer({.url = url_, .name = "test"});
    consumer.consume(name_ + ".q", kMessages);
    uint64_t tag = 0;
    for (int i = 0; i < kTaken; ++i) {
      const auto delivery = consumer.receive(std::chrono::steady_clock::now() + 10s);
      ASSERT_TRUE(delivery);
      tag = delivery->tag;
    }
    consumer.ack(tag, true);
    EXPECT_TRUE(consumer.close(10s));
    EXPECT_FALSE(consumer.close(10s)) << "it is closed";
    const auto left = unsigned(kMessages - round * kTaken);
    probe::wait_until([&] { return connection_->counts(name_ + ".q").messages == left; }, [] { return true; }, 10s);
    EXPECT_EQ(connection_->counts(name_ + ".q").messages, left);
  }
}

// The broker gets to know of it step by step, and one delivery more than asked for never comes.
TEST_F(AmqpLive, ALargePrefetchIsReachedByDeliveries) {
  constexpr unsigned kPrefetch = 20'000;
  connection_->enable_confirms();
  for (unsigned i = 0; i < kPrefetch + 10'000; ++i) {
    connection_->publish(message("m"));
    while (connection_->unconfirmed() > 1000) connection_->wait_confirms(std::chrono::steady_clock::now() + 10s);
  }
  while (connection_->unconfirmed() > 0) connection_->wait_confirms(std::chrono::steady_clock::now() + 10s);
  Connection consumer({.url = url_, .name = "test"});
  consumer.consume(name_ + ".q", kPrefetch);
  uint64_t received = 0, tag = 0;
  while (const auto delivery = consumer.receive(std::chrono::steady_clock::now() + (received < kPrefetch ? 10s : 1s))) {
    ++received;
    EXPECT_EQ(delivery->tag, ++tag);
  }
  EXPECT_GE(received, kPrefetch);
  EXPECT_LT(received, kPrefetch + 10);  // shared among the consumers and rounded up
  EXPECT_EQ(connection_->counts(name_ + ".q").consumers, 3u);
  // What is acknowledged makes room for as many, whichever consumer had them.
  consumer.ack(5000, true);
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(consumer.receive(std::chrono::steady_clock::now() + 10s)) << i;
  EXPECT_TRUE(consumer.close(10s));
}

TEST_F(AmqpLive, UnroutableIsReportedForThatMessageOnly) {
  connection_->enable_confirms();
  connection_->publish(message("good"));
  auto stray = message("stray");
  stray.routing_key = "nowhere";
  const auto sequence = connection_->publish(stray);
  connection_->publish(message("good too"));
  std::vector<std::pair<uint64_t, std::string>> failed;
  uint64_t up_to = 0;
  while (up_to < 3) {
    auto confirms = connection_->wait_confirms(std::chrono::steady_clock::now() + 10s);
    up_to = confirms.up_to;
    failed.insert(failed.end(), confirms.failed.begin(), confirms.failed.end());
  }
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].first, sequence);
  EXPECT_NE(failed[0].second.find("nowhere"), std::string::npos);
}

TEST_F(AmqpLive, RefusalsArePermanentAndAbsenceIsRetryable) {
  EXPECT_THROW(connection_->consume("no such queue " + name_, 1), Permanent);
  EXPECT_THROW(Connection({.url = "amqp://guest:wrong@" + url_.substr(url_.find('@') + 1), .name = "x"}), Permanent);
  EXPECT_THROW(Connection({.url = "amqp://guest:guest@127.0.0.1:1/", .name = "x"}), Retryable);
  EXPECT_THROW(Connection({.url = "nonsense", .name = "x"}), InvalidInput);
}

TEST_F(AmqpLive, PublisherConfirmsAllAndReportsTheUnroutable) {
  Publisher publisher({.url = url_, .name = "publisher", .window = 64, .topology = topology_});
  std::vector<Message> many;
  for (int i = 0; i < 5000; ++i) many.push_back(message("m" + std::to_string(i)));
  publisher.publish_blocking(many);
  auto stray = message("stray");
  stray.routing_key = "nowhere";
  EXPECT_THROW(publisher.publish_blocking({stray}), Permanent);
  auto homeless = message("homeless");
  homeless.exchange = name_ + ".missing";
  EXPECT_THROW(publisher.publish_blocking({homeless}), Permanent);
  publisher.publish_blocking({message("after")});
  EXPECT_EQ(publisher.buffered(), 0u);

  connection_->consume(name_ + ".q", 1000);
  std::set<std::string> bodies;
  uint64_t last = 0;
  while (const auto d = connection_->receive(std::chrono::steady_clock::now() + 500ms)) {
    bodies.emplace(d->body);
    last = d->tag;
    if (last % 500 == 0) connection_->ack(last, true);
  }
  EXPECT_EQ(bodies.size(), 5001u);
  EXPECT_EQ(last, 5001u);
}

TEST_F(AmqpLive, PublisherOfCoroutinesWaitsForTheConfirm) {
  Publisher publisher({.url = url_, .name = "publisher", .topology = topology_});
  run_alone<void>([&](asio::io_context&) -> Task<void> {
    std::vector<Message> one;
    one.push_back(message("hello"));
    co_await publisher.publish(std::move(one));
  });
  EXPECT_EQ(connection_->counts(name_ + ".q").messages, 1u);
}

TEST(Publisher, SaysInTimeThatTheBrokerIsAway) {
  Publisher publisher({.url = "amqp://guest:guest@127.0.0.1:1/", .name = "publisher", .timeout = 300ms});
  EXPECT_THROW(publisher.publish_blocking({Message{"x", "y", "z", {}}}), Retryable);
  EXPECT_FALSE(publisher.connected());
}

}  // namespace
}  // namespace dalgona::amqp
