#include "event_grpc/parked_cli.h"

#include <iostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/cli.h"
#include "base/errors.h"
#include "base/http/client.h"
#include "base/resources.h"
#include "base/text.h"
#include "event_grpc/parked.h"

namespace dalgona::event_grpc {

namespace {

struct ParkedArguments {
  std::shared_ptr<cli::Common> common;
  ParkedFilter filter;
  bool all = false;
};

struct Session {
  Config config;
  http::Client http;
  warehouse::Client client;
  Parked parked;
  explicit Session(const ParkedArguments& a)
      : config(a.common->load()), client(http, config.text("warehouse.url")), parked(client) {}
};

// Reasons and bodies come from outside: no control character of theirs reaches the terminal.
std::string shown(std::string_view bytes, size_t longest) {
  auto text = to_utf8_lossy(bytes.substr(0, longest));
  for (char& c : text)
    if (uint8_t(c) < 0x20 || c == 0x7f) c = ' ';
  return bytes.size() > longest ? text + "..." : text;
}

boost::json::object to_json(const ParkedRow& row, bool with_body) {
  boost::json::object out{{"id", row.id},
                          {"stream", row.stream},
                          {"parkedAt", row.parked_at},
                          {"field", to_utf8_lossy(row.field)},
                          {"reason", to_utf8_lossy(row.reason)},
                          {"count", row.count},
                          {"exchange", to_utf8_lossy(row.exchange)},
                          {"routingKey", to_utf8_lossy(row.routing_key)}};
  if (with_body) {
    out["headers"] = to_utf8_lossy(row.headers);
    out["body"] = to_utf8_lossy(row.body);
  }
  return out;
}

void list(const ParkedArguments& a) {
  Session session(a);
  const auto rows = session.parked.list(a.filter, false);
  if (a.common->json) {
    boost::json::array all;
    for (const auto& row : rows) all.push_back(to_json(row, false));
    std::cout << boost::json::serialize(all) << "\n";
    return;
  }
  for (const auto& c : session.parked.counts())
    std::cout << fmt::format("{:>9} {:<32} {}\n", c.events, c.stream, shown(c.field, 60));
  if (rows.empty()) {
    std::cout << "nothing is parked\n";
    return;
  }
  std::cout << fmt::format("\n{:<36}  {:<23}  {:<28} {:>5}  {}\n", "ID", "PARKED AT", "STREAM", "TIMES", "REASON");
  for (const auto& row : rows)
    std::cout << fmt::format("{}  {}  {:<28} {:>5}  {}\n", row.id, row.parked_at, row.stream, row.count,
                             shown(row.reason, 100));
}

std::vector<ParkedRow> chosen(const ParkedArguments& a, const Session& session, bool with_body) {
  if (a.filter.ids.empty() && a.filter.stream.empty() && a.filter.field.empty() && !a.all)
    throw InvalidInput("which? give ids, --stream, --field, or --all");
  auto rows = session.parked.list(a.filter, with_body);
  if (rows.empty() && !a.filter.ids.empty()) throw InvalidInput("no such event is parked");
  return rows;
}

void show(const ParkedArguments& a) {
  const Session session(a);
  for (const auto& row : chosen(a, session, true)) {
    if (a.common->json) {
      std::cout << boost::json::serialize(to_json(row, true)) << "\n";
      continue;
    }
    std::cout << fmt::format(
        "id          {}\nstream      {}\nparked at   {}, {} time{}\nfield       {}\nreason      {}\nexchange    "
        "{}\nrouting key {}\n"
        "headers     {}\nbody        {}\n\n",
        row.id, row.stream, row.parked_at, row.count, row.count == 1 ? "" : "s", shown(row.field, 500),
        shown(row.reason, 2000), row.exchange, shown(row.routing_key, 300), shown(row.headers, 4000),
        shown(row.body, 20'000));
  }
}

void replay(const ParkedArguments& a) {
  Session session(a);
  const auto catalogue = events::Catalogue::load(resource("config/streams"));
  const auto rows = chosen(a, session, true);
  amqp::Publisher publisher({.url = session.config.text("rabbitmq.url"), .name = "event-grpc parked replay"});
  session.parked.replay(catalogue, publisher, rows);
  std::cout << (a.common->json ? fmt::format("{{\"replayed\":{}}}\n", rows.size())
                               : fmt::format("{} event{} sent again\n", rows.size(), rows.size() == 1 ? "" : "s"));
}

void drop(const ParkedArguments& a) {
  Session session(a);
  const auto rows = chosen(a, session, false);
  session.parked.drop(rows);
  std::cout << (a.common->json ? fmt::format("{{\"dropped\":{}}}\n", rows.size())
                               : fmt::format("{} event{} given up\n", rows.size(), rows.size() == 1 ? "" : "s"));
}

}  // namespace

void register_parked(CLI::App& event_grpc) {
  auto* parked = event_grpc.add_subcommand("parked", "Events that could not be taken in");
  parked->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, size_t limit, bool by_id,
                       void (*run)(const ParkedArguments&)) {
    auto* command = parked->add_subcommand(name, help);
    auto a = std::make_shared<ParkedArguments>();
    a->common = cli::common_options(*command, true);
    a->filter.limit = limit;
    if (by_id) {
      command->add_option("ID", a->filter.ids, "Ids, or their first characters");
      command->add_flag("--all", a->all, "All that are parked");
    }
    command->add_option("--stream", a->filter.stream, "Of this stream");
    command->add_option("--field", a->filter.field, "For this field");
    command->add_option("--limit", a->filter.limit, "The newest so many")->capture_default_str();
    command->callback([a, run] { run(*a); });
  };
  add("list", "How many by stream and field, and the newest", 50, false, list);
  add("show", "With their bytes and headers", 20, true, show);
  add("replay", "Send them to their queues again", 100'000, true, replay);
  add("drop", "Give them up", 100'000, true, drop);
}

}  // namespace dalgona::event_grpc
