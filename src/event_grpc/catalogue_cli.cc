#include "event_grpc/catalogue_cli.h"

#include <iostream>

#include <fmt/format.h>

#include "base/cli.h"
#include "base/resources.h"
#include "events/catalogue.h"
#include "events/ddl.h"
#include "events/reference.h"
#include "events/topology.h"

namespace dalgona::event_grpc {

namespace {

struct CatalogueArguments {
  std::string folder, cluster, stream;
  bool json = false;
  events::Catalogue load() const {
    return events::Catalogue::load(folder.empty() ? resource("config/streams") : std::filesystem::path(folder));
  }
};

void print_streams(const CatalogueArguments& a) {
  const auto catalogue = a.load();
  if (a.json) {
    boost::json::array all;
    for (const auto& s : catalogue.streams()) all.push_back(events::to_json(s));
    std::cout << boost::json::serialize(all) << "\n";
    return;
  }
  std::cout << fmt::format("{:<34} {:<22} {:<38} {}\n", "QUEUE", "EXCHANGE", "ROUTING KEY", "TARGET");
  for (const auto& s : catalogue.streams())
    std::cout << fmt::format("{:<34} {:<22} {:<38} {} {}\n", s.queue, s.exchange, s.routing_key,
                             events::name_of(s.target.kind),
                             s.target.kind == events::TargetKind::kHttp ? s.target.url : s.target.table);
}

void print_ddl(const CatalogueArguments& a) {
  const auto catalogue = a.load();
  for (const auto& sql : events::shared_ddl(a.cluster)) std::cout << sql << ";\n";
  for (const auto& s : catalogue.streams()) {
    if (!a.stream.empty() && s.name != catalogue.stream(a.stream).name) continue;
    if (!s.same_as.empty()) continue;  // the other stream's tables
    for (const auto& sql : events::stream_ddl(s, a.cluster)) std::cout << sql << ";\n";
  }
}

void print_topology(const CatalogueArguments& a) {
  const auto topology = events::topology(a.load().streams());
  if (a.json) {
    std::cout << boost::json::serialize(events::to_json(topology)) << "\n";
    return;
  }
  for (const auto& e : topology.exchanges) std::cout << fmt::format("exchange {:<24} {}\n", e.name, e.kind);
  for (const auto& q : topology.queues) std::cout << fmt::format("queue    {}\n", q.name);
  for (const auto& b : topology.bindings)
    std::cout << fmt::format("binding  {:<34} {} {}\n", b.queue, b.exchange, b.routing_key);
}

}  // namespace

void register_catalogue(CLI::App& event_grpc) {
  auto arguments = std::make_shared<CatalogueArguments>();
  const auto add = [&](const char* name, const char* help, void (*print)(const CatalogueArguments&)) {
    auto* command = event_grpc.add_subcommand(name, help);
    command->add_option("--streams", arguments->folder, "Folder of stream files; the one that ships, unless given");
    command->callback([arguments, print] { print(*arguments); });
    return command;
  };
  add("streams", "List the streams of the catalogue", print_streams)
      ->add_flag("--json", arguments->json, "Print JSON for programs");
  auto* ddl = add("ddl", "Print the warehouse's tables, rollups and views as SQL", print_ddl);
  ddl->add_option("--cluster", arguments->cluster, "ON CLUSTER, with Replicated and Distributed tables");
  ddl->add_option("STREAM", arguments->stream, "Of this stream alone");
  add("docs", "Print the reference page of the streams",
      [](const CatalogueArguments& a) { std::cout << events::reference_page(a.load()); });
  add("topology", "Print exchanges, queues and bindings", print_topology)
      ->add_flag("--json", arguments->json, "Print JSON for programs");
}

}  // namespace dalgona::event_grpc
