#include "events/reference.h"

#include <fmt/format.h>

#include "events/ddl.h"

namespace dalgona::events {

namespace {

std::string listed(const std::vector<std::string>& items, std::string_view by = ", ") {
  return fmt::format("{}", fmt::join(items, by));
}

std::string duration(std::chrono::milliseconds time) {
  const auto ms = time.count();
  if (ms % 86'400'000 == 0) return fmt::format("{} d", ms / 86'400'000);
  if (ms % 3'600'000 == 0) return fmt::format("{} h", ms / 3'600'000);
  if (ms % 60'000 == 0) return fmt::format("{} min", ms / 60'000);
  return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000) : fmt::format("{} ms", ms);
}

std::string target_text(const Target& t) {
  switch (t.kind) {
    case TargetKind::kWarehouse:
      return fmt::format("warehouse, `events.{}`{}", t.table, t.view.empty() ? "" : ", view `_e." + t.view + "`");
    case TargetKind::kPostgres:
      return fmt::format("PostgreSQL, `{}`", t.table);
    case TargetKind::kHttp:
      return fmt::format("HTTP, the URL in `{}`", t.url);
  }
  return "";
}

std::string ingest_text(const Ingest& i) {
  std::vector<std::string> parts;
  if (i.events) parts.push_back("Events by gRPC `dispatch` and `dispatchStream`");
  if (!i.payload.empty()) parts.push_back(fmt::format("gRPC payload `{}`", i.payload));
  if (!i.path.empty()) parts.push_back(fmt::format("`POST {}`", i.path));
  if (!i.has.empty()) parts.push_back(fmt::format("bodies with `{}`", i.has));
  if (!i.lacks.empty()) parts.push_back(fmt::format("bodies without `{}`", i.lacks));
  if (!i.key_from.empty()) parts.push_back(fmt::format("routing key from `{}`", i.key_from));
  if (!i.envelope.empty()) parts.push_back(fmt::format("the body becomes `{}`", i.envelope));
  for (const auto& [member, header] : i.headers) parts.push_back(fmt::format("`{}` from header {}", member, header));
  if (!i.signature_header.empty()) parts.push_back(fmt::format("signed in {}", i.signature_header));
  return listed(parts);
}

std::string field_notes(const Stream& s, const Field& f) {
  std::vector<std::string> notes;
  if (f.name == s.id) notes.push_back("recognises an event that comes twice");
  if (f.required) notes.push_back("required");
  if (f.nullable) notes.push_back("may be NULL");
  if (f.type == FieldType::kRest) notes.push_back("members that no other field takes");
  if (f.max_length != Field{}.max_length) notes.push_back(fmt::format("at most {} bytes", f.max_length));
  if (f.type == FieldType::kTime && f.digits == 3) notes.push_back("to the millisecond");
  if (f.type == FieldType::kTime && f.digits == 0) notes.push_back("to the second");
  if (f.keep.count() > 0) notes.push_back("dropped after " + duration(f.keep));
  return listed(notes, "; ");
}

std::string origin(const Field& f) {
  if (f.type == FieldType::kRest)
    return f.path.empty() ? "the other members" : fmt::format("the other members of `{}`", f.path_text());
  auto text = fmt::format("`{}`", f.path_text());
  for (const auto& other : f.also) text += fmt::format(" or `{}`", listed(other, "."));
  return text;
}

std::string storage_text(const Stream& s) {
  std::string text = fmt::format("Ordered by {}", listed(s.order));
  if (!s.partition.empty()) text += fmt::format(", partitioned by {}", s.partition);
  if (const auto key = s.shard_key(); !key.empty()) text += fmt::format(", on a cluster spread by {}", listed(key));
  if (!s.latest.empty()) text += fmt::format("; of rows with one key the one with the largest {} stays", s.latest);
  if (!s.inserted_after.empty())
    text += fmt::format("; insert_timestamp is kept as seconds since {}", s.inserted_after);
  if (s.ttl.count() > 0) text += fmt::format("; dropped {} after {}", duration(s.ttl), s.ttl_field);
  return text + ".";
}

}  // namespace

std::string reference_page(const Catalogue& catalogue) {
  std::string page =
      "# Streams\n\n"
      "Every queue that `dalgona event-grpc` reads. This page is made from the files in `config/streams/` by\n"
      "`dalgona event-grpc docs`; change those, not this.\n\n"
      "| queue | exchange | routing key | consumers | target |\n|---|---|---|---|---|\n";
  for (const auto& s : catalogue.streams())
    page += fmt::format("| [{0}](#{1}) | {2} ({3}) | `{4}` | {5} | {6} |\n", s.queue, s.name, s.exchange,
                        s.exchange_kind, s.routing_key, s.consumers, target_text(s.target));
  for (const auto& s : catalogue.streams()) {
    page += fmt::format("\n## {}\n\n{}\n\n", s.name, s.about);
    page += fmt::format("- Queue `{}`, bound to {} exchange `{}` with `{}`; at most {} messages unacknowledged.\n",
                        s.queue, s.exchange_kind, s.exchange, s.routing_key, s.prefetch);
    for (const auto& i : s.ingest) page += fmt::format("- Comes in by: {}.\n", ingest_text(i));
    page += fmt::format("- Goes to: {}, in batches of at most {} events, {} bytes or {}.\n", target_text(s.target),
                        s.batch_events, s.batch_bytes, duration(s.batch_time));
    if (s.target.kind == TargetKind::kHttp)
      page += fmt::format(
          "- Tried {} times, {} after the first failure and twice as long after each further one; "
          "then parked.\n",
          s.retry_attempts, duration(s.retry_delay));
    if (!s.error_exchange.empty())
      page += fmt::format("- What is parked is published to `{}` with `{}` as well.\n", s.error_exchange,
                          s.error_routing_key);
    if (!s.order.empty()) page += "- " + storage_text(s) + "\n";
    for (const auto& r : s.rollups)
      page += fmt::format("- Rollup `events.{}`: by {} and day the latest {}; read it through `events.{}`.\n", r.table,
                          listed(r.by), listed(r.last), r.view);
    if (!s.same_as.empty()) {
      page += fmt::format("- Fields as in [{0}](#{0}).\n", s.same_as);
      continue;
    }
    page += "\n| column | type | from | |\n|---|---|---|---|\n";
    for (const auto& f : s.fields)
      page += fmt::format("| {} | {} | {} | {} |\n", f.name,
                          s.target.kind == TargetKind::kWarehouse ? column_type(f) : std::string(name_of(f.type)),
                          origin(f), field_notes(s, f));
  }
  return page;
}

boost::json::object to_json(const Stream& s) {
  boost::json::object out{
      {"stream", s.name},
      {"file", std::filesystem::path(s.file).filename().string()},
      {"about", s.about},
      {"exchange", {{"name", s.exchange}, {"kind", s.exchange_kind}}},
      {"queue", s.queue},
      {"routing_key", s.routing_key},
      {"consumers", s.consumers},
      {"prefetch", s.prefetch},
      {"batch", {{"events", s.batch_events}, {"bytes", s.batch_bytes}, {"time_ms", s.batch_time.count()}}},
      {"retry", {{"attempts", s.retry_attempts}, {"delay_ms", s.retry_delay.count()}}},
  };
  boost::json::object target{{"kind", name_of(s.target.kind)}};
  if (!s.target.table.empty()) target["table"] = s.target.table;
  if (!s.target.view.empty()) target["view"] = s.target.view;
  if (!s.target.url.empty()) target["url"] = s.target.url;
  out["target"] = target;
  if (!s.error_exchange.empty()) out["error"] = {{"exchange", s.error_exchange}, {"routing_key", s.error_routing_key}};
  if (!s.same_as.empty()) out["same_as"] = s.same_as;
  boost::json::array ingest, fields, order, rollups;
  for (const auto& i : s.ingest) ingest.push_back(boost::json::string(ingest_text(i)));
  for (const auto& f : s.fields)
    fields.push_back({{"name", f.name},
                      {"type", name_of(f.type)},
                      {"column", column_type(f)},
                      {"from", f.path_text()},
                      {"required", f.required},
                      {"optional", f.nullable}});
  for (const auto& name : s.order) order.push_back(boost::json::string(name));
  for (const auto& r : s.rollups) rollups.push_back(boost::json::string(r.table));
  out["ingest"] = ingest;
  out["fields"] = fields;
  out["order"] = order;
  out["rollups"] = rollups;
  if (!s.partition.empty()) out["partition"] = s.partition;
  if (!s.latest.empty()) out["latest"] = s.latest;
  if (s.ttl.count() > 0) out["ttl"] = {{"hours", s.ttl.count()}, {"of", s.ttl_field}};
  return out;
}

boost::json::object to_json(const amqp::Topology& topology) {
  boost::json::array exchanges, queues, bindings;
  for (const auto& e : topology.exchanges) exchanges.push_back({{"name", e.name}, {"kind", e.kind}});
  for (const auto& q : topology.queues) {
    boost::json::object arguments;
    for (const auto& [key, value] : q.arguments)
      arguments[key] = std::visit([](const auto& v) { return boost::json::value_from(v); }, value);
    queues.push_back({{"name", q.name}, {"arguments", arguments}});
  }
  for (const auto& b : topology.bindings)
    bindings.push_back({{"queue", b.queue}, {"exchange", b.exchange}, {"routing_key", b.routing_key}});
  return {{"exchanges", exchanges}, {"queues", queues}, {"bindings", bindings}};
}

}  // namespace dalgona::events
