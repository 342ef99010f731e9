#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/config.h"
#include "base/errors.h"
#include "coffee/cli.h"

namespace dalgona::coffee {
namespace {

namespace json = boost::json;
namespace beast_http = boost::beast::http;
using SteadyClock = std::chrono::steady_clock;
using Tcp = boost::asio::ip::tcp;

constexpr int kConnections = 16;
constexpr std::chrono::seconds kRun{3};

// One keep-alive connection that asks and waits, over and over.
class Asker {
 public:
  explicit Asker(uint16_t port) : socket_(context_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    socket_.set_option(Tcp::no_delay(true));
  }
  // Throws Permanent for anything but 200.
  std::string ask(const std::string& path, const std::string& body) {
    beast_http::request<beast_http::string_body> request(body.empty() ? beast_http::verb::get : beast_http::verb::post,
                                                         path, 11);
    request.set(beast_http::field::host, "127.0.0.1");
    if (!body.empty()) request.set(beast_http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
    beast_http::write(socket_, request);
    beast_http::response<beast_http::string_body> response;
    beast_http::read(socket_, buffer_, response);
    if (response.result_int() != 200)
      throw Permanent(fmt::format("{} answered {}: {}", path, response.result_int(), response.body()));
    return std::move(response.body());
  }

 private:
  boost::asio::io_context context_;
  Tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

struct Load {
  double per_second = 0, p50 = 0, p99 = 0;  // milliseconds
};

struct Question {
  std::string path, body;
};

Load load(uint16_t port, const std::vector<Question>& questions) {
  const auto until = SteadyClock::now() + kRun;
  const auto took = bench::concurrently(kConnections, [&](int client) {
    std::vector<double> mine;
    Asker asker(port);
    for (size_t n = size_t(client); SteadyClock::now() < until; n += kConnections) {
      const auto started = SteadyClock::now();
      const Question& question = questions[n % questions.size()];
      asker.ask(question.path, question.body);
      mine.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - started).count());
    }
    return mine;
  });
  return {double(took.size()) / std::chrono::duration<double>(kRun).count(), bench::quantile(took, 0.5),
          bench::quantile(took, 0.99)};
}

uint16_t port_of(const bench::Options& options) {
  Config::Sources sources;
  sources.home = options.home;
  sources.environment = Config::process_environment();
  const auto port = Config::load(sources).integer("coffee.port");
  if (port == 0) throw InvalidInput("coffee.port is not known: `dalgona up` or `./run demo` must run in this home");
  return uint16_t(port);
}

bench::Result run(const bench::Options& options) {
  const uint16_t port = port_of(options);
  const std::string board = "/leaderboard-service/api/leaderboard/platform/YOUTUBE";
  Asker asker(port);
  std::vector<Question> boards, series;
  for (int page = 1; page <= 10; ++page) boards.push_back({board, fmt::format(R"({{"page": {}}})", page)});
  const json::value first = json::parse(asker.ask(board, R"({"size": 100})"));
  for (const auto& row : first.at("data").as_array())
    series.push_back({fmt::format("/discovery-service/api/profile/YOUTUBE/{}/timeseries",
                                  std::string(row.at("platformProfileId").as_string())),
                      "{}"});
  if (series.empty()) throw InvalidInput("nothing is published here: run the demo first");
  const std::vector<Question> ground{{"/heartbeat", ""}};
  std::vector<double> board_rates, series_rates, ground_rates, board_p99, series_p99;
  for (int i = 0; i < options.runs; ++i) {
    const Load of_boards = load(port, boards), of_series = load(port, series), of_ground = load(port, ground);
    options.say(fmt::format("run {}: leaderboard {:.0f}/s, series {:.0f}/s, heartbeat {:.0f}/s", i + 1,
                            of_boards.per_second, of_series.per_second, of_ground.per_second));
    board_rates.push_back(of_boards.per_second);
    series_rates.push_back(of_series.per_second);
    ground_rates.push_back(of_ground.per_second);
    board_p99.push_back(of_boards.p99);
    series_p99.push_back(of_series.p99);
  }
  bench::Result result;
  result.value = bench::median(board_rates);
  result.unit = "leaderboard requests/s";
  result.peer = "the same server's /heartbeat over the same connections: what HTTP alone costs";
  result.peer_value = bench::median(ground_rates);
  result.runs = options.runs;
  result.details = {
      {"connections", std::to_string(kConnections)},
      {"leaderboard p99", fmt::format("{:.2f} ms", bench::median(board_p99))},
      {"time series", fmt::format("{:.0f}/s, p99 {:.2f} ms", bench::median(series_rates), bench::median(series_p99))}};
  return result;
}

}  // namespace

void register_benches(bench::Registry& registry) {
  registry.add("coffee", "Leaderboard and time series over keep-alive connections, from a home that runs", run);
}

}  // namespace dalgona::coffee
