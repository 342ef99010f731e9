#include "base/http/server.h"

#include <future>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http/coding.h"
#include "base/http/server_fixture.h"

namespace dalgona::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
TEST_F(HttpServer, RoutesDecodesAndEchoesTheRequestId) {
  router_.get("/api/profile/{id}", [](Request& r) -> Task<Response> {
    co_return Response::json(200, r.param("id") + "|" + r.query.get_or("q", "-") + "|" + r.path);
  });
  router_.get("/api/profile/me", [](Request&) -> Task<Response> { co_return Response::text(200, "literal"); });
  router_.get("/files/{rest...}", [](Request& r) -> Task<Response> { co_return Response::text(200, r.param("rest")); });
  start();
  EXPECT_THAT(exchange(get("/api/profile/a%2Fb?q=1+2%26", "X-Request-Id: abc\r\nConnection: close\r\n")),
              testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("X-Request-Id: abc\r\n"), HasSubstr("Date: "),
                             EndsWith("\r\n\r\na/b|1 2&|/api/profile/a/b")));
  EXPECT_THAT(exchange(get("/api/profile/me")), EndsWith("literal"));
  EXPECT_THAT(exchange(get("/files/a/b.txt")), EndsWith("\r\n\r\na/b.txt"));
  EXPECT_THAT(exchange(get("/none")),
              testing::AllOf(StartsWith("HTTP/1.1 404"), HasSubstr("application/problem+json")));
  EXPECT_THAT(exchange("DELETE /api/profile/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD, OPTIONS\r\n")));
  EXPECT_THAT(exchange("GET http://host/api/profile/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              EndsWith("literal"));
}

TEST_F(HttpServer, AnswersHeadWithoutABodyAndKeepsTheConnection) {
  router_.get("/", [](Request&) -> Task<Response> { co_return Response::text(200, "12345"); });
  start();
  RawClient client(server_->port());
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(client.read_all(), testing::AllOf(StartsWith("HTTP/1.1 200 OK"), EndsWith("12345")));
}

TEST_F(HttpServer, HasHeartbeatAndMetricsOutsideOfTheMiddlewares) {
  router_.get("/secret", [](Request&) -> Task<Response> { co_return Response::text(200, "s"); });
  router_.use(
      [](Request&, const Handler&) -> Task<Response> { co_return Response::problem(401, "Unauthorized", "no"); });
  start();
  EXPECT_THAT(exchange(get("/secret")), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(exchange(get("/heartbeat")), EndsWith("\r\n\r\nok"));
  EXPECT_THAT(exchange(get("/metrics")),
              HasSubstr(R"(dalgona_http_requests_total{method="GET",route="/secret",status="4xx"} 1)"));
}

TEST_F(HttpServer, MiddlewaresRunOutermostFirst) {
  router_.get("/", [](Request&) -> Task<Response> { co_return Response::text(200, "h"); });
  for (const char* name : {"1", "2"})
    router_.use([name](Request& request, const Handler& next) -> Task<Response> {
      Response response = co_await next(request);
      std::get<std::string>(response.body) += name;
      co_return response;
    });
  start();
  EXPECT_THAT(exchange(get("/")), EndsWith("h21"));
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  router_.get("/{n}", [](Request& r) -> Task<Response> {
    co_await sleep_for(std::chrono::milliseconds{r.param("n") == "0" ? 50 : 0});
    co_return Response::text(200, "<" + r.param("n") + ">");
  });
  router_.post("/echo", kEcho);
  start();
  std::string all;
  for (int i = 0; i < 200; ++i) all += get("/" + std::to_string(i), "");
  all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\n" + get("/200");
  const std::string got = exchange(all);
  size_t at = 0;
  for (int i = 0; i <= 200; ++i) {
    at = got.find("<" + std::to_string(i) + ">", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_LT(got.find("abc"), got.find("<200>"));
}

TEST_F(HttpServer, RefusesMalformedRequests) {
  router_.get("/", [](Request&) -> Task<Response> { co_return Response::text(200, ""); });
  router_.post("/", kEcho);
  start();
  for (const char* bad :
       {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", "GET /\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"})
    EXPECT_THAT(exchange(bad), testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("Connection: close"))) << bad;
  EXPECT_THAT(exchange("GET / HTTP/3.0\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 505"));
  EXPECT_THAT(exchange(get("/")), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServer, RefusesOversizeHeadersAndBodies) {
  router_.add("POST", "/", kEcho, {.max_body = 1000});
  start({.max_header = 4096});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1 << 20, 'a')), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'b')),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                       std::string(1001, 'b') + "\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413"));
  // A small body that decodes to a large one.
  const std::string bomb = encoded(Coding::kGzip, std::string(10 << 20, '0'));
  EXPECT_THAT(
      exchange(
          fmt::format(
              "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
              bomb.size()) +
          bomb),
      StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n" +
                       std::string(1000, 'c')),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServer, UndoesContentEncodings) {
  router_.post("/", kEcho);
  start();
  const std::string text(5000, 'x');
  for (const Coding coding : {Coding::kGzip, Coding::kDeflate, Coding::kZstd}) {
    const std::string bytes = encoded(coding, text);
    const std::string head = fmt::format(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: {}\r\nContent-Length: {}\r\n\r\n",
        name_of(coding), bytes.size());
    EXPECT_THAT(exchange(head + bytes), EndsWith("\r\n\r\n" + text)) << name_of(coding);
    EXPECT_THAT(exchange(head + std::string(bytes.size(), 'q')), StartsWith("HTTP/1.1 400")) << name_of(coding);
    const std::string cut = bytes.substr(0, bytes.size() - 6);
    EXPECT_THAT(
        exchange(
            fmt::format(
                "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: {}\r\nContent-Length: {}\r\n\r\n",
                name_of(coding), cut.size()) +
            cut),
        StartsWith("HTTP/1.1 400"))
        << name_of(coding);
  }
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
              StartsWith("HTTP/1.1 415"));
}

TEST_F(HttpServer, CompressesAsTheClientPrefers) {
  const std::string text(100'000, 'y');
  router_.get("/whole", [&](Request&) -> Task<Response> { co_return Response::text(200, text); });
  router_.get("/small", [&](Request&) -> Task<Response> { co_return Response::text(200, "small"); });
  router_.get("/never", [&](Request&) -> Task<Response> {
    Response response = Response::text(200, text);
    response.compressible = false;
    co_return response;
  });
  router_.get("/stream", [&](Request&) -> Task<Response> {
    Response response;
    response.body = [&](BodyWriter& out) -> Task<void> {
      for (int i = 0; i < 10; ++i) co_await out.write(std::string_view(text).substr(0, 10'000));
    };
    co_return response;
  });
  start();
  const auto ask = [&](const char* path, const char* accept) {
    return exchange(get(path, fmt::format("Connection: close\r\nAccept-Encoding: {}\r\n", accept)));
  };
  EXPECT_EQ(decoded(Coding::kGzip, body_of(ask("/whole", "gzip, deflate"))), text);
  EXPECT_EQ(decoded(Coding::kZstd, body_of(ask("/whole", "gzip, zstd"))), text);
  EXPECT_EQ(decoded(Coding::kGzip, body_of(ask("/whole", "gzip;q=1, zstd;q=0.5"))), text);
  EXPECT_EQ(body_of(ask("/whole", "gzip;q=0, br")), text);
  EXPECT_EQ(decoded(Coding::kZstd, unchunked(body_of(ask("/stream", "zstd")))), text);
  EXPECT_EQ(decoded(Coding::kGzip, unchunked(body_of(ask("/stream", "gzip")))), text);
  EXPECT_EQ(unchunked(body_of(ask("/stream", ""))), text);
  EXPECT_THAT(ask("/small", "gzip"), Not(HasSubstr("Content-Encoding")));
  EXPECT_THAT(ask("/never", "gzip"), Not(HasSubstr("Content-Encoding")));
}

TEST_F(HttpServer, CompressesWhatIsLargeOnAThreadOfItsOwn) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i);
  router_.get("/whole", [&](Request&) -> Task<Response> { co_return Response::text(200, text); });
  router_.get("/stream", [&](Request&) -> Task<Response> {
    Response response;
    response.body = [&](BodyWriter& out) -> Task<void> {
      for (size_t at = 0; at < text.size(); at += 40'000) co_await out.write(std::string_view(text).substr(at, 40'000));
      co_await out.write("end");
    };
    co_return response;
  });
  start({.compress_aside = true});
  for (const auto coding : {Coding::kGzip, Coding::kZstd}) {
    const auto ask = [&](const char* path) {
      return body_of(exchange(get(path, fmt::format("Connection: close\r\nAccept-Encoding: {}\r\n", name_of(coding)))));
    };
    EXPECT_EQ(decoded(coding, ask("/whole")), text);
    EXPECT_EQ(decoded(coding, unchunked(ask("/stream"))), text + "end");
  }
}

TEST_F(HttpServer, StreamsRequestBodiesWithBoundedMemory) {
  std::atomic<uint64_t> total{0}, largest{0};
  router_.add("POST", "/",
              [&](Request& request) -> Task<Response> {
                for (;;) {
                  const std::string_view piece = co_await request.stream->next();
                  if (piece.empty()) break;
                  total += piece.size();
                  largest = std::max<uint64_t>(largest, piece.size());
                }
                co_return Response::text(200, "done");
              },
              {.stream_body = true, .max_body = 0});
  start();
  RawClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue"));
  const std::string chunk = fmt::format("{:x}\r\n", 1 << 20) + std::string(1 << 20, 'z') + "\r\n";
  for (int i = 0; i < 64; ++i) client.send(chunk);
  client.send("0\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("done"));
  EXPECT_EQ(total, 64ull << 20);
  EXPECT_LE(largest, 1u << 20);
}

TEST_F(HttpServer, AnswersAHandlerThatLeavesTheBodyUnread) {
  router_.add("POST", "/", [](Request&) -> Task<Response> { co_return Response::text(403, "no"); },
              {.stream_body = true, .max_body = 0});
  start();
  RawClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
  client.try_send(std::string(4'000'000, 'a'));
  EXPECT_THAT(client.read_all(),
              testing::AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("Connection: close"), EndsWith("no")));
}

TEST_F(HttpServer, AGateRefusesBeforeTheBodyAndInTheMiddleOfIt) {
  std::atomic<int> handled{0};
  std::atomic<uint64_t> most{0};
  RouteOptions options;
  options.max_body = 1 << 20;
  options.gate = [&](Request& request, uint64_t body) -> std::optional<Response> {
    most = std::max(most.load(), body);
    if (body == 0 && request.headers.get("X-Refuse")) return Response::text(429, "not now");
    if (body > 100'000) return Response::text(429, "no more");
    return std::nullopt;
  };
  router_.post(
      "/",
      [&](Request& request) -> Task<Response> {
        ++handled;
        co_return Response::text(200, request.body);
      },
      options);
  start();
  // Refused by the header; the short body is taken along, and the connection goes on.
  RawClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nX-Refuse: 1\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(client.read_until("not now"), StartsWith("HTTP/1.1 429"));
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ndef");
  EXPECT_THAT(client.read_until("def"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(handled, 1);
  // Who asks first is not told to go on.
  EXPECT_THAT(
      exchange("POST / HTTP/1.1\r\nHost: x\r\nX-Refuse: 1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
      StartsWith("HTTP/1.1 429"));
  // A long one is cut off soon after the gate has closed.
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'z')),
              StartsWith("HTTP/1.1 429"));
  EXPECT_EQ(handled, 1);
  EXPECT_LT(most, 700'000u);
}

TEST_F(HttpServer, TurnsErrorsIntoProblems) {
  router_.get("/invalid", [](Request&) -> Task<Response> {
    throw InvalidInput("field x");
    co_return Response();
  });
  router_.get("/retry", [](Request&) -> Task<Response> {
    throw Retryable("later", 1500ms);
    co_return Response();
  });
  router_.get("/bug", [](Request&) -> Task<Response> {
    throw std::logic_error("inner");
    co_return Response();
  });
  router_.get("/cancel", [](Request&) -> Task<Response> {
    throw Cancelled();
    co_return Response();
  });
  router_.get("/cut", [](Request&) -> Task<Response> {
    Response response;
    response.body = [](BodyWriter& out) -> Task<void> {
      co_await out.write("half");
      throw Retryable("source gone");
    };
    co_return response;
  });
  router_.get("/short", [](Request&) -> Task<Response> {
    Response response;
    response.headers.set("Content-Length", "10");
    response.body = [](BodyWriter& out) -> Task<void> { co_await out.write("half"); };
    co_return response;
  });
  start();
  EXPECT_THAT(exchange(get("/invalid")), testing::AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("field x")));
  EXPECT_THAT(exchange(get("/retry")), testing::AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 2\r\n")));
  EXPECT_THAT(exchange(get("/bug")), testing::AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("inner"))));
  EXPECT_EQ(exchange(get("/cancel")), "");
  EXPECT_EQ(unchunked(body_of(exchange(get("/cut")))), "half<CUT>");
  EXPECT_EQ(body_of(exchange(get("/short"))), "half");
}

TEST_F(HttpServer, SpeaksHttp10) {
  router_.get("/", [](Request&) -> Task<Response> {
    Response response;
    response.body = [](BodyWriter& out) -> Task<void> { co_await out.write("streamed"); };
    co_return response;
  });
  start();
  EXPECT_THAT(exchange("GET / HTTP/1.0\r\n\r\n"),
              testing::AllOf(EndsWith("\r\n\r\nstreamed"), Not(HasSubstr("chunked"))));
}

TEST_F(HttpServer, StopsGracefully) {
  std::promise<void> inside;
  router_.get("/slow", [&](Request&) -> Task<Response> {
    inside.set_value();
    co_await sleep_for(300ms);
    co_return Response::text(200, "finished");
  });
  start();
  RawClient idle(server_->port()), busy(server_->port());
  idle.send(get("/heartbeat", ""));
  idle.response();
  busy.send(get("/slow", ""));
  inside.get_future().wait();
  const auto from = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - from, 2s);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_THAT(busy.read_all(), testing::AllOf(HasSubstr("Connection: close"), EndsWith("finished")));
}

TEST_F(HttpServer, NamesTheAddressThatIsTaken) {
  start();
  try {
    Server twin(runtime_, Router(), {.port = server_->port()});
    FAIL() << "bound twice";
  } catch (const Permanent& e) {
    EXPECT_THAT(e.what(), HasSubstr("127.0.0.1:" + std::to_string(server_->port())));
  }
}

TEST(Coding, ConcatenatedMembersAreOneBody) {
  for (const Coding coding : {Coding::kGzip, Coding::kZstd})
    EXPECT_EQ(decoded(coding, encoded(coding, "one ") + encoded(coding, "two")), "one two");
}

TEST(Coding, DecodesInBoundedSteps) {
  const std::string bytes = encoded(Coding::kZstd, std::string(64 << 20, 'a'));
  Decoder decoder(Coding::kZstd);
  std::string_view in = bytes;
  std::string out;
  uint64_t total = 0;
  for (bool more = true; more;) {
    out.clear();
    more = decoder.decode(in, out, 256 * 1024);
    EXPECT_LE(out.size(), 320u * 1024);
    total += out.size();
  }
  decoder.finish();
  EXPECT_EQ(total, 64u << 20);
}

TEST(Query, ParsesWhatItPrints) {
  const Query query{{"a", "1 &=+%"}, {"ключ", "\xff"}, {"empty", ""}};
  const Query back = Query::parse(query.text());
  EXPECT_TRUE(std::equal(query.begin(), query.end(), back.begin(), back.end()));
  EXPECT_EQ(Query::parse("a=%zz%4&b").text(), "a=%25zz%254&b=");
}

TEST(Headers, IgnoreCaseAndKeepOrder) {
  Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  headers.set("a", "4");
  EXPECT_EQ(headers.get("A"), "4");
  EXPECT_EQ(std::distance(headers.begin(), headers.end()), 2);
  headers.remove("B");
  EXPECT_EQ(headers.get("b"), std::nullopt);
}

}  // namespace
}  // namespace dalgona::http
