#include "event_grpc/parked.h"

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/amqp/body_coding.h"
#include "base/errors.h"
#include "event_grpc/delivery.h"

namespace dalgona::event_grpc {

namespace {

// Rows a statement names and messages a publish has.
constexpr size_t kAtOnce = 500;

std::string where(const ParkedFilter& filter, warehouse::QueryOptions& options) {
  std::string sql = "state = 'parked'";
  if (!filter.stream.empty()) {
    sql += " AND stream = {stream:String}";
    options.params["stream"] = filter.stream;
  }
  if (!filter.field.empty()) {
    sql += " AND field = {field:String}";
    options.params["field"] = filter.field;
  }
  std::string any;
  for (const auto& id : filter.ids) {
    if (id.size() < 8 || id.size() > 36 || id.find_first_not_of("0123456789abcdef-") != id.npos)
      throw InvalidInput(fmt::format("'{}' is no id, nor its first eight characters or more", id));
    any += fmt::format("{}startsWith(toString(id), '{}')", any.empty() ? "" : " OR ", id);
  }
  if (!any.empty()) sql += " AND (" + any + ")";
  return sql;
}

// Results come as JSON so that any byte of a reason or body comes through; bodies as hex, for they may be no UTF-8.
boost::json::array rows_of(warehouse::Client& client, const std::string& sql, warehouse::QueryOptions options) {
  options.settings["output_format_json_quote_64bit_integers"] = "0";
  options.settings["max_query_size"] = "4000000";
  const auto text = client.query_blocking(sql, "JSONCompact", std::move(options));
  return boost::json::parse(text).at("data").as_array();
}

std::string text_at(const boost::json::value& row, size_t column) {
  return std::string(row.at(column).as_string());
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    uint8_t byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    bytes += char(byte);
  }
  return bytes;
}

}  // namespace

std::vector<ParkedRow> Parked::list(const ParkedFilter& filter, bool with_body) const {
  warehouse::QueryOptions options;
  const auto conditions = where(filter, options);
  const auto sql = fmt::format(
      "SELECT toString(id), stream, toString(parked_at), hex(reason), hex(field), hex(exchange), hex(routing_key), {0} "
      "AS h, {1} AS b, "
      "toInt64(count), version FROM events.parked FINAL WHERE {2} ORDER BY parked_at DESC, id LIMIT {3}",
      with_body ? "hex(headers)" : "''", with_body ? "hex(body)" : "''", conditions, filter.limit);
  std::vector<ParkedRow> rows;
  for (const auto& row : rows_of(client_, sql, std::move(options))) {
    ParkedRow r;
    r.id = text_at(row, 0);
    r.stream = text_at(row, 1);
    r.parked_at = text_at(row, 2);
    r.reason = from_hex(text_at(row, 3));
    r.field = from_hex(text_at(row, 4));
    r.exchange = from_hex(text_at(row, 5));
    r.routing_key = from_hex(text_at(row, 6));
    r.headers = from_hex(text_at(row, 7));
    r.body = from_hex(text_at(row, 8));
    r.count = row.at(9).to_number<int64_t>();
    r.version = row.at(10).to_number<uint64_t>();
    rows.push_back(std::move(r));
  }
  return rows;
}

std::vector<Parked::Count> Parked::counts() const {
  std::vector<Count> all;
  for (const auto& row : rows_of(client_,
                                 "SELECT stream, hex(field), count() AS n FROM events.parked FINAL WHERE state = "
                                 "'parked' GROUP BY stream, field ORDER BY n DESC, stream, field LIMIT 1000",
                                 {}))
    all.push_back({text_at(row, 0), from_hex(text_at(row, 1)), row.at(2).to_number<uint64_t>()});
  return all;
}

amqp::Message replay_message(const events::Stream& stream, const ParkedRow& row) {
  amqp::Message m;
  m.routing_key = stream.queue;
  m.body = row.body;
  m.properties.content_type = "application/json";
  // The id that a message of one event had is the event's; a line's id is made from its bytes.
  boost::system::error_code error;
  const auto headers = boost::json::parse(row.headers, error);
  if (!error && headers.is_object()) {
    const auto text = [&](const char* name) {
      const auto* value = headers.get_object().if_contains(name);
      return value && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    if (!is_ndjson(text("content_type"))) m.properties.message_id = text("message_id");
    // Only a body that could not be decoded has it still.
    if (amqp::is_known_coding(text("content_encoding"))) {
      m.properties.content_encoding = text("content_encoding");
      m.properties.content_type = text("content_type");
    }
  }
  m.properties.headers = {
      {kParkedCountHeader, row.count}, {kFirstExchangeHeader, row.exchange}, {kFirstRoutingKeyHeader, row.routing_key}};
  return m;
}

void Parked::replay(const events::Catalogue& catalogue, amqp::Publisher& publisher,
                    const std::vector<ParkedRow>& rows) {
  for (size_t from = 0; from < rows.size(); from += kAtOnce) {
    const std::vector<ParkedRow> some(rows.begin() + long(from),
                                      rows.begin() + long(std::min(rows.size(), from + kAtOnce)));
    std::vector<amqp::Message> messages;
    for (const auto& row : some) messages.push_back(replay_message(catalogue.stream(row.stream), row));
    publisher.publish_blocking(std::move(messages));
    mark(some, "replayed", true);
  }
}

void Parked::drop(const std::vector<ParkedRow>& rows) {
  for (size_t from = 0; from < rows.size(); from += kAtOnce)
    mark({rows.begin() + long(from), rows.begin() + long(std::min(rows.size(), from + kAtOnce))}, "dropped", false);
}

void Parked::mark(const std::vector<ParkedRow>& rows, const char* state, bool keep_body) {
  if (rows.empty()) return;
  std::string keys;
  for (const auto& row : rows)
    keys += fmt::format("{}({}, toUUID('{}'), {})", keys.empty() ? "" : ", ", warehouse::literal(row.stream), row.id,
                        row.version);
  // The next version of the row that was read: one that is parked again meanwhile is newer than that and stays.
  // Columns are named by their table, for in WHERE a bare name would mean the alias of SELECT: see docs/traps.md.
  client_.query_blocking(
      fmt::format(
          "INSERT INTO events.parked SELECT * REPLACE ('{}' AS state, p.version + 1 AS version, {} AS body) FROM "
          "events.parked AS p FINAL WHERE (p.stream, p.id, p.version) IN ({}) SETTINGS max_query_size = 4000000",
          state, keep_body ? "p.body" : "''", keys),
      "");
}

}  // namespace dalgona::event_grpc
