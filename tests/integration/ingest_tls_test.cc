// The ways in over TLS with API keys: what is taken, and what is refused.
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <eventservice.grpc.pb.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "base/http/client.h"
#include "base/resources.h"
#include "support/certificate.h"
#include "support/ingest_house.h"

namespace dalgona::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "correct-horse";

class IngestTls : public testing::Test {
 protected:
  IngestTls()
      : certificate_(make_certificate(TestHome::shared().path(), TestHome::shared().unique_name("ours"))),
        stranger_(make_certificate(TestHome::shared().path(), TestHome::shared().unique_name("stranger"))),
        house_({{"event_grpc.tls_certificate", certificate_.certificate.string()},
                {"event_grpc.tls_key", certificate_.key.string()},
                {"event_grpc.api_keys", std::string("[other, ") + kKey + "]"},
                {"event_grpc.streams", "[activity_tracker]"}}) {}

  http::ClientRequest request(const std::string& scheme, const std::string& key) {
    http::ClientRequest r;
    r.method = "POST";
    r.url = scheme + house_.http_url().substr(house_.http_url().find("://")) + "/events";
    r.headers = {{"Content-Type", "application/json"}};
    if (!key.empty()) r.headers.add("Authorization", "Bearer " + key);
    r.body = R"({"header":{"deviceId":"tls"},"events":[{"id":"1","logoutEvent":{"reason":"x"}}]})";
    r.ca_file = certificate_.certificate;
    return r;
  }
  int post(const std::string& key) { return client_.send_blocking(request("https", key)).status; }

  grpc::Status dispatch(const std::shared_ptr<grpc::ChannelCredentials>& credentials, const std::string& key,
                        const std::string& header = "authorization") {
    const auto stub = event::EventService::NewStub(
        grpc::CreateChannel("localhost:" + std::to_string(house_.grpc_port()), credentials));
    event::Events events;
    events.mutable_header()->set_deviceid("tls");
    events.add_events()->mutable_logoutevent()->set_reason("x");
    event::Response response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{10});
    if (!key.empty()) context.AddMetadata(header, header == "authorization" ? "Bearer " + key : key);
    return stub->dispatch(&context, events, &response);
  }
  static std::shared_ptr<grpc::ChannelCredentials> trusting(const Certificate& certificate) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = read_file(certificate.certificate);
    return grpc::SslCredentials(options);
  }

  Certificate certificate_, stranger_;
  IngestHouse house_;
  http::Client client_;
};

TEST_F(IngestTls, TakesEventsOverTlsWithAKey) {
  EXPECT_EQ(post(kKey), 200);
  EXPECT_EQ(post("other"), 200);
  auto with_header = request("https", "");
  with_header.headers.add("X-Api-Key", kKey);
  EXPECT_EQ(client_.send_blocking(std::move(with_header)).status, 200);
  auto hook = request("https", "");
  hook.url.replace(hook.url.rfind("/events"), 7, std::string("/graphy/event?key=") + kKey);
  EXPECT_EQ(client_.send_blocking(std::move(hook)).status, 200);
  EXPECT_TRUE(dispatch(trusting(certificate_), kKey).ok());
  EXPECT_TRUE(dispatch(trusting(certificate_), kKey, "x-api-key").ok());
}

TEST_F(IngestTls, RefusesAWrongKey) {
  for (const char* wrong : {"", "wrong", "correct-hors", "correct-horse-", "other,correct-horse"}) {
    EXPECT_EQ(post(wrong), 401) << wrong;
    EXPECT_EQ(dispatch(trusting(certificate_), wrong).error_code(), grpc::UNAUTHENTICATED) << wrong;
  }
  auto hook = request("https", "");
  hook.url.replace(hook.url.rfind("/events"), 7, "/graphy/event?key=wrong");
  EXPECT_EQ(client_.send_blocking(std::move(hook)).status, 401);
  // Refused before the body is there: who has no key can not make us hold megabytes.
  auto large = request("https", "wrong");
  large.body = std::string(3 << 20, ' ');
  try {
    EXPECT_EQ(client_.send_blocking(std::move(large)).status, 401);
  } catch (const Retryable&) {  // the connection was closed under the sender
  }
  EXPECT_EQ(dispatch(grpc::InsecureChannelCredentials(), kKey).error_code(), grpc::UNAVAILABLE);
  EXPECT_THAT(house_.log_text(), Not(HasSubstr(kKey)));
}

TEST_F(IngestTls, RefusesPlainTextAndOldProtocols) {
  EXPECT_THROW(client_.send_blocking(request("http", kKey)), Error);
  EXPECT_EQ(dispatch(grpc::InsecureChannelCredentials(), kKey).error_code(), grpc::UNAVAILABLE);
  // Not one byte of HTTP comes back over plain text.
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  const auto port = uint16_t(std::stoi(house_.http_url().substr(house_.http_url().rfind(':') + 1)));
  socket.connect({asio::ip::make_address("127.0.0.1"), port});
  asio::write(socket, asio::buffer(std::string("GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")));
  std::string answer;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(answer), error);
  EXPECT_THAT(answer, Not(HasSubstr("HTTP")));
}

TEST_F(IngestTls, AClientThatTrustsAnotherDoesNotTalk) {
  auto strange = request("https", kKey);
  strange.ca_file = stranger_.certificate;
  EXPECT_THROW(client_.send_blocking(std::move(strange)), Error);
  EXPECT_EQ(dispatch(trusting(stranger_), kKey).error_code(), grpc::UNAVAILABLE);
}

TEST_F(IngestTls, StatusFindsItsWay) {
  const auto port = house_.http_url().substr(house_.http_url().rfind(':') + 1);
  const auto outcome =
      house_.home().run({"event-grpc", "status", "--once", "--json"},
                        {{"event_grpc.port", port}, {"event_grpc.tls_certificate", certificate_.certificate.string()}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_EQ(boost::json::parse(outcome.output).as_array().size(), 26u);
}

TEST_F(IngestTls, SettingsThatCannotWorkAreRefusedByName) {
  const auto start = [&](const Settings& settings) {
    auto all = settings;
    all.insert({{"event_grpc.streams", "[activity_tracker]"},
                {"rabbitmq.url", house_.home().rabbitmq_url()},
                {"warehouse.url", house_.home().warehouse_url()}});
    return house_.home().run({"event-grpc"}, all);
  };
  const auto half = start({{"event_grpc.tls_certificate", certificate_.certificate.string()}});
  EXPECT_NE(half.exit_code, 0);
  EXPECT_THAT(half.output, HasSubstr("TLS needs both a certificate and a key"));
  const auto gone = start({{"event_grpc.tls_certificate", "/nowhere/x.crt"}, {"event_grpc.tls_key", "/nowhere/x.key"}});
  EXPECT_NE(gone.exit_code, 0);
  EXPECT_THAT(gone.output, HasSubstr("/nowhere/x.crt"));
  const auto crossed = start({{"event_grpc.tls_certificate", certificate_.certificate.string()},
                              {"event_grpc.tls_key", stranger_.key.string()}});
  EXPECT_NE(crossed.exit_code, 0);
  EXPECT_THAT(crossed.output, HasSubstr(stranger_.key.string()));
}

}  // namespace
}  // namespace dalgona::test
