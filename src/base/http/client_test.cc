#include "base/http/client.h"

#include <future>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace dalgona::http {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using testing::HasSubstr;

// What one connection of the raw server below sees and says; nothing in it knows HTTP but the reading of a request.
class Peer {
 public:
  explicit Peer(tcp::socket socket) : socket_(std::move(socket)) {}

  // A request's head; empty when the client has closed. Its body, by Content-Length or chunks, is in body().
  Task<std::string> request() {
    boost::system::error_code error;
    const size_t size = co_await asio::async_read_until(socket_, asio::dynamic_buffer(in_), "\r\n\r\n",
                                                        asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return std::string();
    const std::string head = in_.substr(0, size);
    in_.erase(0, size);
    body_.clear();
    if (const size_t at = head.find("Content-Length: "); at != head.npos) {
      const size_t length = std::stoul(head.substr(at + 16));
      while (in_.size() < length) co_await more();
      body_ = in_.substr(0, length);
      in_.erase(0, length);
    } else if (head.find("Transfer-Encoding: chunked") != head.npos) {
      while (true) {
        size_t end = 0;
        while ((end = in_.find("\r\n")) == in_.npos) co_await more();
        const size_t length = std::stoul(in_.substr(0, end), nullptr, 16);
        while (in_.size() < end + 2 + length + 2) co_await more();
        body_ += in_.substr(end + 2, length);
        in_.erase(0, end + 2 + length + 2);
        if (length == 0) break;
      }
    }
    co_return head;
  }
  const std::string& body() const { return body_; }
  Task<void> say(std::string bytes) { co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable); }
  Task<void> answer(std::string body, std::string fields = "") {
    co_await say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
  }
  void close() { socket_.close(); }
  void reset() {
    socket_.set_option(asio::socket_base::linger(true, 0));
    socket_.close();
  }
  // Waits until the client closes.
  Task<void> closed() {
    boost::system::error_code error;
    std::array<char, 1024> buffer{};
    while (!error)
      co_await socket_.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
  }

 private:
  Task<void> more() {
    std::array<char, 16384> buffer{};
    const size_t size = co_await socket_.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    in_.append(buffer.data(), size);
  }
  tcp::socket socket_;
  std::string in_, body_;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() : thread_([this] { context_.run(); }) {}
  ~ClientTest() override {
    context_.stop();
    thread_.join();
  }
  // A server on a free port whose every connection runs `serve`; gives its URL.
  std::string serve(std::function<Task<void>(Peer&)> serve) {
    auto acceptor = std::make_shared<tcp::acceptor>(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor->listen(4096);
    const uint16_t port = acceptor->local_endpoint().port();
    asio::co_spawn(context_, accept(acceptor, std::move(serve)), asio::detached);
    return "http://127.0.0.1:" + std::to_string(port);
  }
  ClientResponse get(const std::string& url, std::function<void(ClientRequest&)> change = {}) {
    ClientRequest request;
    request.url = url;
    request.timeout = 10s;
    if (change) change(request);
    return wait(context_.get_executor(), client_.send(std::move(request)));
  }
  template <typename E>
  std::string failure(const std::string& url, std::function<void(ClientRequest&)> change = {}) {
    try {
      get(url, std::move(change));
    } catch (const E& e) {
      return e.what();
    }
    return "no failure";
  }

  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::thread thread_;
  Client client_;
  std::atomic<int> connections_{0};

 private:
  Task<void> accept(std::shared_ptr<tcp::acceptor> acceptor, std::function<Task<void>(Peer&)> serve) {
    while (true) {
      tcp::socket socket = co_await acceptor->async_accept(asio::use_awaitable);
      ++connections_;
      asio::co_spawn(context_, session(std::move(socket), serve), asio::detached);
    }
  }
  static Task<void> session(tcp::socket socket, std::function<Task<void>(Peer&)> serve) {
    Peer peer(std::move(socket));
    co_await serve(peer);
  }
};

std::string gzip(std::string_view text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = uInt(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = uInt(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// Found as statements that waited for a long one's first answer, on a connection that could not carry both.
TEST_F(ClientTest, ARequestDoesNotWaitForTheAnswerOfAnother) {
  std::promise<void> arrived;
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    const std::string head = co_await peer.request();
    if (head.starts_with("GET /slow")) {
      arrived.set_value();
      co_await peer.closed();
    } else {
      co_await peer.answer("fast");
    }
  });
  std::thread slow([&] { failure<Retryable>(url + "/slow", [](ClientRequest& r) { r.timeout = 3s; }); });
  arrived.get_future().wait();
  EXPECT_EQ(get(url + "/fast", [](ClientRequest& r) { r.timeout = 2s; }).body, "fast");
  slow.join();
}

TEST_F(ClientTest, SendsAndReceivesOverOneConnection) {
  std::string seen, seen_body;
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    while (true) {
      const std::string head = co_await peer.request();
      if (head.empty()) break;
      seen = head;
      seen_body = peer.body();
      co_await peer.answer("hello", "X-One: 1\r\nx-one: 2\r\n");
    }
  });
  const auto first = get(url + "/a?b=c", [](ClientRequest& r) {
    r.method = "POST";
    r.body = "the body";
    r.headers = {{"X-Empty", ""}, {"Content-Type", "text/plain"}};
    r.user = "user";
    r.password = "pass:word";
  });
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "hello");
  EXPECT_EQ(first.headers.get("X-ONE"), "1");
  EXPECT_FALSE(first.reused_connection);
  EXPECT_GT(first.time.count(), 0);
  EXPECT_THAT(seen, testing::StartsWith("POST /a?b=c HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: text/plain\r\n"));
  EXPECT_THAT(seen, HasSubstr("Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"));
  EXPECT_THAT(seen, HasSubstr("gzip"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Expect")));
  EXPECT_EQ(seen_body, "the body");
  const auto second = get(url + "/again", [](ClientRequest& r) { r.method = "DELETE"; });
  EXPECT_TRUE(second.reused_connection);
  EXPECT_THAT(seen, testing::StartsWith("DELETE /again HTTP/1.1\r\n"));
  EXPECT_THAT(seen, testing::Not(HasSubstr("Content-Type")));
  EXPECT_EQ(connections_, 1);
}

TEST_F(ClientTest, ATruncatedBodyIsRetryable) {
  const std::string by_length = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    peer.close();
  });
  EXPECT_THAT(failure<Retryable>(by_length), HasSubstr("truncated body"));
  const std::string chunked = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n");
    peer.close();
  });
  EXPECT_THAT(failure<Retryable>(chunked), HasSubstr("truncated body"));
  std::string got;
  EXPECT_THAT(failure<Retryable>(chunked,
                                 [&](ClientRequest& r) {
                                   r.on_piece = [&](std::string_view piece) -> Task<void> {
                                     got += piece;
                                     co_return;
                                   };
                                 }),
              HasSubstr("truncated body"));
  EXPECT_EQ(got, "wiki");
}

TEST_F(ClientTest, AResetAndARefusalAreRetryableAndSaySo) {
  const std::string resets = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    peer.reset();
  });
  EXPECT_THAT(failure<Retryable>(resets), HasSubstr("connection reset"));
  tcp::acceptor free_port(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const uint16_t port = free_port.local_endpoint().port();
  free_port.close();
  EXPECT_THAT(failure<Retryable>("http://127.0.0.1:" + std::to_string(port)), HasSubstr("refused"));
  EXPECT_THAT(failure<Retryable>("http://no-such-host.invalid/"), HasSubstr("resolve"));
}

TEST_F(ClientTest, SlowPeersEndAtTheTimeLimits) {
  const std::string silent = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.closed();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(failure<Retryable>(silent, [](ClientRequest& r) { r.timeout = 100ms; }), HasSubstr("timed out"));
  EXPECT_THAT(failure<Retryable>(silent,
                                 [](ClientRequest& r) {
                                   r.timeout = 0ms;
                                   r.stall_timeout = 1s;
                                 }),
              HasSubstr("timed out"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
}

TEST_F(ClientTest, RedirectsAreFollowedOnlyWhenAsked) {
  const std::string url = serve([](Peer& peer) -> Task<void> {
    while (true) {
      const std::string head = co_await peer.request();
      if (head.empty()) break;
      if (head.starts_with("GET /old")) {
        co_await peer.say("HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 4\r\n\r\nmove");
      } else if (head.starts_with("GET /file")) {
        co_await peer.say("HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n");
      } else {
        co_await peer.answer("there");
      }
    }
  });
  EXPECT_EQ(get(url + "/old").status, 302);
  EXPECT_EQ(get(url + "/old").body, "move");
  std::vector<int> heads;
  const auto followed = get(url + "/old", [&](ClientRequest& r) {
    r.follow_redirects = true;
    r.on_headers = [&](int status, const Headers&) { heads.push_back(status); };
  });
  EXPECT_EQ(followed.body, "there");
  EXPECT_THAT(heads, testing::ElementsAre(200));
  EXPECT_THROW(get(url + "/file", [](ClientRequest& r) { r.follow_redirects = true; }), Permanent);
}

TEST_F(ClientTest, UndoesGzipAndLimitsWhatComesOut) {
  const std::string text(3 << 20, 'z');
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    while (!(co_await peer.request()).empty()) co_await peer.answer(gzip(text), "Content-Encoding: gzip\r\n");
  });
  EXPECT_EQ(get(url).body, text);
  const auto raw = get(url, [](ClientRequest& r) { r.decode = false; });
  EXPECT_EQ(raw.body, gzip(text));
  EXPECT_THAT(failure<Permanent>(url, [](ClientRequest& r) { r.max_body = 1 << 20; }), HasSubstr("over its limit"));
  EXPECT_EQ(get(url, [&](ClientRequest& r) { r.max_body = text.size(); }).body.size(), text.size());
}

TEST_F(ClientTest, AThousandAtOnce) {
  std::atomic<int> in_flight{0}, most{0};
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    while (true) {
      const std::string head = co_await peer.request();
      if (head.empty()) break;
      most = std::max(most.load(), ++in_flight);
      co_await sleep_for(20ms);
      --in_flight;
      co_await peer.answer(head.substr(0, head.find(" HTTP")));
    }
  });
  std::vector<std::future<ClientResponse>> all;
  for (int i = 0; i < 1000; ++i) {
    ClientRequest request;
    request.url = url + "/" + std::to_string(i);
    all.push_back(asio::co_spawn(context_, client_.send(std::move(request)), asio::use_future));
  }
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(all[i].get().body, "GET /" + std::to_string(i));
  EXPECT_LE(connections_, 256);
  EXPECT_LE(most, 256);
  EXPECT_GT(most, 50);
}

TEST_F(ClientTest, ACancelledSenderEndsItsTransfer) {
  std::promise<void> began, ended;
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    co_await peer.request();
    began.set_value();
    co_await peer.closed();
    ended.set_value();
  });
  ClientRequest request;
  request.url = url;
  request.timeout = 0ms;
  asio::cancellation_signal signal;
  auto result = asio::co_spawn(context_, client_.send(std::move(request)),
                               asio::bind_cancellation_slot(signal.slot(), asio::use_future));
  began.get_future().wait();
  asio::post(context_, [&] { signal.emit(asio::cancellation_type::terminal); });
  EXPECT_THROW(result.get(), Cancelled);
  EXPECT_EQ(ended.get_future().wait_for(5s), std::future_status::ready);
}

TEST_F(ClientTest, ATimerBesideItCancelsIt) {
  using namespace asio::experimental::awaitable_operators;
  const std::string url = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.closed();
  });
  const auto race = [&]() -> Task<size_t> {
    ClientRequest request;
    request.url = url;
    const auto winner = co_await (client_.send(std::move(request)) || sleep_for(50ms));
    co_return winner.index();
  };
  EXPECT_EQ(wait(context_.get_executor(), race()), 1u);
}

TEST_F(ClientTest, TheEndOfTheClientCancelsWhatIsPending) {
  std::promise<void> began;
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    co_await peer.request();
    began.set_value();
    co_await peer.closed();
  });
  auto short_lived = std::make_unique<Client>();
  ClientRequest request;
  request.url = url;
  auto result = asio::co_spawn(context_, short_lived->send(std::move(request)), asio::use_future);
  began.get_future().wait();
  short_lived.reset();
  EXPECT_THROW(result.get(), Cancelled);
}

TEST_F(ClientTest, RefusesMoreThanItMayQueue) {
  const std::string url = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.closed();
  });
  Client narrow(ClientOptions{.max_connections_per_host = 1, .max_queued = 3, .user_agent = "t"});
  std::vector<std::future<ClientResponse>> pending;
  for (int i = 0; i < 4; ++i) {
    ClientRequest request;
    request.url = url;
    request.timeout = 300ms;
    pending.push_back(asio::co_spawn(context_, narrow.send(std::move(request)), asio::use_future));
  }
  int refused = 0, timed_out = 0;
  for (auto& one : pending) {
    try {
      one.get();
    } catch (const Retryable& e) {
      (std::string_view(e.what()).find("pending") != std::string_view::npos ? refused : timed_out) += 1;
    }
  }
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(timed_out, 3);
}

TEST_F(ClientTest, StreamsAnUploadWithAndWithoutItsLength) {
  std::string head, body;
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    while (true) {
      const std::string h = co_await peer.request();
      if (h.empty()) break;
      head = h;
      body = peer.body();
      co_await peer.answer("ok");
    }
  });
  std::string data;
  for (int i = 0; data.size() < (3 << 20) + 17; ++i) data += std::to_string(i) + ",";
  for (const bool known : {true, false}) {
    size_t at = 0;
    const auto response = get(url, [&](ClientRequest& r) {
      r.method = "PUT";
      if (known) r.body_size = data.size();
      r.read_body = [&](char* buffer, size_t size) {
        const size_t step = std::min({size, data.size() - at, size_t{100'003}});
        std::copy_n(data.data() + at, step, buffer);
        at += step;
        return step;
      };
    });
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(head, testing::StartsWith("PUT / HTTP/1.1"));
    EXPECT_EQ(head.find("chunked") == std::string::npos, known);
    EXPECT_EQ(body, data);
  }
  EXPECT_THROW(get(url,
                   [](ClientRequest& r) {
                     r.method = "POST";
                     r.read_body = [](char*, size_t) -> size_t { throw InvalidInput("the source broke"); };
                   }),
               InvalidInput);
}

TEST_F(ClientTest, StreamsADownloadWithBackPressure) {
  constexpr size_t kSize = 64 << 20;
  std::atomic<size_t> sent{0};
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    const std::string block(1 << 16, 'b');
    while (sent < kSize) {
      co_await peer.say(block);
      sent += block.size();
    }
  });
  size_t got = 0, largest = 0;
  bool first = true;
  const auto response = get(url, [&](ClientRequest& r) {
    r.on_piece = [&](std::string_view piece) -> Task<void> {
      if (std::exchange(first, false)) {
        // While this piece is worked on the server cannot go on: only socket buffers and ours fill.
        co_await sleep_for(300ms);
        EXPECT_LT(sent, kSize / 2);
      }
      largest = std::max(largest, piece.size());
      got += piece.size();
    };
  });
  EXPECT_EQ(got, kSize);
  EXPECT_TRUE(response.body.empty());
  EXPECT_LE(largest, 1u << 20);
}

TEST_F(ClientTest, WhatAPieceThrowsLeavesSend) {
  const std::string url = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome");
    co_await peer.closed();
  });
  EXPECT_THROW(get(url,
                   [](ClientRequest& r) {
                     r.on_piece = [](std::string_view) -> Task<void> {
                       throw InvalidInput("not this");
                       co_return;
                     };
                   }),
               InvalidInput);
  EXPECT_THROW(get(url, [](ClientRequest& r) { r.on_data = [](std::string_view) { return false; }; }), Cancelled);
  EXPECT_THROW(
      get(url, [](ClientRequest& r) { r.on_data = [](std::string_view) -> bool { throw InvalidInput("nor this"); }; }),
      InvalidInput);
}

TEST_F(ClientTest, AnErrorBodyIsCollectedEvenWhenStreaming) {
  const std::string url = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    const std::string body(2 << 20, 'e');
    co_await peer.say("HTTP/1.1 500 Oops\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  });
  bool called = false;
  const auto response = get(url, [&](ClientRequest& r) {
    r.on_data = [&](std::string_view) {
      called = true;
      return true;
    };
  });
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.size(), 1u << 20);
  EXPECT_FALSE(called);
}

TEST_F(ClientTest, BadUrlsAndHeadersAreRefused) {
  EXPECT_THAT(failure<Permanent>("ftp://127.0.0.1/"), HasSubstr("scheme"));
  EXPECT_THAT(failure<Permanent>("http://[::1"), HasSubstr("bad URL"));
  const std::string with_password = failure<Permanent>("http://user:secret@127.0.0.1/");
  EXPECT_THAT(with_password, HasSubstr("credentials"));
  EXPECT_THAT(with_password, testing::Not(HasSubstr("secret")));
  EXPECT_THROW(get("http://127.0.0.1/", [](ClientRequest& r) { r.headers.add("X", "a\r\nHost: other"); }),
               InvalidInput);
}

TEST_F(ClientTest, LoopbackNeverGoesThroughAProxy) {
  ASSERT_EQ(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
  const std::string url = serve([](Peer& peer) -> Task<void> {
    co_await peer.request();
    co_await peer.answer("direct");
  });
  EXPECT_EQ(get(url).body, "direct");
  EXPECT_THAT(failure<Retryable>("http://192.0.2.1/"), HasSubstr("refused"));
  unsetenv("http_proxy");
}

TEST_F(ClientTest, SignsAsAmazonDocuments) {
  // Examples of "Signature Calculations for the Authorization Header" in the Amazon S3 API
  // Reference.
  std::string head;
  const std::string url = serve([&](Peer& peer) -> Task<void> {
    while (true) {
      const std::string h = co_await peer.request();
      if (h.empty()) break;
      head = h;
      co_await peer.answer("");
    }
  });
  const auto sign = [](ClientRequest& r) {
    r.aws =
        ClientRequest::AwsSigV4{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};
    r.headers = {{"Host", "examplebucket.s3.amazonaws.com"},
                 {"x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"X-Amz-Date", "20130524T000000Z"}};
    r.decode = false;
  };
  get(url + "/test.txt", [&](ClientRequest& r) {
    sign(r);
    r.headers.add("Range", "bytes=0-9");
  });
  EXPECT_THAT(head, HasSubstr("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  get(url + "/?lifecycle", sign);
  EXPECT_THAT(head, HasSubstr("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  get(url + "/test%24file.text", [&](ClientRequest& r) {
    sign(r);
    r.headers.remove("x-amz-content-sha256");
    r.headers.add("Date", "Fri, 24 May 2013 00:00:00 GMT");
    r.headers.add("x-amz-storage-class", "REDUCED_REDUNDANCY");
    r.method = "PUT";
    r.body = "Welcome to Amazon S3.";
  });
  EXPECT_THAT(head,
              HasSubstr("x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"));
  get(url + "/?prefix=J&max-keys=2", sign);
  EXPECT_THAT(head, HasSubstr("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST_F(ClientTest, BlocksForThreadsThatMay) {
  const std::string url = serve([](Peer& peer) -> Task<void> {
    while (!(co_await peer.request()).empty()) co_await peer.answer("b");
  });
  ClientRequest request;
  request.url = url;
  EXPECT_EQ(client_.send_blocking(request).body, "b");
  request.url = "http://127.0.0.1:1/";
  EXPECT_THROW(client_.send_blocking(request), Retryable);
}

}  // namespace
}  // namespace dalgona::http
